/* SPDX-License-Identifier: MIT */

/* A report as the sequence of its statements, without any layout: a sink that writes down what it is given.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "compose.h"

#include <string.h>

/* Findings and summaries own their strings, so they are not const; nobody changes them here. */
#define S(text) ((char *)(text))

struct notes {
    struct tn_report_sink sink;
    struct tn_buffer out;
};

static void note(struct tn_report_sink *sink, const char *statement, const char *text)
{
    assert_int_equal(tn_buffer_print(&((struct notes *)sink)->out, "%s: %s\n", statement, text), 0);
}

static void note_heading(struct tn_report_sink *sink, const char *title)
{
    note(sink, "heading", title);
}

static void note_paragraph(struct tn_report_sink *sink, const struct tn_report_paragraph *paragraph)
{
    static const char *const roles[] = {
        [TN_PARAGRAPH_ALONE] = "alone",
        [TN_PARAGRAPH_WARNING] = "warning",
        [TN_PARAGRAPH_BODY] = "body",
        [TN_PARAGRAPH_REMARK] = "remark",
    };
    note(sink, roles[paragraph->role], paragraph->words);
}

static void note_field(struct tn_report_sink *sink, const struct tn_report_field *field)
{
    note(sink, field->label, field->value);
}

static void note_table(struct tn_report_sink *sink, const struct tn_report_table *table)
{
    for (size_t i = 0; i < table->row_count; i++) {
        note(sink, table->rows[i].is_marked ? "marked row" : "row", "");
        for (size_t j = 0; j < table->column_count; j++)
            note(sink, table->columns[j].title, table->rows[i].cells[j]);
    }
}

static void note_entry(struct tn_report_sink *sink, const struct tn_report_entry *entry)
{
    note(sink, "entry", entry->words);
    if (entry->site != NULL)
        note(sink, "site", entry->site->function);
}

static void note_item(struct tn_report_sink *sink, const struct tn_report_item *item)
{
    for (size_t i = 0; i < item->part_count; i++)
        note(sink, "item", item->parts[i].form == TN_PART_SITE ? "a site" : item->parts[i].text);
}

static void note_card(struct tn_report_sink *sink, const struct tn_report_card *card)
{
    note(sink, "card", card->title);
    if (card->condition != NULL)
        note(sink, "condition", card->condition);
    note(sink, "kind", card->kind);
    note(sink, "confidence", card->confidence);
    for (size_t i = 0; i < card->site_count; i++)
        note(sink, "site", card->sites[i].function);
    for (unsigned i = 0; i < TN_CARD_TEXT_COUNT; i++)
        if (card->texts[i] != NULL && card->texts[i][0] != '\0')
            note(sink, tn_words_card_label(i), card->texts[i]);
    if (card->is_brief)
        note(sink, "tag", card->tag);
    if (card->code != NULL)
        note(sink, "code", card->code->text);
}

static struct tn_summary_process processes[] = {
    {.id = 1, .allocations = 3, .command_line = S("sh"), .exit_kind = S("exit")},
    {.id = 2, .allocations = 1000, .command_line = S("app"), .exit_kind = S("running")},
};

static struct tn_summary summary = {
    .path = S("a b.db"),
    .program = S("/bin/sh"),
    .command_line = S("sh"),
    .started_at = S("now"),
    .is_finished = true,
    .process_id = 2,
    .processes = processes,
    .process_count = 2,
    .totals = {.allocations = 1000, .frees = 1000},
};

static const struct tn_evidence_key keys[] = {{.key = "count", .before = "", .after = " blocks"},
                                              {.key = NULL}};
static const struct tn_kind pool = {
    .name = "pool", .verify = "Look at these lines.", .program_verify = "Look at all.", .evidence = keys};
static const struct tn_kind *const kinds[] = {&pool, NULL};

/* The statements of a report; to be released by tn_buffer_finish. */
static struct tn_buffer compose(const struct tn_report *report)
{
    struct notes notes = {.sink = {.heading = note_heading,
                                   .paragraph = note_paragraph,
                                   .field = note_field,
                                   .table = note_table,
                                   .entry = note_entry,
                                   .item = note_item,
                                   .card = note_card}};
    assert_int_equal(tn_compose(report, &notes.sink), 0);
    return notes.out;
}

