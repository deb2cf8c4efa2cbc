/* SPDX-License-Identifier: MIT */

/* A report with three findings: one that is proven, in a line of the program's own; one in a library; and a
 * doubtful one, of a kind that is not in the table. */

#include "report_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tenure/kinds.h"

#include <stdlib.h>
#include <string.h>

static struct tn_finding_site sites[] = {
    {.site_id = 7,
     .function = S("read_line"),
     .file = S("/src/app/input.c"),
     .line = 42,
     .module = S("/usr/bin/app"),
     .via = S("malloc"),
     .allocations = 90000},
    {.site_id = 9,
     .function = S("node_new"),
     .file = S("/src/app/list.c"),
     .line = 7,
     .module = S("/usr/bin/app"),
     .via = S("xmalloc"),
     .allocations = 4000},
    {.site_id = 10,
     .function = S(""),
     .file = S(""),
     .module = S("/usr/lib/libstore.so.2"),
     .offset_bytes = 0x1f2c,
     .via = S("operator new"),
     .allocations = 100},
};

static struct tn_finding_heap_delta heap_deltas[] = {{S("first-fit"), -512}, {S("freertos-heap4"), 64}};

static struct tn_finding_line limit_line = {
    .function = S("fill"), .file = S("/src/store/limit.c"), .line = 31, .module = S("/usr/bin/app")};

static struct tn_finding_release releases[] = {
    {.line =
         {.function = S("read_line"), .file = S("/src/app/input.c"), .line = 44, .module = S("/usr/bin/app")},
     .count = 78300,
     .share = 0.87},
    {.line = {.function = S(""), .file = S(""), .module = S("/usr/lib/libstore.so.2"), .offset_bytes = 0x2f4},
     .count = 11700,
     .share = 0.13,
     .other_sites = 12},
};

struct tn_finding fixture_items[] = {
    {.kind = "stack-buffer",
     .rank = 1,
     .key = 0x5a0c91fe,
     .confidence = TN_CONFIDENCE_PROVEN,
     .title = S("90,000 buffers of at most 80 B never outlive read_line"),
     .sites = &sites[0],
     .site_count = 1,
     .tactic = "consider stack buffers",
     .advice = S("Declare char line[80] in read_line (input.c:30), and give it to read_line instead of what "
                 "malloc returns: each block is gone before the function returns."),
     .saving = {.allocations_removed = 90000,
                .bytes_removed = 16,
                .peak_bytes_delta = -24,
                .heap_deltas = heap_deltas,
                .heap_delta_count = 2,
                .is_measured = true,
                .replay_allocations_removed = 90000,
                .heap_median_bytes = -224,
                .heap_noise_bytes = 40,
                .outside_bytes = 80,
                .outside = "stack"},
     .query = S("SELECT 90000 AS instances"),
     .releases = releases,
     .release_count = 2,
     .alternatives = S("pool, preallocate")},
    {.kind = "pool",
     .rank = 2,
     .confidence = TN_CONFIDENCE_CONSISTENT,
     .title = S("A pool of 50 blocks of 24 B serves all 4,100 allocations of node_new (list.c:7) and of "
                "another line of it, which is in the library"),
     .sites = &sites[1],
     .site_count = 2,
     .tactic = "use memory pools",
     .advice = S("Take the blocks from a pool."),
     .saving = {.allocations_removed = 4100, .peak_bytes_delta = 2048},
     .query = S("SELECT 1 AS one"),
     .code =
         S("/* Plain C11 */\n#define NODES 50\n\n/* Zephyr: a slab */\nK_MEM_SLAB_DEFINE(node_slab, 24, 50, "
           "8);\n\n/* ThreadX */\nint node;\n"),
     .notes = S("The peak was reached once.\nOther sites ask for the same size.")},
    {.kind = "unheard-of",
     .rank = 3,
     .confidence = TN_CONFIDENCE_WEAK,
     .title = S("doubtful"),
     .tactic = "none",
     .advice = S("Look."),
     .condition = {.kind = "size-computed",
                   .text = S("a limit is set: the size is computed at run time"),
                   .lines = &limit_line,
                   .line_count = 1},
     .query = S("SELECT 2 AS two")},
};

struct tn_findings fixture_findings = {.items = fixture_items, .count = 3, .process_id = 1, .given_way = 2};

static struct tn_summary_process process = {.id = 1,
                                            .pid = 4711,
                                            .executable = S("/usr/bin/app"),
                                            .command_line = S("app \"x\""),
                                            .exit_kind = S("running"),
                                            .exit_code = -1};

