/* SPDX-License-Identifier: MIT */

/* What was recorded: program, command, time, processes, log. Of many processes those with most allocations
 * are listed, and always the one that the report is about. */

#include "compose.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PROCESSES_MAX 12

static void put_field(struct tn_composer *composer, enum tn_fixed_words label, enum tn_field_form form,
                      const char *value)
{
    composer->sink->field(composer->sink, &(struct tn_report_field){
                                              .label = tn_words_fixed(label), .form = form, .value = value});
}

static int compare_descending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x < y) - (x > y);
}

/* Processes with fewer allocations than this are not listed, so that about PROCESSES_MAX are. */
static uint64_t listing_threshold(struct tn_composer *composer)
{
    const struct tn_summary *summary = composer->report->summary;
    if (summary->process_count <= PROCESSES_MAX)
        return 0;
    uint64_t *counts = calloc(summary->process_count, sizeof(counts[0]));
    if (counts == NULL) {
        composer->words.result = -ENOMEM;
        return 0;
    }
    for (size_t i = 0; i < summary->process_count; i++)
        counts[i] = summary->processes[i].allocations;
    qsort(counts, summary->process_count, sizeof(counts[0]), compare_descending);
    uint64_t threshold = counts[PROCESSES_MAX - 1];
    free(counts);
    return threshold;
}

static struct tn_report_row make_row(struct tn_words *words, const struct tn_summary_process *process,
                                     bool is_marked)
{
    return (struct tn_report_row){.cells = {tn_words_print(words, "%" PRIu64, process->id),
                                            tn_words_count(words, process->allocations),
                                            tn_words_end(words, process), process->command_line},
                                  .is_marked = is_marked};
}

/* Returns how many processes are listed. */
static size_t put_table(struct tn_composer *composer)
{
    static const enum tn_column_form forms[] = {TN_COLUMN_ID, TN_COLUMN_COUNT, TN_COLUMN_STATE,
                                                TN_COLUMN_LINE};
    const struct tn_report_column columns[] = {
        {tn_words_fixed(TN_WORDS_LABEL_PROCESS), forms[0]},
        {tn_words_fixed(TN_WORDS_LABEL_ALLOCATIONS), forms[1]},
        {tn_words_fixed(TN_WORDS_TITLE_END), forms[2]},
        {tn_words_fixed(TN_WORDS_LABEL_COMMAND), forms[3]},
    };
    const struct tn_summary *summary = composer->report->summary;
    struct tn_report_row rows[PROCESSES_MAX + 1]; /* and the one that the report is about */
    uint64_t threshold = listing_threshold(composer);
    size_t listed = 0;
    for (size_t i = 0; i < summary->process_count; i++) {
        const struct tn_summary_process *process = &summary->processes[i];
        bool is_it = process->id == summary->process_id;
        if (is_it || (process->allocations >= threshold && listed < PROCESSES_MAX))
            rows[listed++] = make_row(&composer->words, process, is_it);
    }
    const struct tn_report_table table = {.columns = columns,
                                          .column_count = sizeof(columns) / sizeof(columns[0]),
                                          .rows = rows,
                                          .row_count = listed,
                                          .can_mark = true};
    composer->sink->table(composer->sink, &table);
    return listed;
}

static void put_processes(struct tn_composer *composer)
{
    const struct tn_summary *summary = composer->report->summary;
    struct tn_words *words = &composer->words;
    put_field(composer, TN_WORDS_LABEL_PROCESSES, TN_FIELD_WORDS,
              tn_words_processes(words, summary->process_count, summary->process_id));
    size_t listed = put_table(composer);
    if (listed < summary->process_count)
        tn_compose_paragraph(composer, TN_PARAGRAPH_REMARK,
                             tn_words_more_processes(words, summary->process_count - listed));
    if (summary->losses.inherited_frees != 0)
        tn_compose_paragraph(composer, TN_PARAGRAPH_REMARK,
                             tn_words_inherited_frees(words, summary->losses.inherited_frees));
}

static const struct tn_summary_process *find_process(const struct tn_summary *summary)
{
    for (size_t i = 0; i < summary->process_count; i++)
        if (summary->processes[i].id == summary->process_id)
            return &summary->processes[i];
    return NULL;
}

/* Whether a command line names the program itself, so that it need not be told twice. */
static bool begins_with_word(const char *command_line, const char *word)
{
    size_t length = strlen(word);
    return strncmp(command_line, word, length) == 0 &&
           (command_line[length] == '\0' || command_line[length] == ' ');
}

void tn_compose_recording(struct tn_composer *composer)
{
    const struct tn_summary *summary = composer->report->summary;
    struct tn_words *words = &composer->words;
    composer->sink->heading(composer->sink, tn_words_fixed(TN_WORDS_RECORDED));
    const char *program = summary->program_label != NULL ? summary->program_label : summary->program;
    if (!begins_with_word(summary->command_line, program))
        put_field(composer, TN_WORDS_LABEL_PROGRAM, TN_FIELD_PATH, program);
    put_field(composer, TN_WORDS_LABEL_COMMAND, TN_FIELD_LINE, summary->command_line);
    put_field(composer, TN_WORDS_LABEL_WHEN, TN_FIELD_WORDS,
              tn_words_when(words, summary->started_at, summary->duration_ns));
    const struct tn_summary_process *process = find_process(summary);
    if (summary->process_count == 1 && process != NULL)
        put_field(composer, TN_WORDS_LABEL_PROCESS, TN_FIELD_WORDS,
                  tn_words_process(words, process, summary->totals.threads));
    else if (summary->process_count > 1)
        put_processes(composer);
    /* Functions that were found to be wrappers are not sites; a reader who looks for their lines has to know.
     */
    if (summary->wrappers != NULL && summary->wrappers[0] != '\0')
        put_field(composer, TN_WORDS_LABEL_WRAPPERS, TN_FIELD_WORDS,
                  tn_words_wrappers(words, summary->wrappers));
    composer->sink->field(composer->sink,
                          &(struct tn_report_field){.label = tn_words_fixed(TN_WORDS_LABEL_LOG),
                                                    .form = TN_FIELD_PATH,
                                                    .value = summary->path,
                                                    .remark = summary->log_bytes != 0
                                                                  ? tn_words_bytes(words, summary->log_bytes)
                                                                  : NULL});
}