static void a_report_is_a_sequence_of_statements(void **state)
{
    (void)state;
    struct tn_finding_site site = {.function = S("push"), .file = S(""), .module = S(""), .via = S("malloc")};
    struct tn_finding items[] = {
        {.kind = "pool",
         .rank = 1,
         .title = S("A pool"),
         .sites = &site,
         .site_count = 1,
         .tactic = "",
         .code = S("/* Plain C11 */\nint c;\n\n/* Zephyr */\nint z;\n"),
         .saving = {.allocations_removed = 900}},
        {.kind = "pool", .rank = 2, .title = S("Less"), .sites = &site, .site_count = 1, .is_small = true},
    };
    struct tn_findings findings = {.items = items, .count = 2};
    struct tn_report report = {.summary = &summary, .findings = &findings, .kinds = kinds};
    struct tn_buffer out = compose(&report);
    assert_string_equal(
        (const char *)out.data,
        "warning: The log is not complete: it is still being written, or the recording was cut "
        "short. What follows is true of the time until then.\n"
        "heading: What was recorded\n"
        "program: /bin/sh\n"
        "command: sh\n"
        "when: now, 0 ns\n"
        "processes: 2; this report is about process 2 (--process ID for another)\n"
        "row: \nprocess: 1\nallocations: 3\nend: exit 0\ncommand: sh\n"
        "marked row: \nprocess: 2\nallocations: 1,000\nend: runs\ncommand: app\n"
        "log: a b.db\n"
        "heading: In short\n"
        "body: How much memory fragmentation costs was not measured; by default it is for small "
        "logs only. `tenure report --policy first-fit,tlsf LOG` replays this one on models of small heaps.\n"
        "body: Do these first:\n"
        "entry: A pool\n"
        "entry: Less\n"
        "heading: Totals of process 2\n"
        "row: \ntotal: allocations\nquantity: 1,000\n"
        "meaning: 0 B asked for, 0 B on average, at 0 sites\n"
        "row: \ntotal: frees\nquantity: 1,000\nmeaning: \n"
        "row: \ntotal: still live\nquantity: 0\nmeaning: at the end: everything was released\n"
        "row: \ntotal: peak\nquantity: 0 B\n"
        "meaning: live at once, in 0 blocks, 0 ns after the start\n"
        "row: \ntotal: short-lived\nquantity: 0 %\n"
        "meaning: 0 of <= 1,024 bytes, gone within 32 KiB of later requests\n"
        "heading: Findings, the largest saving first (all about one: tenure report LOG --finding NUMBER)\n"
        "card: A pool\nkind: pool\nconfidence: weak\n"
        "saves: 900 allocations (90.0 %)\n"
        "tag: [pool, weak]\n"
        "body: Each of these saves little of the calls and of the peak:\n"
        "entry: Less (pool, weak)\n"
        "heading: Record again after a change, and compare: tenure diff OLD NEW\n"
        "item: pool: Look at these lines.\n"
        "heading: What to look at next\n"
        "item: Anything else:\n"
        "item: tenure sql 'a b.db'\n"
        "item: (docs/queries.md)\n");
    tn_buffer_finish(&out);
    report.named = "1";
    out = compose(&report);
    assert_string_equal(
        (const char *)out.data,
        "warning: The log is not complete: it is still being written, or the recording was cut "
        "short. What follows is true of the time until then.\n"
        "heading: Findings\n"
        "card: A pool\nkind: pool\nconfidence: weak\nsite: push\n"
        "saves: 900 allocations (90.0 %)\n"
        "verify: Look at these lines.\n"
        "kind: pool, weak; tactic: ; key 00000000\n"
        "code: /* Plain C11 */\nint c;\n\n");
    tn_buffer_finish(&out);
}

/* However many sites and processes there are, a statement holds only what it has room for. */
static void long_lists_are_cut_and_counted(void **state)
{
    (void)state;
    struct tn_summary_process many[20];
    struct tn_finding_site sites[9];
    for (size_t i = 0; i < 20; i++)
        many[i] = (struct tn_summary_process){
            .id = i + 1, .allocations = 7, .command_line = S("sh"), .exit_kind = S("exit")};
    for (size_t i = 0; i < 9; i++)
        sites[i] =
            (struct tn_finding_site){.function = S("f"), .file = S(""), .module = S(""), .via = S("v")};
    struct tn_finding finding = {.kind = "pool",
                                 .title = S("t"),
                                 .tactic = "",
                                 .sites = sites,
                                 .site_count = 9,
                                 .saving = {.allocations_removed = 900}};
    struct tn_findings findings = {.items = &finding, .count = 1};
    struct tn_summary busy = summary;
    busy.processes = many;
    busy.process_count = 20;
    busy.process_id = 20;
    struct tn_report report = {.summary = &busy, .findings = &findings, .kinds = kinds};
    struct tn_buffer out = compose(&report);
    const char *text = (const char *)out.data;
    assert_non_null(strstr(text, "process: 12\n"));
    assert_null(strstr(text, "process: 13\n"));
    assert_non_null(strstr(text, "marked row: \nprocess: 20\n"));
    assert_non_null(strstr(text, "remark: and 7 more, smaller ones: tenure info lists them\n"));
    assert_null(strstr(text, "site: f"));
    tn_buffer_finish(&out);
}

/* How to verify and what the evidence means come from the entry of the kind. */
static void a_kind_has_its_own_words(void **state)
{
    (void)state;
    struct tn_finding finding = {.kind = "pool", .title = S("t"), .tactic = ""};
    struct tn_findings findings = {.items = &finding, .count = 1};
    struct tn_report report = {.summary = &summary, .findings = &findings, .kinds = kinds};
    tn_evidence_add_count(&finding.evidence, "count", 1);
    struct tn_buffer out = compose(&report);
    assert_non_null(strstr((const char *)out.data, "why: 1 block\n"));
    assert_non_null(strstr((const char *)out.data, "item: pool: Look at all.\n"));
    tn_buffer_finish(&out);
    finding.kind = "unheard-of";
    out = compose(&report);
    assert_null(strstr((const char *)out.data, "why: "));
    assert_null(strstr((const char *)out.data, "heading: Record again"));
    tn_buffer_finish(&out);
    tn_evidence_finish(&finding.evidence);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_is_a_sequence_of_statements),
        cmocka_unit_test(long_lists_are_cut_and_counted),
        cmocka_unit_test(a_kind_has_its_own_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
