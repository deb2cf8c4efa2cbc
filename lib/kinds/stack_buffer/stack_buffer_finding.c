/* SPDX-License-Identifier: MIT */
/* The kind `stack-buffer`: states one site as a finding. Decides whether the buffer is small enough, how sure
 * the finding is and how much it counts in the order, and writes title, advice, evidence, query and notes. */
#include "stack_buffer.h"

#include "tenure/analysis.h"
#include "tenure/cplusplus.h"
#include "tenure/kinds.h"
#include "tenure/size_source.h"
#include "tenure/source_frames.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How readily a buffer goes on the stack: the evidence's `tier`. */
#define TIER_1_BYTES     128u /* LLVM's heap-to-stack conversion takes no more by default */
#define TIER_1_INSTANCES 30u
#define TIER_2_BYTES     1024u
#define TIER_2_DOWN      2u

/* The largest block is a giant if it has this many bits more than 99 in 100, and is larger than tier 2
 * allows: most calls would carry a buffer that they do not need. */
#define GIANT_BITS 4u

/* In the order of findings: a buffer for sizes that vary is only as good as the limit that the program must
 * first hold them to, and one that more than two calls pass down goes through functions that know nothing of
 * it. */
#define VARYING_WEIGHT 0.75
#define FAR_WEIGHT     0.5
#define FAR_DOWN       2u

/* What a finding is written from. */
struct buffer_statement {
    const struct tn_stack_buffers *buffers;
    const struct tn_pass *pass;
    const struct tn_contained_site *counts;
    const struct tn_pass_site *seen;
    struct tn_buffer_births births;
    struct tn_buffer_owner owner;
    struct tn_size_source size;
    struct tn_made_by made_by;
    char *owner_file; /* owned */
    uint32_t owner_line;
    uint64_t exceptions;
    uint64_t grown_bytes;       /* bytes by which the owner's frame grows */
    uint64_t depth_after_bytes; /* deepest event of its threads, buffers included */
    unsigned tier;
    bool has_giant;
    struct tn_buffer kept; /* owned; notes on where the address goes */
};

static const char *owner_name(const struct buffer_statement *statement)
{
    return statement->buffers->frames->functions[statement->owner.function].name;
}

static bool is_varying(const struct buffer_statement *statement)
{
    return statement->counts->min_size_bytes != statement->counts->max_size_bytes;
}

static bool has_giant(const struct tn_contained_site *counts)
{
    uint64_t total = 0, seen = 0;
    unsigned highest = 0, p99 = 0;
    for (unsigned bits = 0; bits < 65; bits++) {
        total += counts->size_counts[bits];
        if (counts->size_counts[bits] != 0)
            highest = bits;
    }
    for (unsigned bits = 0; bits < 65 && seen * 100 < total * 99; bits++) {
        seen += counts->size_counts[bits];
        p99 = bits;
    }
    return highest >= p99 + GIANT_BITS && counts->max_size_bytes > TIER_2_BYTES;
}

static unsigned tier_of(const struct buffer_statement *statement)
{
    uint64_t bytes = statement->grown_bytes;
    if (bytes <= TIER_1_BYTES && statement->owner.frames_down == 0 &&
        statement->counts->instances >= TIER_1_INSTANCES)
        return 1;
    return bytes <= TIER_2_BYTES && statement->owner.frames_down <= TIER_2_DOWN ? 2 : 3;
}

/* Whether the blocks are few and small enough for a local array. */
static bool fits(const struct buffer_statement *statement)
{
    const struct tn_contained_site *counts = statement->counts;
    const struct tn_pass *pass = statement->pass;
    double share = tn_pass_threshold(pass, "stack-buffer.stack-share");
    double stack_bytes = (double)counts->smallest_stack_bytes;
    uint64_t worst_bytes = counts->max_size_bytes * counts->max_thread_live_count;
    return statement->owner.max_live_count <= statement->buffers->max_count &&
           (double)statement->grown_bytes <= tn_pass_threshold(pass, "stack-buffer.max-bytes") &&
           (stack_bytes == 0 || (double)worst_bytes <= share * stack_bytes) &&
           (double)statement->exceptions <=
               tn_pass_threshold(pass, "stack-buffer.exceptions") * (double)counts->instances;
}

