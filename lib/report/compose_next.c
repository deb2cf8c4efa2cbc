/* SPDX-License-Identifier: MIT */

/* What to look at next: what speaks against the findings (a wrapper that was taken for a site), and commands
 * to type. Commands are made for a POSIX shell, with what comes from the log quoted. */

#include "compose.h"
#include "runtime_block.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* A site that makes this share of all allocations, in this many sizes, serves the whole program. */
#define WRAPPER_PERCENT_MIN 50
#define WRAPPER_SIZES_MIN   16

static void put_item(struct tn_composer *composer, const struct tn_report_part *parts, size_t part_count)
{
    composer->sink->item(composer->sink, &(struct tn_report_item){.parts = parts, .part_count = part_count});
}

/* What is in a buffer as text in the store; the buffer is released. */
static const char *take(struct tn_words *words, struct tn_buffer *buffer, int result)
{
    if (result < 0)
        words->result = result;
    const char *text = "";
    if (buffer->size_bytes != 0)
        text = tn_words_print(words, "%.*s", (int)buffer->size_bytes, (const char *)buffer->data);
    tn_buffer_finish(buffer);
    return text;
}

const char *tn_compose_shell_word(struct tn_words *words, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+-,=@%:";
    if (word[0] != '\0' && word[strspn(word, plain)] == '\0')
        return word;
    struct tn_buffer quoted = {0};
    int r = tn_buffer_append(&quoted, "'", 1);
    for (; *word != '\0' && r == 0; word++)
        r = *word == '\'' ? tn_buffer_append(&quoted, "'\\''", 4) : tn_buffer_append(&quoted, word, 1);
    if (r == 0)
        r = tn_buffer_append(&quoted, "'", 1);
    return take(words, &quoted, r);
}

/* A name as a POSIX extended regular expression that matches it alone. */
static const char *literal(struct tn_words *words, const char *name)
{
    struct tn_buffer escaped = {0};
    int r = 0;
    for (; *name != '\0' && r == 0; name++) {
        if (strchr(".[]()*+?{}|^$\\", *name) != NULL)
            r = tn_buffer_append(&escaped, "\\", 1);
        if (r == 0)
            r = tn_buffer_append(&escaped, name, 1);
    }
    return take(words, &escaped, r);
}

/* ---------------------------------------------------------------------------------------- wrappers */

/* The option that names a site's function, or the site where the function has no name, as a wrapper. */
static const char *wrapper_option(struct tn_words *words, const struct tn_summary_site *site)
{
    if (site->function[0] != '\0')
        return tn_words_print(words, "--wrapper '%s'", literal(words, site->function));
    return tn_words_print(words, "--wrapper '%s\\+0x%" PRIx64 "$'",
                          literal(words, tn_report_module_name(site)), site->offset_bytes);
}

/* A site that makes most allocations, in many sizes, is probably an allocation function of the program's own:
 * its callers are the true sites, and advice on it as a whole would be wrong. So this comes first. */
static void put_wrapper(struct tn_composer *composer)
{
    const struct tn_summary *summary = composer->report->summary;
    const struct tn_summary_sites *sites = &summary->lists[TN_SUMMARY_BY_ALLOCATIONS];
    const struct tn_summary_site *site = sites->count != 0 ? &sites->sites[0] : NULL;
    if (site == NULL || site->distinct_sizes < WRAPPER_SIZES_MIN || site->module[0] == '\0' ||
        site->allocations < summary->totals.allocations / 100 * WRAPPER_PERCENT_MIN)
        return;
    const struct tn_report_site position = tn_compose_summary_site(site);
    const struct tn_report_part parts[] = {
        {.form = TN_PART_WORDS, .text = tn_words_many_sizes(&composer->words, site->distinct_sizes)},
        {.form = TN_PART_SITE, .site = &position},
        {.form = TN_PART_WORDS, .text = tn_words_fixed(TN_WORDS_CALLERS)},
        {.form = TN_PART_COMMAND, .text = wrapper_option(&composer->words, site)},
    };
    put_item(composer, parts, sizeof(parts) / sizeof(parts[0]));
}

/* ---------------------------------------------------------------------------------------- queries */

/* The rows are grouped by stack first: a stack's text costs more than a look at a row. */
static void put_stack_query(struct tn_composer *composer)
{
    const struct tn_summary *summary = composer->report->summary;
    const struct tn_summary_sites *busiest = &summary->lists[TN_SUMMARY_BY_ALLOCATIONS];
    if (busiest->count == 0 || busiest->sites[0].site_id == 0)
        return;
    const char *command =
        tn_words_print(&composer->words,
                       "tenure sql %s \\\n"
                       "  \"SELECT n, text FROM (SELECT stack_id, count(*) AS n FROM allocation\n"
                       "    WHERE process_id = %" PRIu64 " AND site_id = %" PRIu64
                       " GROUP BY 1)\n"
                       "    JOIN stack_text USING (stack_id) ORDER BY n DESC LIMIT 5\"",
                       tn_compose_shell_word(&composer->words, summary->path), summary->process_id,
                       busiest->sites[0].site_id);
    const struct tn_report_part parts[] = {
        {.form = TN_PART_WORDS, .text = tn_words_fixed(TN_WORDS_STACKS)},
        {.form = TN_PART_COMMAND, .text = command},
    };
    put_item(composer, parts, sizeof(parts) / sizeof(parts[0]));
}

static void put_ownership(struct tn_composer *composer)
{
    const struct tn_summary *summary = composer->report->summary;
    struct tn_words *words = &composer->words;
    if (summary->link_count == 0)
        return;
    const char *command =
        tn_words_print(words, "tenure report %s --format json", tn_compose_shell_word(words, summary->path));
    const struct tn_report_part parts[] = {
        {.form = TN_PART_WORDS, .text = tn_words_fixed(TN_WORDS_OWNERSHIP)},
        {.form = TN_PART_SPAN, .text = command},
    };
    put_item(composer, parts, sizeof(parts) / sizeof(parts[0]));
}

static void put_anything_else(struct tn_composer *composer)
{
    struct tn_words *words = &composer->words;
    const char *command =
        tn_words_print(words, "tenure sql %s", tn_compose_shell_word(words, composer->report->summary->path));
    const struct tn_report_part parts[] = {
        {.form = TN_PART_WORDS, .text = tn_words_fixed(TN_WORDS_ANYTHING_ELSE)},
        {.form = TN_PART_SPAN, .text = command},
        {.form = TN_PART_WORDS, .text = tn_words_fixed(TN_WORDS_TABLES)},
    };
    put_item(composer, parts, sizeof(parts) / sizeof(parts[0]));
}

void tn_compose_next(struct tn_composer *composer)
{
    composer->sink->heading(composer->sink, tn_words_fixed(TN_WORDS_NEXT));
    put_wrapper(composer);
    put_stack_query(composer);
    put_ownership(composer);
    put_anything_else(composer);
}
