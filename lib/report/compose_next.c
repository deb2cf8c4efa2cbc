/* SPDX-License-Identifier: MIT */

/* What to look at next: what speaks against the findings (no debug information, a wrapper that was taken for
 * a site), and commands to type. Commands are made for a POSIX shell, with what comes from the log quoted. */

#include "compose.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* Below this share of all allocations, sites without a line are not worth a word. */
#define NAMELESS_PERCENT_MIN 10
#define MODULES_MAX          3

/* A site that makes this share of all allocations, in this many sizes, serves the whole program. */
#define WRAPPER_PERCENT_MIN 50
#define WRAPPER_SIZES_MIN   16

#define STACK_FRAMES_SHOWN 10

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

/* A path as a shell takes it: quoted when it has to be. */
static const char *shell_word(struct tn_words *words, const char *word)
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

static const char *module_name(const struct tn_summary_site *site)
{
    const char *slash = strrchr(site->module, '/');
    return slash != NULL ? slash + 1 : site->module;
}

/* ---------------------------------------------------------------------------------------- no names */

static bool is_nameless(const struct tn_summary_site *site)
{
    return site->line == 0 && site->module[0] != '\0';
}

/* Whether a site before this one, without a line as well, lies in the same module. */
static bool is_module_known(const struct tn_summary_sites *sites, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (sites->sites[i].line == 0 && strcmp(sites->sites[i].module, sites->sites[index].module) == 0)
            return true;
    return false;
}

static const char *nameless_modules(struct tn_words *words, const struct tn_summary_sites *sites)
{
    const char *names = "";
    unsigned count = 0;
    for (size_t i = 0; i < sites->count && count < MODULES_MAX; i++)
        if (is_nameless(&sites->sites[i]) && !is_module_known(sites, i))
            names = tn_words_print(words, "%s%s%s", names, count++ == 0 ? "" : ", ",
                                   module_name(&sites->sites[i]));
    return names;
}

/* Offsets alone do not show what to change: how to get lines for them comes before any advice. */
static void put_nameless(struct tn_composer *composer)
{
    const struct tn_summary *summary = composer->report->summary;
    const struct tn_summary_sites *sites = &summary->lists[TN_SUMMARY_BY_ALLOCATIONS];
    uint64_t allocations = 0;
    for (size_t i = 0; i < sites->count; i++)
        allocations += is_nameless(&sites->sites[i]) ? sites->sites[i].allocations : 0;
    if (!summary->is_finished || allocations == 0 ||
        allocations < summary->totals.allocations / 100 * NAMELESS_PERCENT_MIN)
        return;
    const char *modules = nameless_modules(&composer->words, sites);
    const struct tn_report_part part = {
        .form = TN_PART_WORDS,
        .text = tn_words_nameless(&composer->words, allocations, summary->totals.allocations, modules)};
    put_item(composer, &part, 1);
}

/* ---------------------------------------------------------------------------------------- wrappers */

/* The option that names a site's function, or the site where the function has no name, as a wrapper. */
static const char *wrapper_option(struct tn_words *words, const struct tn_summary_site *site)
{
    if (site->function[0] != '\0')
        return tn_words_print(words, "--wrapper '%s'", literal(words, site->function));
    return tn_words_print(words, "--wrapper '%s\\+0x%" PRIx64 "$'", literal(words, module_name(site)),
                          site->offset_bytes);
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

/* The rows are grouped by stack first: a look at a stack's frames costs more than one at a row. */
static void put_stack_query(struct tn_composer *composer)
{
    const struct tn_summary *summary = composer->report->summary;
    const struct tn_summary_sites *busiest = &summary->lists[TN_SUMMARY_BY_ALLOCATIONS];
    if (busiest->count == 0 || busiest->sites[0].site_id == 0)
        return;
    const char *command = tn_words_print(
        &composer->words,
        "tenure sql %s \\\n"
        "  \"SELECT n, position, f.function, file, line FROM (SELECT stack_id AS id,\n"
        "    count(*) AS n FROM allocation WHERE process_id = %" PRIu64 " AND site_id = %" PRIu64
        " GROUP BY 1\n"
        "    ORDER BY n DESC LIMIT 5) AS s JOIN stack_frame AS f ON f.stack_id = s.id\n"
        "    WHERE position < %u ORDER BY n DESC, s.id, position\"",
        shell_word(&composer->words, summary->path), summary->process_id, busiest->sites[0].site_id,
        STACK_FRAMES_SHOWN);
    const struct tn_report_part parts[] = {
        {.form = TN_PART_WORDS, .text = tn_words_fixed(TN_WORDS_STACKS)},
        {.form = TN_PART_COMMAND, .text = command},
    };
    put_item(composer, parts, sizeof(parts) / sizeof(parts[0]));
}

static void put_anything_else(struct tn_composer *composer)
{
    struct tn_words *words = &composer->words;
    const char *command =
        tn_words_print(words, "tenure sql %s", shell_word(words, composer->report->summary->path));
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
    put_nameless(composer);
    put_wrapper(composer);
    put_stack_query(composer);
    put_anything_else(composer);
}