#define NO_PLACE 0, S(""), S(""), 0, S(""), 0, S("")
#define NODE     9, S("node_new"), S("/src/app/list.c"), 7, S("/usr/bin/app"), 0, S("xmalloc")
#define NAMELESS 10, S(""), S(""), 0, S("/usr/lib/libstore.so.2"), 7980, S("operator new")

static struct tn_summary_link links[] = {
    {{NODE}, S(""), 16, S("struct node"), S("text"), {NAMELESS}, 8, S("holder death"), 49, 50, 0.98, 12},
    {{NO_PLACE}, S("/usr/bin/app"), 0x4010, S(""), S(""), {NODE}, 0, S("event 4"), 1, 3, 1.0 / 3, 3},
};

struct tn_summary fixture_summary = {
    .links = links,
    .link_count = 2,
    .path = S("tenure.app.4711.db"),
    .program = S("/usr/bin/app\xff"),
    .command_line = S("app \"x\""),
    .started_at = S("2026-11-22T12:00:00Z"),
    .tool_version = S("0.1.0"),
    .wrappers = S("grab, grab_object"),
    .wrappers_found = S("[{\"function\": \"grab\"}, {\"function\": \"grab_object\"}]"),
    .is_closed = true,
    .is_complete = true,
    .is_finished = true,
    .process_id = 1,
    .processes = &process,
    .process_count = 1,
    .totals = {.allocations = 100000, .frees = 99000, .peak_live_bytes = 5000},
};

struct tn_report fixture_report = {.summary = &fixture_summary,
                                   .findings = &fixture_findings,
                                   .kinds = tn_kinds,
                                   .least = TN_CONFIDENCE_WEAK};

/* One of each type that a value can have. */
static void add_values(struct tn_evidence_set *evidence, bool is_deep)
{
    tn_evidence_add_real(evidence, "share", TN_UNIT_RATIO, 0.25, 6);
    tn_evidence_add_bytes(evidence, "depth_bytes", 3145728);
    tn_evidence_add_ns(evidence, "life_ns", 1500);
    struct tn_evidence_set *sizes = tn_evidence_add_list(evidence, "sizes");
    struct tn_evidence_set *first = is_deep ? tn_evidence_add_list(sizes, NULL) : sizes;
    tn_evidence_add_count(first, NULL, 1);
    if (is_deep)
        tn_evidence_add_count(first, NULL, 2);
    tn_evidence_add_count(tn_evidence_add_list(tn_evidence_add_object(sizes, NULL), "a"), NULL, 3);
    tn_evidence_add_text(sizes, NULL, "]");
    tn_evidence_add_list(evidence, "empty");
    tn_evidence_add_text(evidence, "none", NULL);
    tn_evidence_add_bool(evidence, "is_loop", false);
}

int fixture_fill_evidence(void **state)
{
    (void)state;
    struct tn_evidence_set *evidence = &fixture_items[0].evidence;
    tn_evidence_add_bytes(evidence, "buffer_bytes", 80);
    struct tn_evidence_set *owner = tn_evidence_add_object(evidence, "owner");
    tn_evidence_add_text(owner, "function", "read \"it\"");
    tn_evidence_add_text(owner, "file", "/src/app/input.c");
    tn_evidence_add_number(owner, "line", TN_UNIT_NONE, 30);
    tn_evidence_add_count(evidence, "frames_down", 0);
    tn_evidence_add_count(evidence, "instances", 90000);
    tn_evidence_add_count(evidence, "exceptions", 0);
    add_values(evidence, true);
    add_values(&fixture_items[2].evidence, false);
    tn_evidence_add_text(&fixture_items[2].evidence, "word", "a \"b\"");
    return tn_evidence_error(evidence) + tn_evidence_error(&fixture_items[2].evidence);
}

int fixture_drop_evidence(void **state)
{
    (void)state;
    for (size_t i = 0; i < fixture_findings.count; i++)
        tn_evidence_finish(&fixture_items[i].evidence);
    return 0;
}

/* A report as a string, to be freed. */
char *fixture_write_report(const struct tn_report *report, const char *format)
{
    struct tn_buffer text = {0};
    assert_int_equal(tn_report_format_find(format)->write(report, &text), 0);
    assert_int_equal(tn_buffer_append(&text, "", 1), 0);
    return (char *)text.data;
}

void fixture_assert_part(const struct tn_report *report, const char *format, const char *words, bool is_there)
{
    char *text = fixture_write_report(report, format);
    if ((strstr(text, words) != NULL) != is_there)
        fail_msg("'%s' is %sin:\n%s", words, is_there ? "not " : "", text);
    free(text);
}