/* Without lines only addresses tell the order of calls, and compilers move code. */
static bool is_order_known(const struct buffer_statement *statement)
{
    return statement->owner.frames_down == 0 || statement->owner_line != 0;
}

/* Where the program tells when the owner is left, nothing is a guess. */
static bool is_proven(const struct buffer_statement *statement)
{
    return statement->buffers->activations->is_told[statement->owner.function];
}

/* Everything happens within `main`: that blocks are gone before it returns only says that they are released.
 * Near their lines it is an owner like any other; far from them it is where a loop handles results. */
static bool is_far_from_main(const struct buffer_statement *statement)
{
    return strcmp(owner_name(statement), "main") == 0 && statement->owner.frames_down > TIER_2_DOWN;
}

static enum tn_confidence confidence_of(const struct buffer_statement *statement)
{
    const struct tn_contained_site *counts = statement->counts;
    bool is_clean = statement->exceptions == 0 && counts->refilled == 0 && !statement->has_giant &&
                    statement->pass->is_complete;
    if (is_clean && is_proven(statement))
        return TN_CONFIDENCE_PROVEN;
    bool is_sure = counts->doubtful == 0 && is_order_known(statement) && !is_far_from_main(statement);
    return is_clean && is_sure ? TN_CONFIDENCE_CONSISTENT : TN_CONFIDENCE_WEAK;
}

/* ---------------------------------------------------------------------------------------- evidence */

static void fill_evidence(const struct buffer_statement *statement, struct tn_finding *finding)
{
    const struct tn_contained_site *counts = statement->counts;
    struct tn_evidence_set *evidence = &finding->evidence;
    tn_evidence_add_bytes(evidence, "buffer_bytes", counts->max_size_bytes);
    tn_evidence_add_bytes(evidence, "min_size_bytes", counts->min_size_bytes);
    struct tn_evidence_set *owner = tn_evidence_add_object(evidence, "owner");
    tn_evidence_add_text(owner, "function", owner_name(statement));
    tn_evidence_add_text(owner, "file", statement->owner_file);
    tn_evidence_add_number(owner, "line", TN_UNIT_NONE, statement->owner_line);
    tn_evidence_add_count(evidence, "frames_down", statement->owner.frames_down);
    tn_evidence_add_count(evidence, "instances", counts->instances);
    tn_evidence_add_count(evidence, "exceptions", statement->exceptions);
    tn_evidence_add_count(evidence, "doubtful", counts->doubtful);
    tn_evidence_add_count(evidence, "max_live_count", statement->owner.max_live_count);
    tn_evidence_add_count(evidence, "max_thread_live_count", counts->max_thread_live_count);
    tn_evidence_add_number(evidence, "tier", TN_UNIT_NONE, statement->tier);
    tn_evidence_add_bytes(evidence, "stack_depth_before_bytes", counts->deepest_thread_bytes);
    tn_evidence_add_bytes(evidence, "stack_depth_after_bytes", statement->depth_after_bytes);
    tn_evidence_add_bytes(evidence, "stack_size_bytes", counts->smallest_stack_bytes);
}

/* A chain of reallocs counts once, with the largest of its sizes. */
static int fill_query(const struct buffer_statement *statement, struct tn_finding *finding)
{
    char *where = NULL;
    int r = tn_finding_where(statement->pass, &statement->births.site, 1, &where);
    if (r == 0 && statement->counts->resizes == 0)
        r = tn_finding_set(&finding->query,
                           "SELECT count(*) AS instances, max(size_bytes) AS buffer_bytes FROM allocation"
                           " WHERE %s AND previous_id IS NULL",
                           where);
    else if (r == 0)
        r = tn_finding_set(
            &finding->query,
            "WITH RECURSIVE resized AS MATERIALIZED (SELECT previous_id, id, size_bytes FROM allocation"
            " WHERE previous_id IS NOT NULL), chain(id, size_bytes, is_first) AS"
            " (SELECT id, size_bytes, 1 FROM allocation WHERE %s AND previous_id IS NULL"
            " UNION ALL SELECT r.id, r.size_bytes, 0 FROM chain JOIN resized AS r ON r.previous_id = "
            "chain.id)"
            " SELECT sum(is_first) AS instances, max(size_bytes) AS buffer_bytes FROM chain",
            where);
    free(where);
    return r;
}

