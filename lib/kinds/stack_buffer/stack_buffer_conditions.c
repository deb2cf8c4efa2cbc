/* SPDX-License-Identifier: MIT */
/* The kind `stack-buffer`: what decides whether a finding is true of other runs: the lines that release the
 * blocks, whether the owner's calls could be told apart, and the size. Called once a finding. */
#include "stack_buffer.h"

#include "tenure/other_caller.h"
#include "tenure/releases.h"
#include "tenure/size_source.h"

#include <errno.h>
#include <stdlib.h>

/* The finding's site, and with it those that the owner asks for itself, too, and could have as locals: where
 * one line releases the blocks of both, it goes when both change. */
static int list_sites(const struct tn_stack_buffers *buffers, const struct tn_pass *pass, uint32_t site,
                      const struct tn_buffer_owner *owner, uint32_t **ret_sites,
                      struct tn_release_sites *ret_list)
{
    uint32_t *sites = calloc(pass->site_count + 1, sizeof(sites[0]));
    if (sites == NULL)
        return -ENOMEM;
    *ret_sites = sites;
    *ret_list = (struct tn_release_sites){.items = sites, .own_count = 1, .count = 1};
    sites[0] = site;
    for (uint32_t other = 1; other < pass->site_count; other++)
        if (other != site && buffers->sites[other].owner == owner->function &&
            buffers->sites[other].frames_down == 0 && owner->frames_down == 0)
            sites[ret_list->count++] = other;
    return 0;
}

/* The owner's calls look like one, and others release what it holds: it may as well be a loop with a queue.
 */
static int add_untold(const struct tn_stack_buffers *buffers, const struct tn_pass *pass,
                      const struct tn_buffer_owner *owner, struct tn_finding *finding)
{
    struct tn_finding_line line;
    int r = tn_pass_line(pass, owner->frame_id, &line);
    if (r < 0)
        return r;
    char name[TN_SHORT_NAME_BYTES];
    r = tn_finding_add_condition(
        finding, "calls-untold", &line, 1,
        "%s keeps none from one round to the next: its calls could not be told apart",
        tn_function_short_name(buffers->frames->functions[owner->function].name, name, sizeof(name)));
    tn_finding_line_finish(&line);
    return r;
}

/* Functions that the buffer is passed down to have callers that did not run: these have no buffer to pass.
 * A weak finding has other cares, and a role speaks of no other callers. */
static int add_other_caller(const struct tn_stack_buffers *buffers, const struct tn_pass *pass,
                            const struct tn_buffer_births *births, const struct tn_buffer_owner *owner,
                            struct tn_finding *finding)
{
    struct tn_other_caller_question question = {births->names, births->stacks, births->stack_count,
                                                owner->function};
    struct tn_finding_line line;
    uint32_t frame_id;
    bool has_other;
    char place[512], name[TN_SHORT_NAME_BYTES];
    const struct tn_pass_role *role = tn_pass_role(pass, births->site);
    if (owner->frames_down == 0 || finding->confidence == TN_CONFIDENCE_WEAK ||
        (role != NULL && !role->call.is_told))
        return 0;
    int r = tn_pass_other_caller(pass, &question, &frame_id, &line, &has_other);
    if (r < 0 || !has_other)
        return r;
    const struct tn_source_frame *source = &buffers->frames->frames[frame_id].source;
    tn_finding_line_print(&line, place, sizeof(place));
    r = tn_finding_add_condition(
        finding, "other-caller", &line, 1, "%s, which calls %s as well, passes a buffer, too", place,
        tn_function_short_name(buffers->frames->functions[source->function].name, name, sizeof(name)));
    tn_finding_line_finish(&line);
    return r;
}

/* How many blocks a call has at once is the input's where calls differ, and more blocks were at once than
 * there are call paths to the site: an array that is full would be written past its end. */
static int add_number(const struct tn_stack_buffers *buffers, const struct tn_pass *pass,
                      const struct tn_buffer_births *births, const struct tn_buffer_owner *owner,
                      struct tn_finding *finding)
{
    uint32_t physical = buffers->frames->frames[pass->nodes[owner->node].frame_id].source.function;
    uint64_t if_all_were_full = owner->max_live_count * buffers->activations->entered[physical];
    struct tn_finding_line line;
    char name[TN_SHORT_NAME_BYTES];
    if (owner->max_live_count <= births->stack_count ||
        buffers->sites[births->site].instances >= if_all_were_full)
        return 0;
    int r = tn_pass_line(pass, owner->frame_id, &line);
    if (r < 0)
        return r;
    r = tn_finding_add_condition(
        finding, "number", &line, 1, "no call of %s has more than %s at once, as none had",
        tn_function_short_name(buffers->frames->functions[owner->function].name, name, sizeof(name)),
        tn_count_text(owner->max_live_count).text);
    tn_finding_line_finish(&line);
    return r;
}

int tn_stack_buffer_add_conditions(const struct tn_stack_buffers *buffers, const struct tn_pass *pass,
                                   const struct tn_buffer_births *births, const struct tn_buffer_owner *owner,
                                   const struct tn_size_source *size, struct tn_finding *finding)
{
    struct tn_release_range range = {.owner = owner->function};
    struct tn_release_sites list, own;
    uint32_t *sites = NULL;
    int r = list_sites(buffers, pass, births->site, owner, &sites, &list);
    if (r < 0)
        return r;
    own = (struct tn_release_sites){.items = sites, .own_count = 1, .count = 1};
    r = tn_pass_add_releases(pass, &own, range, finding);
    if (r == 0 && size != NULL)
        r = tn_pass_add_release_conditions(pass, &list, range, "a stack buffer", finding);
    if (r == 0 && size != NULL)
        r = tn_pass_add_held_condition(pass, &list, range, finding);
    free(sites);
    if (r == 0 && tn_stack_buffer_owning(buffers, pass, births, owner) == TN_OWNING_UNTOLD)
        r = add_untold(buffers, pass, owner, finding);
    if (r == 0 && size != NULL)
        r = add_number(buffers, pass, births, owner, finding);
    if (r == 0 && size != NULL)
        r = tn_size_source_add_condition(pass, size, &finding->sites[0], NULL,
                                         buffers->sites[births->site].max_size_bytes, finding);
    if (r == 0 && size != NULL)
        r = add_other_caller(buffers, pass, births, owner, finding);
    return r;
}
