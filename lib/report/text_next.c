/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

/* Below this share of all allocations, sites without a line are not worth a word. */
#define NAMELESS_PERCENT_MIN 10
#define MODULES_MAX          3

/* A site that makes this share of all allocations, in this many sizes, serves the whole program. */
#define WRAPPER_PERCENT_MIN 50
#define WRAPPER_SIZES_MIN   16

/* A path as a shell takes it: quoted when it has to be. */
static void print_shell_word(struct tn_text *text, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+-,=@%:";
    if (word[0] != '\0' && word[strspn(word, plain)] == '\0') {
        tn_text_print(text, "%s", word);
        return;
    }
    tn_text_print(text, "'");
    for (; *word != '\0'; word++) {
        if (*word == '\'')
            tn_text_print(text, "'\\''");
        else
            tn_text_print(text, "%c", *word);
    }
    tn_text_print(text, "'");
}

/* The statements are grouped by stack first: a look at a stack's frames costs more than one at a row. */
static void print_stack_query(struct tn_text *text, const struct tn_summary *summary, uint64_t site_id,
                              const char *stack_column, unsigned frame_count)
{
    tn_text_print(text, "      tenure sql ");
    print_shell_word(text, summary->path);
    tn_text_print(text,
                  " \\\n"
                  "        \"SELECT n, position, f.function, file, line FROM (SELECT %s AS id,\n"
                  "          count(*) AS n FROM allocation WHERE process_id = %" PRIu64
                  " AND site_id = %" PRIu64
                  " GROUP BY 1\n"
                  "          ORDER BY n DESC LIMIT 5) AS s JOIN stack_frame AS f ON f.stack_id = s.id\n"
                  "          WHERE position < %u ORDER BY n DESC, s.id, position\"\n",
                  stack_column, summary->process_id, site_id, frame_count);
}

static const char *module_name(const struct tn_summary_site *site)
{
    const char *slash = strrchr(site->module, '/');
    return slash != NULL ? slash + 1 : site->module;
}

/* Whether a site before this one, without a line as well, lies in the same module. */
static bool is_module_known(const struct tn_summary_sites *sites, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (sites->sites[i].line == 0 && strcmp(sites->sites[i].module, sites->sites[index].module) == 0)
            return true;
    return false;
}

/* Sites that are only offsets tell nobody what to change: how to get their lines comes before any advice. */
static void print_nameless(struct tn_text *text, const struct tn_summary *summary)
{
    const struct tn_summary_sites *sites = &summary->lists[TN_SUMMARY_BY_ALLOCATIONS];
    uint64_t allocations = 0;
    for (size_t i = 0; i < sites->count; i++)
        allocations +=
            sites->sites[i].line == 0 && sites->sites[i].module[0] != '\0' ? sites->sites[i].allocations : 0;
    if (!summary->is_finished || allocations == 0 ||
        allocations < summary->totals.allocations / 100 * NAMELESS_PERCENT_MIN)
        return;
    char share[TN_QUANTITY_TEXT_BYTES], name[TN_TEXT_NAME_BYTES];
    tn_text_print(text, "  - %s of the allocations come from busy sites without file and line, in\n   ",
                  tn_text_share(share, allocations, summary->totals.allocations));
    unsigned modules = 0;
    for (size_t i = 0; i < sites->count && modules < MODULES_MAX; i++) {
        if (sites->sites[i].line != 0 || sites->sites[i].module[0] == '\0' || is_module_known(sites, i))
            continue;
        tn_text_print(text, "%s %s", modules++ == 0 ? "" : ",",
                      tn_text_name(name, module_name(&sites->sites[i]), 28));
    }
    tn_text_print(text,
                  ": no debug information was found.\n"
                  "    Build with -g, or install the debug symbols of the package (on Debian NAME-dbgsym or\n"
                  "    NAME-dbg), and record again.\n");
}

/* A name as a POSIX extended regular expression that matches it alone. */
static void print_literal(struct tn_text *text, const char *name)
{
    for (; *name != '\0'; name++)
        tn_text_print(text, strchr(".[]()*+?{}|^$\\", *name) != NULL ? "\\%c" : "%c", *name);
}

/* Most allocations at one place, in many sizes: an allocation function of the program's own, whose callers
 * are the ones to know. Advice on such a site as a whole would be wrong, so this comes before it. */
static void print_wrapper(struct tn_text *text, const struct tn_summary *summary)
{
    const struct tn_summary_sites *sites = &summary->lists[TN_SUMMARY_BY_ALLOCATIONS];
    const struct tn_summary_site *site = sites->count != 0 ? &sites->sites[0] : NULL;
    if (site == NULL || site->distinct_sizes < WRAPPER_SIZES_MIN || site->module[0] == '\0' ||
        site->allocations < summary->totals.allocations / 100 * WRAPPER_PERCENT_MIN)
        return;
    tn_text_print(text, "  - One place asks for most of the blocks, in %" PRIu64 " different sizes:\n      ",
                  site->distinct_sizes);
    tn_text_place(text, tn_text_summary_site(site), TN_TEXT_COLUMNS - 6);
    tn_text_print(
        text,
        "\n    If it allocates on behalf of its callers, what follows is true of no single one of them.\n"
        "    To see each caller for itself, add to `tenure report`\n      --wrapper '");
    if (site->function[0] != '\0') {
        print_literal(text, site->function);
        tn_text_print(text, "'\n");
        return;
    }
    print_literal(text, module_name(site));
    tn_text_print(text, "\\+0x%" PRIx64 "$'\n", site->offset_bytes);
}

void tn_text_next(struct tn_text *text, const struct tn_summary *summary)
{
    const struct tn_summary_sites *busiest = &summary->lists[TN_SUMMARY_BY_ALLOCATIONS];
    tn_text_print(text, "What to look at next\n");
    print_nameless(text, summary);
    print_wrapper(text, summary);
    if (busiest->count != 0 && busiest->sites[0].site_id != 0) {
        tn_text_print(text, "  - The call stacks behind the busiest site:\n");
        print_stack_query(text, summary, busiest->sites[0].site_id, "stack_id", 10);
    }
    tn_text_print(text, "  - Anything else: tenure sql ");
    print_shell_word(text, summary->path);
    tn_text_print(text, " (tables and example queries: docs/log-format.md)\n");
}