/* ---------------------------------------------------------------------------------------- words */

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* "serve (server.c:40)", or "serve" where no line is known. */
static void print_owner(const struct buffer_statement *statement, char *ret_text, size_t text_bytes)
{
    char name[TN_SHORT_NAME_BYTES];
    const char *function = tn_function_short_name(owner_name(statement), name, sizeof(name));
    if (statement->owner_line != 0)
        snprintf(ret_text, text_bytes, "%s (%s:%" PRIu32 ")", function, last_part(statement->owner_file),
                 statement->owner_line);
    else
        snprintf(ret_text, text_bytes, "%s", function);
}

/* "a local buffer of 40 B", "an array of 3 local buffers of up to 40 B". */
static void print_local(const struct buffer_statement *statement, char *ret_text, size_t text_bytes)
{
    char bytes[TN_QUANTITY_TEXT_BYTES];
    uint64_t count = statement->owner.max_live_count;
    tn_print_count(bytes, statement->counts->max_size_bytes);
    const char *limit = is_varying(statement) ? "up to " : "";
    if (count > 1)
        snprintf(ret_text, text_bytes, "an array of %s local buffers of %s%s B", tn_count_text(count).text,
                 limit, bytes);
    else
        snprintf(ret_text, text_bytes, "a local buffer of %s%s B", limit, bytes);
}

static int fill_advice(const struct buffer_statement *statement, struct tn_finding *finding,
                       const char *place)
{
    char owner[320], buffer[160], pass_down[420] = "", limit[200] = "";
    print_owner(statement, owner, sizeof(owner));
    print_local(statement, buffer, sizeof(buffer));
    if (statement->owner.frames_down == 1)
        snprintf(pass_down, sizeof(pass_down), " and pass it to %s, which allocates it now", place);
    if (statement->owner.frames_down > 1)
        snprintf(pass_down, sizeof(pass_down),
                 " and pass it down %" PRIu32 " calls to %s, which allocates it now",
                 statement->owner.frames_down, place);
    if (is_varying(statement))
        snprintf(limit, sizeof(limit),
                 " Sizes vary, and %s is only the largest seen: make it the documented limit, and "
                 "refuse, or leave to the heap, what is longer.",
                 tn_count_text(statement->counts->max_size_bytes).text);
    return tn_finding_set(&finding->advice, "Declare %s in %s%s: no block outlived the call.%s", buffer,
                          owner, pass_down, limit);
}

static int fill_title(const struct buffer_statement *statement, struct tn_finding *finding, const char *place)
{
    char count[TN_QUANTITY_TEXT_BYTES], owner[320], buffer[160], held[64] = "none";
    bool is_local = statement->owner.frames_down == 0;
    tn_print_count(count, statement->counts->instances);
    print_owner(statement, owner, sizeof(owner));
    print_local(statement, buffer, sizeof(buffer));
    if (statement->exceptions != 0)
        snprintf(held, sizeof(held), "all but %s", tn_count_text(statement->exceptions).text);
    return tn_finding_set(&finding->title, "Use %s in %s%s%s: %s of %s%s blocks %s", buffer,
                          is_local ? place : owner, is_local ? "" : " for ", is_local ? "" : place, held,
                          is_local ? "its " : "", count,
                          statement->exceptions != 0 ? "are gone when it returns" : "outlives the call");
}

