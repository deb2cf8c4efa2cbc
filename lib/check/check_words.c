/* SPDX-License-Identifier: MIT */

/* The sentences of a check that all its formats share: what a metric came to, and what it is made of. Called
 * by the writers of JUnit and SARIF here, and by the text in lib/report. */

#include "metrics.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Whole numbers up to 2^53 with separators, others with as many digits as tell. */
static int print_amount(double amount, enum tn_metric metric, struct tn_buffer *out)
{
    char count[TN_QUANTITY_TEXT_BYTES];
    const char *unit = tn_metric_entries[metric].unit;
    if (amount == floor(amount) && amount >= 0 && amount < 9007199254740992.0)
        return tn_buffer_print(out, "%s%s", tn_print_count(count, (uint64_t)amount), unit);
    return tn_buffer_print(out, amount < 100 ? "%.2f%s" : "%.1f%s", amount, unit);
}

int tn_check_print_verdict(const struct tn_check_verdict *verdict, struct tn_buffer *out)
{
    const struct tn_check_limit *limit = verdict->limit;
    int r = tn_buffer_print(out, "%s: ", limit->name);
    if (r == 0)
        r = print_amount(verdict->value, limit->metric, out);
    if (r == 0)
        r = tn_buffer_print(out, ", at most ");
    if (r == 0)
        r = print_amount(limit->max, limit->metric, out);
    return r == 0 ? tn_buffer_print(out, " allowed") : r;
}

/* "parse at src/data.c:88 via malloc", or what of that is known. */
static int print_site(const struct tn_summary_site *site, struct tn_buffer *out)
{
    const char *slash = strrchr(site->line != 0 ? site->file : site->module, '/');
    const char *name = slash != NULL ? slash + 1 : site->line != 0 ? site->file : site->module;
    int r = site->function[0] != '\0' ? tn_buffer_print(out, "%s at ", site->function) : 0;
    if (r == 0 && site->line != 0)
        r = tn_buffer_print(out, "%s:%" PRIu32, name, site->line);
    else if (r == 0)
        r = tn_buffer_print(out, "%s+0x%" PRIx64, name, site->offset_bytes);
    return r == 0 ? tn_buffer_print(out, " via %s", site->via) : r;
}

int tn_check_print_part(const struct tn_check_part *part, enum tn_metric metric, struct tn_buffer *out)
{
    if (part->finding != NULL)
        return tn_buffer_print(out, "%s (%s): %s", part->finding->kind,
                               tn_confidence_name(part->finding->confidence), part->finding->title);
    bool is_whole = !tn_metric_entries[metric].is_by_site;
    int r = is_whole ? tn_buffer_print(out, "the highest peak has ") : 0;
    if (r == 0)
        r = print_amount(part->amount, is_whole ? TN_METRIC_PEAK : metric, out);
    if (r == 0)
        r = tn_buffer_print(out, is_whole ? ", " : " by ");
    return r == 0 ? print_site(part->site, out) : r;
}
