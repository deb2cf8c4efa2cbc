/* SPDX-License-Identifier: MIT */
/* The kind `stack-buffer`: what speaks against a local buffer in the machine code. A block whose address was
 * stored elsewhere may be kept there in another run, although it was gone each time in this one. Called once
 * a finding. */
#include "stack_buffer.h"

#include "tenure/kinds.h"
#include "tenure/source_frames.h"
#include "tenure/stored_address.h"

#include <stdio.h>
#include <string.h>

/* The level of the innermost frame of a function in a stack; 0: it is not there. */
static uint32_t level_of(const struct tn_buffer_holders *question, uint32_t stack_id)
{
    const struct tn_source_frames *frames = question->buffers->frames;
    for (uint32_t node = stack_id; node != 0; node = question->pass->nodes[node].caller_id) {
        uint32_t frame_id = question->pass->nodes[node].frame_id;
        for (uint32_t i = 0; i < tn_source_frames_count(frames, frame_id); i++)
            if (tn_source_frames_get(frames, frame_id, i)->function == question->owner)
                return question->pass->nodes[node].depth;
    }
    return 0;
}

static int find_store(const struct tn_buffer_holders *holders, uint32_t site,
                      const struct tn_finding_site *names, const uint32_t *stacks, size_t stack_count,
                      struct tn_stored_address *ret_stored)
{
    struct tn_stored_question question = {.site = site,
                                          .names = names,
                                          .stacks = stacks,
                                          .stack_count = stack_count,
                                          .owner = holders->owner,
                                          .is_gone = tn_stack_buffer_is_gone,
                                          .context = holders};
    return tn_stored_address_find(holders->pass, &question, ret_stored);
}

/* Whether the address of a holder is itself stored where it may stay. What cannot be told counts as not. */
static bool is_kept(const struct tn_buffer_holders *holders, uint32_t stack_id)
{
    struct tn_buffer_holders further = *holders;
    struct tn_stored_address stored = {.kind = TN_STORED_NOWHERE};
    struct tn_finding named;
    uint32_t site = holders->pass->nodes[stack_id].site;
    if (further.holders_left-- == 0 ||
        tn_finding_begin(holders->pass, &tn_kind_stack_buffer, &site, 1, &named) < 0)
        return false;
    bool is_told = find_store(&further, site, &named.sites[0], &stack_id, 1, &stored) == 0;
    tn_finding_finish(&named);
    return is_told && stored.kind != TN_STORED_NOWHERE;
}

bool tn_stack_buffer_is_gone(const void *context, uint32_t stack_id)
{
    const struct tn_buffer_holders *question = context;
    const struct tn_contained_stack *counts = &question->buffers->stacks[stack_id];
    const struct tn_contained_site *site = &question->buffers->sites[question->pass->nodes[stack_id].site];
    uint32_t level = level_of(question, stack_id);
    bool is_clean = site->other_thread == 0 && site->no_owner == 0 && site->no_stack == 0 &&
                    site->left_live == 0 && site->contrary == 0 && !site->is_hopeless;
    return level != 0 && is_clean && counts->instances != 0 && counts->owner_level >= level &&
           !is_kept(question, stack_id);
}

static void print_place(const struct tn_finding_line *line, char *ret_text, size_t text_bytes)
{
    char place[256], name[TN_SHORT_NAME_BYTES];
    tn_finding_line_print(line, place, sizeof(place));
    if (line->line != 0 && line->function[0] != '\0')
        snprintf(ret_text, text_bytes, "%s (%s)", tn_function_short_name(line->function, name, sizeof(name)),
                 place);
    else
        snprintf(ret_text, text_bytes, "%s", place);
}

/* Whether what realloc does to the block is known from the events. */
static bool is_told_resized(const struct tn_finding *finding)
{
    return finding->condition.kind != NULL && strcmp(finding->condition.kind, "resized") == 0;
}

/* A way that did not run hands the block to realloc, which a local buffer must never reach. */
static int add_resize(const struct tn_pass *pass, const struct tn_stored_address *stored,
                      struct tn_finding *finding)
{
    struct tn_finding_line line;
    char place[512];
    if (stored->resize == 0 || is_told_resized(finding))
        return 0;
    int r = tn_pass_code_line(pass, stored->resize_module_id, stored->resize, &line);
    if (r < 0)
        return r;
    print_place(&line, place, sizeof(place));
    r = tn_finding_add_condition(finding, "resized", &line, 1,
                                 "realloc at %s, which did not run, no longer gets the block: a largest size "
                                 "has to be set",
                                 place);
    tn_finding_line_finish(&line);
    return r;
}

/* Whether the site is in the owner, too, one call of it further in: what that one gives back, this one gets.
 */
static bool is_own_callee(const struct tn_stack_buffers *buffers, const struct tn_buffer_births *births,
                          const struct tn_buffer_owner *owner)
{
    const char *site = births->names[0].function;
    return owner->frames_down != 0 && site != NULL &&
           strcmp(site, buffers->frames->functions[owner->function].name) == 0;
}

/* A way that did not run gives the block to the caller. */
static int add_returned(const struct tn_stack_buffers *buffers, const struct tn_pass *pass,
                        const struct tn_buffer_owner *owner, struct tn_finding *finding)
{
    char name[TN_SHORT_NAME_BYTES];
    struct tn_finding_line line;
    int r = tn_pass_line(pass, owner->frame_id, &line);
    if (r < 0)
        return r;
    r = tn_finding_add_condition(
        finding, "returned", &line, 1,
        "%s hands none to its caller: a way that did not run returns the block",
        tn_function_short_name(buffers->frames->functions[owner->function].name, name, sizeof(name)));
    tn_finding_line_finish(&line);
    return r;
}

int tn_stack_buffer_add_stored(const struct tn_stack_buffers *buffers, const struct tn_pass *pass,
                               const struct tn_buffer_births *births, const struct tn_buffer_owner *owner,
                               struct tn_finding *finding)
{
    struct tn_buffer_holders holders = {buffers, pass, owner->function, TN_BUFFER_HOLDERS_MAX};
    struct tn_stored_address stored;
    struct tn_finding_line line;
    char place[512];
    if (finding->confidence == TN_CONFIDENCE_WEAK) /* most are, and what decides for them is something else */
        return 0;
    int r = find_store(&holders, births->site, births->names, births->stacks, births->stack_count, &stored);
    if (r == 0)
        r = add_resize(pass, &stored, finding);
    if (r == 0 && stored.is_returned && !is_own_callee(buffers, births, owner))
        r = add_returned(buffers, pass, owner, finding);
    if (r < 0 || stored.kind == TN_STORED_NOWHERE)
        return r;
    r = tn_pass_code_line(pass, stored.module_id, stored.address, &line);
    if (r < 0)
        return r;
    print_place(&line, place, sizeof(place));
    r = tn_finding_add_condition(
        finding, "address-stored", &line, 1,
        stored.kind > TN_STORED_TABLE
            ? "what %s stores is not kept beyond the call: it is the block's address"
            : "the variable that %s stores its address in is not used after the call",
        place);
    tn_finding_line_finish(&line);
    return r;
}