static int add_note(struct tn_buffer *notes, bool is_true, const char *format, uint64_t count)
{
    if (!is_true)
        return 0;
    char number[TN_QUANTITY_TEXT_BYTES];
    int r = notes->size_bytes != 0 ? tn_buffer_append(notes, "\n", 1) : 0;
    /* the formats are those of fill_notes, each with one %s at most */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    return r < 0 ? r : tn_buffer_print(notes, format, tn_print_count(number, count));
#pragma GCC diagnostic pop
}

/* Most other sites whose blocks one of the lines of release releases, too. */
static uint64_t most_others(const struct tn_finding *finding)
{
    uint64_t most = 0;
    for (size_t i = 0; i < finding->release_count; i++)
        if (finding->releases[i].other_sites > most)
            most = finding->releases[i].other_sites;
    return most;
}

static int fill_notes(const struct buffer_statement *statement, struct tn_finding *finding)
{
    const struct tn_contained_site *counts = statement->counts;
    uint64_t others = most_others(finding);
    bool is_shared =
        others != 0 && !tn_maker_is_container(statement->made_by.maker) &&
        (finding->condition.kind == NULL || strcmp(finding->condition.kind, "shared-release") != 0);
    /* Words that are right for one and for many. */
    const struct {
        bool is_true;
        const char *format;
        uint64_t count;
    } lines[] = {
        {counts->other_thread != 0, "released by another thread: %s of the blocks", counts->other_thread},
        {counts->no_owner != 0, "outlived every function of the program that was under way: %s of the blocks",
         counts->no_owner},
        {counts->no_stack != 0, "released without a stack, so that nothing is known of it: %s of the blocks",
         counts->no_stack},
        {counts->left_live != 0, "kept somewhere, or live when the program ended: %s of the blocks",
         counts->left_live},
        {counts->doubtful != 0 && !is_proven(statement),
         "released by code before the birth in the owner, in a loop or from call to call: %s of the blocks",
         counts->doubtful},
        {counts->contrary != 0, "outlived the call in another process of this log: %s of the blocks",
         counts->contrary},
        {statement->size.fixed_bytes > counts->max_size_bytes, "the code also asks for up to %s B here",
         statement->size.fixed_bytes},
        {is_shared,
         "the lines of release also serve other lines that stay in the same call (%s): change all of them "
         "together",
         others},
        {counts->refilled != 0,
         "born after others of the same call had gone, as in a queue rather than an array: %s of the blocks",
         counts->refilled},
        {!is_order_known(statement), "without lines, the order of what the owner does is a guess", 0},
        {is_far_from_main(statement),
         "%s calls lie between main and this line, and all that a program releases is gone before main "
         "returns",
         statement->owner.frames_down},
        {statement->has_giant, "the largest block is a rare exception: think of a limit below %s B",
         counts->max_size_bytes},
        {counts->max_thread_live_count > statement->owner.max_live_count,
         "the owner calls itself: up to %s buffers lie on one stack at a time",
         counts->max_thread_live_count},
        {!statement->pass->is_complete, "the recording was not over: blocks seen so far: %s",
         counts->instances},
    };
    struct tn_buffer notes = {0};
    int r = 0;
    for (size_t i = 0; r == 0 && i < sizeof(lines) / sizeof(lines[0]); i++)
        r = add_note(&notes, lines[i].is_true, lines[i].format, lines[i].count);
    if (r == 0 && statement->kept.size_bytes != 0)
        r = tn_buffer_print(&notes, "%s%s", notes.size_bytes != 0 ? "\n" : "", (char *)statement->kept.data);
    finding->notes = (char *)notes.data;
    return r;
}

/* ---------------------------------------------------------------------------------------- the finding */

