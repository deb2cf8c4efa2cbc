/* SPDX-License-Identifier: MIT */
/* The kind `arena`: the conditions under which a finding is true of other runs: what outlives the call, who
 * keeps an address, what grows. Called by arena_finding.c. */
#include "arena_statement.h"

#include "tenure/kept_address.h"
#include "tenure/kinds.h"
#include "tenure/stored_address.h"

#include <stdio.h>

#define STACKS_MAX 16u /* of one line's births that are asked about: their code is mostly the same */

/* The line of those that are served with most blocks that outlived the call; NULL: there is none. */
static const struct tn_arena_site *find_leak(const struct tn_arena_statement *statement)
{
    const struct tn_arena_site *worst = NULL;
    for (size_t i = 0; i < statement->survey.served_count; i++) {
        const struct tn_arena_site *site = &statement->survey.sites[i];
        if (site->escapes != 0 && (worst == NULL || site->escapes > worst->escapes))
            worst = site;
    }
    return worst;
}

/* A condition that one line of those that are served decides. The words are told with its place. */
static int add_line_condition(const struct tn_arena_statement *statement, const struct tn_arena_site *site,
                              const char *kind, const char *words, struct tn_finding *finding)
{
    struct tn_finding named;
    char place[256];
    int r = tn_finding_begin(statement->pass, &tn_kind_arena, &site->site, 1, &named);
    if (r < 0)
        return r;
    struct tn_finding_line line = {.function = named.sites[0].function,
                                   .file = named.sites[0].file,
                                   .line = named.sites[0].line,
                                   .module = named.sites[0].module,
                                   .offset_bytes = named.sites[0].offset_bytes};
    tn_finding_place(&named.sites[0], place, sizeof(place));
    r = tn_finding_add_condition(finding, kind, &line, 1, "%s%s", words, place);
    tn_finding_finish(&named);
    return r;
}

/* Hardly any blocks outlive the call: these few are copied where they are kept. */
static int add_escape_condition(const struct tn_arena_statement *statement, struct tn_finding *finding)
{
    const struct tn_arena_site *worst = find_leak(statement);
    char words[160];
    if (worst == NULL)
        return 0;
    snprintf(words, sizeof(words), "what outlives the call is copied to the heap, as %s of %s blocks%s of ",
             tn_count_text(worst->escapes).text, tn_count_text(worst->settled).text,
             statement->escapes != worst->escapes ? ", for one," : "");
    return add_line_condition(statement, worst, "escapes", words, finding);
}

static int add_resize_condition(const struct tn_arena_statement *statement, struct tn_finding *finding)
{
    for (size_t i = 0; i < statement->survey.served_count; i++)
        if (statement->survey.sites[i].resizes != 0)
            return add_line_condition(statement, &statement->survey.sites[i], "resized",
                                      "a new block and a copy take the place of realloc in ", finding);
    return 0;
}

/* Blocks of a line that is served are gone when the call returns, and what is stored in them with them. */
static bool is_gone(const void *context, uint32_t stack_id)
{
    const struct tn_arena_statement *statement = context;
    uint32_t index = statement->pass->nodes[stack_id].site;
    for (size_t i = 0; i < statement->survey.served_count; i++)
        if (statement->survey.sites[i].site == index)
            return statement->survey.sites[i].escapes == 0;
    return false;
}

/* Whether the address of a line's blocks is stored where it may outlive the call. */
static int find_stored(const struct tn_arena_statement *statement, const struct tn_arena_site *site,
                       struct tn_stored_address *ret_stored)
{
    struct tn_finding named;
    uint32_t stacks[STACKS_MAX];
    size_t count = 0;
    for (uint32_t id = 1; id < statement->pass->node_count && count < STACKS_MAX; id++)
        if (statement->pass->nodes[id].site == site->site && statement->arenas->stacks[id].births != 0)
            stacks[count++] = id;
    int r = tn_finding_begin(statement->pass, &tn_kind_arena, &site->site, 1, &named);
    if (r < 0)
        return r;
    struct tn_stored_question question = {.site = site->site,
                                          .names = &named.sites[0],
                                          .stacks = stacks,
                                          .stack_count = count,
                                          .owner = statement->choice->own.function,
                                          .is_gone = is_gone,
                                          .context = statement};
    r = tn_stored_address_find(statement->pass, &question, ret_stored);
    tn_finding_finish(&named);
    return r;
}

/* What is queued in the call outlives it as soon as nobody takes it out in time. */
static int add_stored_condition(const struct tn_arena_statement *statement, struct tn_finding *finding,
                                bool *ret_has)
{
    struct tn_stored_address stored = {0};
    struct tn_finding_line line;
    char place[320];
    int r = 0;
    for (size_t i = 0; i < statement->survey.served_count && r == 0 && stored.kind != TN_STORED_OBJECT; i++)
        r = find_stored(statement, &statement->survey.sites[i], &stored);
    *ret_has = r == 0 && stored.kind != TN_STORED_NOWHERE;
    if (!*ret_has)
        return r;
    r = tn_pass_code_line(statement->pass, stored.module_id, stored.address, &line);
    if (r < 0)
        return r;
    tn_finding_line_print(&line, place, sizeof(place));
    r = tn_finding_add_condition(
        finding, "address-stored", &line, 1,
        stored.kind > TN_STORED_TABLE
            ? "what %s stores is not kept beyond the call: it is a block's address"
            : "the variable that %s stores a block's address in is not used after the call",
        place);
    tn_finding_line_finish(&line);
    return r;
}

/* What the code does not show may show in the memory that was looked at. */
static int add_kept_condition(const struct tn_arena_statement *statement, struct tn_finding *finding)
{
    struct tn_kept_question question = {&statement->arenas->links, is_gone, statement};
    const struct tn_link_by_stack *kept = NULL;
    struct tn_buffer unused = {0};
    for (uint32_t id = 1; id < statement->pass->node_count; id++)
        if (statement->arenas->stacks[id].births != 0 && is_gone(statement, id))
            kept = tn_kept_address_find(statement->pass, &question, id, kept);
    if (kept == NULL || kept->holder_stack_id == 0)
        return 0;
    return tn_kept_address_tell(statement->pass, &tn_kind_arena, kept, "a block", finding, &unused);
}

int tn_arena_add_conditions(const struct tn_arena_statement *statement, struct tn_finding *finding)
{
    const struct tn_arena_candidate *own = &statement->choice->own;
    bool can_tell = tn_activations_can_tell(statement->arenas->activations, statement->pass, own->function);
    char name[TN_SHORT_NAME_BYTES];
    bool is_stored = false;
    int r = 0;
    if (!can_tell)
        r = tn_finding_add_condition(
            finding, "calls-untold", &statement->line, 1,
            "%s keeps no block from one call to the next: its calls could not be told apart",
            tn_function_short_name(statement->arenas->frames->functions[own->function].name, name,
                                   sizeof(name)));
    if (r == 0)
        r = add_escape_condition(statement, finding);
    if (r == 0)
        r = add_stored_condition(statement, finding, &is_stored);
    if (r == 0 && !is_stored)
        r = add_kept_condition(statement, finding);
    if (r == 0)
        r = add_resize_condition(statement, finding);
    if (r == 0 && statement->counts->min_bytes != own->arena_bytes)
        r = tn_finding_add_condition(
            finding, "largest-seen", &statement->line, 1,
            "what a call asks for beyond %s bytes, the most that one did, comes from the heap",
            tn_count_text(own->arena_bytes).text);
    return r;
}