static void fill_saving(const struct buffer_statement *statement, struct tn_finding *finding)
{
    const struct tn_pass_site *seen = statement->seen;
    uint64_t overhead_bytes = seen->usable_bytes - seen->total_bytes + TN_HEADER_BYTES * seen->allocations;
    double mean_bytes = (double)overhead_bytes / (double)seen->allocations;
    finding->saving.allocations_removed =
        statement->counts->instances + statement->counts->resizes - statement->exceptions;
    finding->saving.bytes_removed = (int64_t)(mean_bytes * (double)seen->peak_live_count);
    finding->saving.peak_bytes_delta =
        (int64_t)(statement->depth_after_bytes - statement->counts->deepest_thread_bytes) -
        (int64_t)(seen->live_bytes_at_peak + (uint64_t)(mean_bytes * (double)seen->live_count_at_peak));
    finding->saving.outside = "stack";
    finding->apply = TN_APPLY_REMOVE;
    double weight = (is_varying(statement) ? VARYING_WEIGHT : 1) *
                    (statement->owner.frames_down > FAR_DOWN ? FAR_WEIGHT : 1);
    finding->discount = 1 - weight;
}

/* In words of C++, where its library or a new expression makes the blocks. */
static int fill_cplusplus(const struct buffer_statement *statement, const char *place,
                          struct tn_finding *finding)
{
    char owner[320];
    print_owner(statement, owner, sizeof(owner));
    struct tn_cplusplus_scene scene = {
        .made_by = &statement->made_by,
        .place = place,
        .owner = owner,
        .allocations = statement->counts->instances,
        .block_bytes = statement->counts->max_size_bytes,
        .block_count = statement->owner.max_live_count,
    };
    return tn_cplusplus_stack_words(&scene, finding);
}

static int fill(struct buffer_statement *statement, struct tn_finding *finding)
{
    char place[320];
    tn_finding_place(&finding->sites[0], place, sizeof(place));
    finding->confidence = confidence_of(statement);
    fill_saving(statement, finding);
    bool is_cplusplus = tn_cplusplus_stack_has(statement->made_by.maker);
    int r = is_cplusplus ? fill_cplusplus(statement, place, finding) : fill_title(statement, finding, place);
    if (r == 0 && !is_cplusplus)
        r = fill_advice(statement, finding, place);
    /* one that is used again would be overwritten by the deeper call, while a local has a copy at each depth
     */
    if (r == 0 && is_cplusplus && statement->counts->max_thread_live_count > statement->owner.max_live_count)
        r = tn_finding_add_condition(finding, "recursion", NULL, 0,
                                     "each depth of the recursion has its own: %s were in use",
                                     tn_count_text(statement->counts->max_thread_live_count).text);
    fill_evidence(statement, finding);
    if (r == 0)
        r = fill_query(statement, finding);
    /* Its type stores the address of a container's memory, and releases it; reused, it needs no limit. */
    bool is_container = tn_maker_is_container(statement->made_by.maker);
    if (r == 0 && !is_container)
        r = tn_stack_buffer_add_stored(statement->buffers, statement->pass, &statement->births,
                                       &statement->owner, finding);
    if (r == 0 && !is_container)
        r = tn_stack_buffer_add_kept(statement->buffers, statement->pass, &statement->births,
                                     &statement->owner, finding, &statement->kept);
    if (r == 0)
        r = tn_stack_buffer_add_conditions(statement->buffers, statement->pass, &statement->births,
                                           &statement->owner, is_container ? NULL : &statement->size,
                                           finding);
    return r < 0 ? r : fill_notes(statement, finding);
}

/* Whether a role's callers lie within the owner: a function that they call has the same buffer, whoever
 * calls. */
static bool is_role_owned(const struct buffer_statement *statement)
{
    const struct tn_pass_role *role = tn_pass_role(statement->pass, statement->births.site);
    if (role == NULL || role->call.is_told)
        return true;
    uint32_t callers = role->caller_count != 0 ? role->caller_count : 1;
    return !role->is_outermost && statement->owner.frames_down >= callers;
}

/* Find the owner and weigh the buffer; false: there is nothing to state. */
static bool weigh(struct buffer_statement *statement)
{
    const struct tn_contained_site *counts = statement->counts;
    const struct tn_buffer_births *births = &statement->births;
    double down_max = tn_pass_threshold(statement->pass, "stack-buffer.max-frames-down");
    /* A type of the C++ library that has words of its own is not opaque: its user can use another one. */
    bool has_words =
        tn_maker_is_library(statement->made_by.maker) && tn_cplusplus_stack_has(statement->made_by.maker);
    if ((!has_words && tn_source_frames_is_opaque(statement->buffers->frames, statement->pass, births->names,
                                                  births->stacks[0])) ||
        !tn_stack_buffer_owner(statement->buffers, statement->pass, births, &statement->owner))
        return false;
    if (tn_stack_buffer_owning(statement->buffers, statement->pass, births, &statement->owner) ==
        TN_OWNING_LOOP)
        return false;
    statement->exceptions =
        counts->other_thread + counts->no_owner + counts->no_stack + counts->left_live + counts->contrary;
    statement->grown_bytes = counts->max_size_bytes * statement->owner.max_live_count;
    uint64_t below_bytes = counts->deepest_bytes + counts->max_size_bytes * counts->max_thread_live_count;
    statement->depth_after_bytes =
        below_bytes > counts->deepest_thread_bytes ? below_bytes : counts->deepest_thread_bytes;
    statement->has_giant = has_giant(counts);
    statement->tier = tier_of(statement);
    return fits(statement) && statement->owner.frames_down <= down_max && is_role_owned(statement);
}

/* Begin with the names, and weigh. *ret_is_stated: there is something to state, and the caller goes on with
 * the finding; else it is released. */
static int begin(struct buffer_statement *statement, uint32_t site, const uint32_t *stacks,
                 size_t stack_count, struct tn_finding *finding, bool *ret_is_stated)
{
    *ret_is_stated = false;
    int r = tn_finding_begin(statement->pass, &tn_kind_stack_buffer, &site, 1, finding);
    if (r < 0)
        return r;
    statement->counts = &statement->buffers->sites[site];
    statement->seen = &statement->pass->sites[site];
    statement->births = (struct tn_buffer_births){site, &finding->sites[0], stacks, stack_count};
    r = tn_pass_maker(statement->pass, site, &statement->made_by);
    *ret_is_stated = r == 0 && statement->made_by.maker != TN_MAKER_LIBRARY && weigh(statement);
    if (!*ret_is_stated)
        tn_finding_finish(finding);
    return r;
}

int tn_stack_buffer_weigh(struct tn_stack_buffers *buffers, const struct tn_pass *pass, uint32_t site,
                          const uint32_t *stacks, size_t stack_count)
{
    struct buffer_statement statement = {.buffers = buffers, .pass = pass};
    struct tn_finding finding;
    bool is_stated;
    int r = begin(&statement, site, stacks, stack_count, &finding, &is_stated);
    if (r < 0 || !is_stated)
        return r;
    buffers->sites[site].owner = statement.owner.function;
    buffers->sites[site].frames_down = statement.owner.frames_down;
    tn_finding_finish(&finding);
    return 0;
}

int tn_stack_buffer_state(const struct tn_stack_buffers *buffers, const struct tn_pass *pass, uint32_t site,
                          const uint32_t *stacks, size_t stack_count, struct tn_findings *findings)
{
    struct buffer_statement statement = {.buffers = buffers, .pass = pass};
    struct tn_finding finding;
    bool is_stated;
    int r = begin(&statement, site, stacks, stack_count, &finding, &is_stated);
    if (r < 0 || !is_stated)
        return r;
    struct tn_size_range range = {.function = statement.owner.function};
    r = tn_size_source_find(pass, site, &finding.sites[0], stacks, stack_count, range, &statement.size);
    if (r == 0)
        r = tn_source_frames_line(pass, statement.owner.frame_id, &statement.owner_file,
                                  &statement.owner_line);
    if (r == 0)
        r = fill(&statement, &finding);
    if (r == 0)
        r = tn_findings_add(findings, &finding);
    free(statement.owner_file);
    tn_buffer_finish(&statement.kept);
    if (r < 0)
        tn_finding_finish(&finding);
    return r;
}
