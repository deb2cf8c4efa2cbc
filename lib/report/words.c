/* SPDX-License-Identifier: MIT */

/* The sentences of reports, for compose_*.c. Each one is a single format, so that it can be read and changed
 * as a whole; tests/unit/test_words.c shows every one of them. */

#include "words.h"
#include "sink.h"

#include <inttypes.h>
#include <string.h>

/* "s" unless count is 1. */
static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

/* ---------------------------------------------------------------------------------------- fixed texts */

static const char *const fixed[TN_WORDS_FIXED_COUNT] = {
    [TN_WORDS_RECORDED] = "What was recorded",
    [TN_WORDS_TOTALS] = "Totals",
    [TN_WORDS_FINDINGS] =
        "Findings, the largest saving first (all about one: tenure report LOG --finding NUMBER)",
    [TN_WORDS_NO_FINDINGS] = "Findings",
    [TN_WORDS_OVERVIEW] = "In short",
    [TN_WORDS_SITES] =
        "The busiest sites (short: share of short-lived ones; median: of lifetimes; peaks differ in time)",
    [TN_WORDS_VERIFY] = "Record again after a change, and compare: tenure diff OLD NEW",
    [TN_WORDS_NEXT] = "What to look at next",

    [TN_WORDS_INCOMPLETE] =
        "The log is not complete: it is still being written, or the recording was cut short. "
        "What follows is true of the time until then.",
    [TN_WORDS_UNFINISHED] = "Finishing the log was cut short: functions, files and lines are missing.",
    [TN_WORDS_NO_FREE_STACKS] =
        "Recorded without the stacks of releases (--free-stacks no): what could be a "
        "local buffer cannot be told.",

    [TN_WORDS_NO_PROCESS] = "No process was recorded in this log, so there is nothing to report.",
    [TN_WORDS_NO_ALLOCATION] = "No allocation was recorded, so there is nothing to report.",
    [TN_WORDS_NO_ALLOCATION_IN_PROCESS] =
        "No allocation was recorded in this process, so there is nothing to report.",

    [TN_WORDS_LABEL_PROGRAM] = "program",
    [TN_WORDS_LABEL_COMMAND] = "command",
    [TN_WORDS_LABEL_WHEN] = "when",
    [TN_WORDS_LABEL_PROCESS] = "process",
    [TN_WORDS_LABEL_PROCESSES] = "processes",
    [TN_WORDS_LABEL_WRAPPERS] = "wrappers",
    [TN_WORDS_LABEL_LOG] = "log",
    [TN_WORDS_LABEL_ALLOCATIONS] = "allocations",
    [TN_WORDS_LABEL_FREES] = "frees",
    [TN_WORDS_LABEL_LIVE] = "still live",
    [TN_WORDS_LABEL_PEAK] = "peak",
    [TN_WORDS_LABEL_RUNTIME] = "runtime",
    [TN_WORDS_LABEL_SHORT_LIVED] = "short-lived",
    [TN_WORDS_LABEL_ROUNDING] = "rounding",
    [TN_WORDS_LABEL_REALLOC] = "realloc",
    [TN_WORDS_LABEL_FAILED] = "failed calls",
    [TN_WORDS_TITLE_END] = "end",
    [TN_WORDS_TITLE_TOTAL] = "total",
    [TN_WORDS_TITLE_QUANTITY] = "quantity",
    [TN_WORDS_TITLE_MEANING] = "meaning",

    [TN_WORDS_TITLE_CALLS] = "calls",
    [TN_WORDS_TITLE_SHORT_LIVED] = "short",
    [TN_WORDS_TITLE_PEAK] = "peak",
    [TN_WORDS_TITLE_MEDIAN] = "median",
    [TN_WORDS_TITLE_SIZES] = "size",
    [TN_WORDS_TITLE_LINE] = "line",

    [TN_WORDS_FREES_OF_REALLOC] = "a realloc ends one block and begins the next",
    [TN_WORDS_ALL_RELEASED] = "at the end: everything was released",
    [TN_WORDS_REALLOC_CONTINUES] = "of the allocations continue an older block",
    [TN_WORDS_FAILED_CALLS] = "returned NULL",

    [TN_WORDS_DO_FIRST] = "Do these first:",
    [TN_WORDS_NO_RISK_MEASURED] =
        "How much memory fragmentation costs was not measured; by default it is for small logs only. "
        "`tenure report --policy first-fit,tlsf LOG` replays this one on models of small heaps.",

    [TN_WORDS_NOTHING_FOUND] = "Nothing was found that is worth a change.",
    [TN_WORDS_NOTHING_FOUND_YET] = "Nothing was found that is worth a change, so far.",
    [TN_WORDS_MINOR] = "Each of these saves little of the calls and of the peak:",
    [TN_WORDS_MINOR_AGAIN] = "These save as little:",
    [TN_WORDS_OTHER_CODE] = "(--code freertos, zephyr, threadx or all: for other systems; none: no code)",

    [TN_WORDS_STACKS] = "The call stacks behind the busiest site:",
    [TN_WORDS_CALLERS] =
        "If it allocates on behalf of its callers, what follows is true of no single one of "
        "them. To see each caller for itself, add to `tenure report`",
    [TN_WORDS_OWNERSHIP] = "Who holds whose address, under \"ownership\":",
    [TN_WORDS_ANYTHING_ELSE] = "Anything else:",
    [TN_WORDS_TABLES] = "(docs/queries.md)",
};

const char *tn_words_fixed(enum tn_fixed_words which)
{
    return fixed[which];
}

const char *tn_words_card_label(unsigned card_text)
{
    static const char *const labels[TN_CARD_TEXT_COUNT] = {
        [TN_CARD_CHANGE] = "change",     [TN_CARD_EVIDENCE] = "why",      [TN_CARD_EFFECT] = "saves",
        [TN_CARD_ESTIMATE] = "estimate", [TN_CARD_RELEASES] = "released", [TN_CARD_NOTES] = "but",
        [TN_CARD_ALTERNATIVES] = "or",   [TN_CARD_VERIFY] = "verify",     [TN_CARD_KIND] = "kind",
    };
    return labels[card_text];
}

const char *tn_words_card_sites_label(void)
{
    return "where";
}

const char *tn_words_card_code_label(void)
{
    return "code";
}

/* ---------------------------------------------------------------------------------------- losses */

const char *tn_words_events_lost(struct tn_words *words, uint64_t count)
{
    return tn_words_print(words,
                          "%s event%s lost: counts are too low by as many, and a block whose free was lost "
                          "looks live.",
                          tn_words_count(words, count), count == 1 ? " was" : "s were");
}

const char *tn_words_damaged_parts(struct tn_words *words, uint64_t count)
{
    return tn_words_print(
        words,
        "The program wrote over the recording's memory, in %s place%s: events are missing, and "
        "it is not known how many.",
        tn_words_count(words, count), count == 1 ? "" : "s");
}

const char *tn_words_processes_unrecorded(struct tn_words *words, uint64_t count)
{
    return tn_words_print(
        words,
        "%s process%s that the program started could not be recorded: what %s allocated is not "
        "in this log; `tenure info` tells why.",
        tn_words_count(words, count), count == 1 ? "" : "es", count == 1 ? "it" : "they");
}

const char *tn_words_unmatched_births(struct tn_words *words, uint64_t count)
{
    return tn_words_print(words,
                          "%s block%s got an address that was still taken: a free before was not seen (by a "
                          "function that is not recorded, say).",
                          tn_words_count(words, count), plural(count));
}

const char *tn_words_unmatched_frees(struct tn_words *words, uint64_t count)
{
    return tn_words_print(words, "%s free%s whose allocation was not seen.", tn_words_count(words, count),
                          count == 1 ? " was of a block" : "s were of blocks");
}

const char *tn_words_stacks_cut(struct tn_words *words, uint64_t count)
{
    return tn_words_print(words, "%s call stack%s deeper than the depth limit and cut (see --depth).",
                          tn_words_count(words, count), count == 1 ? " was" : "s were");
}

const char *tn_words_paused(struct tn_words *words, const struct tn_summary_losses *losses,
                            uint64_t duration_ns)
{
    uint64_t left = losses->unrecorded_allocations - losses->unrecorded_frees;
    bool has_left = losses->unrecorded_allocations > losses->unrecorded_frees;
    return tn_words_print(
        words,
        "Recording was paused for %s of %s: %s allocation%s in that time %s not in the log, "
        "nor in any number here; %s of them %s still live at the end.",
        tn_words_duration(words, losses->paused_ns), tn_words_duration(words, duration_ns),
        tn_words_count(words, losses->unrecorded_allocations), plural(losses->unrecorded_allocations),
        losses->unrecorded_allocations == 1 ? "is" : "are", has_left ? tn_words_count(words, left) : "none",
        left == 1 ? "was" : "were");
}

/* ---------------------------------------------------------------------------------------- recording */

const char *tn_words_when(struct tn_words *words, const char *started_at, uint64_t duration_ns)
{
    return tn_words_print(words, "%s, %s", started_at, tn_words_duration(words, duration_ns));
}

const char *tn_words_end(struct tn_words *words, const struct tn_summary_process *process)
{
    if (strcmp(process->exit_kind, "exit") == 0 && process->exit_code >= 0)
        return tn_words_print(words, "exit %d", process->exit_code);
    if (strcmp(process->exit_kind, "signal") == 0 && process->exit_code >= 0)
        return tn_words_print(words, "signal %d", process->exit_code);
    if (strcmp(process->exit_kind, "exec") == 0)
        return "executed";
    return strcmp(process->exit_kind, "running") == 0 ? "runs" : "ended";
}

const char *tn_words_process(struct tn_words *words, const struct tn_summary_process *process,
                             uint64_t threads)
{
    return tn_words_print(words, "pid %" PRIu32 ", %s, with %" PRIu64 " thread%s", process->pid,
                          tn_words_end(words, process), threads, plural(threads));
}

const char *tn_words_processes(struct tn_words *words, uint64_t count, uint64_t process_id)
{
    return tn_words_print(words,
                          "%" PRIu64 "; this report is about process %" PRIu64 " (--process ID for another)",
                          count, process_id);
}

const char *tn_words_more_processes(struct tn_words *words, uint64_t count)
{
    if (count == 1)
        return "and 1 more, a smaller one: tenure info lists it";
    return tn_words_print(words, "and %" PRIu64 " more, smaller ones: tenure info lists them", count);
}

const char *tn_words_inherited_frees(struct tn_words *words, uint64_t count)
{
    if (count == 1)
        return "1 free in a forked child was of a block that a parent had made";
    return tn_words_print(words, "%s frees in forked children were of blocks that a parent had made",
                          tn_words_count(words, count));
}

const char *tn_words_wrappers(struct tn_words *words, const char *names)
{
    bool is_certain = strstr(names, "(by use)") == NULL && strstr(names, "perhaps ") == NULL;
    return tn_words_print(
        words, "%s%s", names,
        is_certain ? " (their callers are the sites)"
                   : " (their callers are the sites; by use, and perhaps: may differ in another run)");
}

const char *tn_words_totals_of(struct tn_words *words, uint64_t process_id)
{
    return tn_words_print(words, "Totals of process %" PRIu64, process_id);
}

/* ---------------------------------------------------------------------------------------- totals */

const char *tn_words_requests(struct tn_words *words, const struct tn_summary_totals *totals,
                              uint64_t site_count)
{
    uint64_t mean_bytes = totals->allocations != 0 ? totals->total_bytes / totals->allocations : 0;
    return tn_words_print(words, "%s asked for, %s on average, at %s site%s",
                          tn_words_bytes(words, totals->total_bytes), tn_words_bytes(words, mean_bytes),
                          tn_words_count(words, site_count), plural(site_count));
}

const char *tn_words_still_live(struct tn_words *words, uint64_t live_bytes, bool is_closed)
{
    return tn_words_print(words, "with %s, when the %s; by itself this is no leak",
                          tn_words_bytes(words, live_bytes),
                          is_closed ? "process ended" : "log was last written");
}

const char *tn_words_peak(struct tn_words *words, uint64_t live_count, uint64_t peak_ns)
{
    return tn_words_print(words, "live at once, in %s block%s, %s after the start",
                          tn_words_count(words, live_count), plural(live_count),
                          tn_words_duration(words, peak_ns));
}

const char *tn_words_small_short_lived(struct tn_words *words, uint64_t count)
{
    return tn_words_print(words, "%s of <= 1,024 bytes, gone within 32 KiB of later requests",
                          tn_words_count(words, count));
}

const char *tn_words_rounding(struct tn_words *words, uint64_t usable_bytes, uint64_t total_bytes)
{
    return tn_words_print(words, "the allocator gave %s for %s; its headers come on top",
                          tn_words_bytes(words, usable_bytes), tn_words_bytes(words, total_bytes));
}

/* ---------------------------------------------------------------------------------------- sites */

const char *tn_words_site_sizes(struct tn_words *words, const struct tn_summary_site *site)
{
    const char *largest = tn_words_count(words, site->max_size_bytes);
    if (site->min_size_bytes == site->max_size_bytes)
        return tn_words_print(words, "%s B", largest);
    return tn_words_print(words, "%s to %s B", tn_words_count(words, site->min_size_bytes), largest);
}

const char *tn_words_place(struct tn_words *words, const struct tn_summary_site *site)
{
    char place[512], no_name[] = "";
    const struct tn_finding_line line = {.function = no_name,
                                         .file = site->file,
                                         .line = site->line,
                                         .module = site->module,
                                         .offset_bytes = site->offset_bytes};
    tn_finding_line_print(&line, place, sizeof(place));
    return tn_words_print(words, "%s%s%s", place, site->function[0] != '\0' ? " " : "", site->function);
}

/* ---------------------------------------------------------------------------------------- findings */

const char *tn_words_more_sites(struct tn_words *words, uint64_t count)
{
    return tn_words_print(words, "and %s more: --format json lists %s", tn_words_count(words, count),
                          count == 1 ? "it" : "them");
}

/* ", if CONDITION" is the end of the title of a finding that has a condition. */
const char *tn_words_title(struct tn_words *words, const struct tn_finding *finding)
{
    const char *text = finding->condition.text;
    const char *condition = text != NULL ? tn_words_print(words, ", if %s", text) : NULL;
    size_t length = strlen(finding->title), end = condition != NULL ? strlen(condition) : 0;
    if (end == 0 || end > length || strcmp(finding->title + length - end, condition) != 0)
        return finding->title;
    return tn_words_print(words, "%.*s", (int)(length - end), finding->title);
}

/* What follows a colon gives the reason: it is left out where space is short. */
static size_t first_part(const char *condition)
{
    const char *joint = strstr(condition, "; and if ");
    size_t length = joint != NULL ? (size_t)(joint - condition) : strlen(condition);
    const char *reason = strstr(condition, ": ");
    return reason != NULL && (size_t)(reason - condition) < length ? (size_t)(reason - condition) : length;
}

const char *tn_words_condition(struct tn_words *words, const struct tn_finding *finding, bool is_brief)
{
    const char *condition = finding->condition.text;
    size_t more = 0;
    if (condition == NULL)
        return NULL;
    if (!is_brief)
        return tn_words_print(words, "if %s", condition);
    for (const char *at = condition; (at = strstr(at, "; and if ")) != NULL; at++)
        more++;
    const char *first = tn_words_print(words, "if %.*s", (int)first_part(condition), condition);
    return more == 0 ? first
                     : tn_words_print(words, "%s (and %zu more condition%s)", first, more, plural(more));
}

const char *tn_words_first_title(struct tn_words *words, const struct tn_finding *finding)
{
    const char *title = tn_words_title(words, finding);
    return finding->condition.text != NULL ? tn_words_print(words, "%s (on a condition)", title) : title;
}

const char *tn_words_tag(struct tn_words *words, const struct tn_finding *finding)
{
    const struct tn_finding_site *tail = NULL;
    char name[TN_SHORT_NAME_BYTES];
    for (size_t i = 0; i < finding->site_count && tail == NULL; i++)
        tail = finding->sites[i].is_tail_call ? &finding->sites[i] : NULL;
    return tn_words_print(words, "[%s, %s%s%s%s]", finding->kind, tn_confidence_name(finding->confidence),
                          tail != NULL ? "; " : "",
                          tail != NULL ? tn_function_short_name(tail->function, name, sizeof(name)) : "",
                          tail != NULL ? " by a tail call" : "");
}

const char *tn_words_kind(struct tn_words *words, const struct tn_finding *finding)
{
    char key[TN_FINDING_KEY_BYTES];
    return tn_words_print(words, "%s, %s; tactic: %s; key %s", finding->kind,
                          tn_confidence_name(finding->confidence), finding->tactic,
                          tn_finding_key_print(finding, key));
}

/* "data.c:88 (87 %; also blocks of 12 other lines)" */
static const char *release_words(struct tn_words *words, const struct tn_finding_release *release)
{
    char place[320];
    tn_finding_line_print(&release->line, place, sizeof(place));
    const char *share =
        release->share >= 1 ? "all" : tn_words_share(words, (uint64_t)(release->share * 1000 + 0.5), 1000);
    if (release->other_sites == 0)
        return tn_words_print(words, "%s (%s)", place, share);
    return tn_words_print(words, "%s (%s; also blocks of %" PRIu64 " other line%s)", place, share,
                          release->other_sites, plural(release->other_sites));
}

/* "data.c:88 (87 %)", or ":88" behind a line of the same file; "data.c:88" where there is no other. */
static const char *brief_release_words(struct tn_words *words, const struct tn_finding_release *release,
                                       const struct tn_finding_release *before)
{
    char place[320];
    const char *from = place;
    tn_finding_line_print(&release->line, place, sizeof(place));
    if (before != NULL && release->line.line != 0 && before->line.line != 0 &&
        strcmp(release->line.file, before->line.file) == 0)
        from = strrchr(place, ':');
    if (release->share >= 1)
        return tn_words_print(words, "%s", from);
    return tn_words_print(words, "%s (%s)", from,
                          tn_words_share(words, (uint64_t)(release->share * 1000 + 0.5), 1000));
}

#define RELEASES_BRIEF 2u /* the JSON report has all */

const char *tn_words_releases(struct tn_words *words, const struct tn_finding *finding, bool is_brief)
{
    const char *text = "";
    size_t shown =
        is_brief && finding->release_count > RELEASES_BRIEF + 1 ? RELEASES_BRIEF : finding->release_count;
    for (size_t i = 0; i < shown; i++)
        text = tn_words_print(words, "%s%s%s", text, i != 0 ? ", " : "",
                              is_brief ? brief_release_words(words, &finding->releases[i],
                                                             i != 0 ? &finding->releases[i - 1] : NULL)
                                       : release_words(words, &finding->releases[i]));
    if (shown < finding->release_count)
        text = tn_words_print(words, "%s and %zu more lines", text, finding->release_count - shown);
    return text;
}

const char *tn_words_why_and_where(struct tn_words *words, const char *evidence, const char *releases)
{
    return tn_words_print(words, "%s; released at %s", evidence, releases);
}

const char *tn_words_minor_title(struct tn_words *words, const struct tn_finding *finding)
{
    return tn_words_print(words, "%s (%s, %s)", tn_words_title(words, finding), finding->kind,
                          tn_confidence_name(finding->confidence));
}

/* A part of the list of what is hidden, behind those before it. */
static const char *add_hidden(struct tn_words *words, const char *text, uint64_t count, const char *one,
                              const char *many)
{
    if (count == 0)
        return text;
    return tn_words_print(words, "%s%s %" PRIu64 " %s",
                          text != NULL ? text : "Not shown:", text != NULL ? "," : "", count,
                          count == 1 ? one : many);
}

static const char *add_small(struct tn_words *words, const struct tn_words_hidden *hidden)
{
    char calls[TN_QUANTITY_TEXT_BYTES];
    if (hidden->small == 0)
        return NULL;
    return tn_words_print(words, "Not shown: %" PRIu64 " small %s of %s call%s in all (--top 0)",
                          hidden->small, hidden->small == 1 ? "one" : "ones",
                          tn_print_count(calls, hidden->small_allocations_removed),
                          hidden->small_allocations_removed == 1 ? "" : "s");
}

const char *tn_words_hidden(struct tn_words *words, const struct tn_words_hidden *hidden)
{
    const char *text = add_small(words, hidden);
    text =
        add_hidden(words, text, hidden->beyond_top, "that saves less (--top N)", "that save less (--top N)");
    text = add_hidden(words, text, hidden->too_weak, "that is doubtful (--confidence weak)",
                      "that are doubtful (--confidence weak)");
    text =
        add_hidden(words, text, hidden->given_way,
                   "that gave way to a better one about the same lines (--finding NUMBER names its kind)",
                   "that gave way to a better one about the same lines (--finding NUMBER names their kinds)");
    return text != NULL ? tn_words_print(words, "%s.", text) : NULL;
}

/* ---------------------------------------------------------------------------------------- what next */

const char *tn_words_nameless(struct tn_words *words, uint64_t part, uint64_t allocations,
                              const char *modules)
{
    return tn_words_print(words,
                          "%s of the allocations come from busy sites without file and line, in %s: no debug "
                          "information was found. Build with -g, or install the debug symbols of the package "
                          "(on Debian NAME-dbgsym or NAME-dbg), and record again.",
                          tn_words_share(words, part, allocations), modules);
}

const char *tn_words_many_sizes(struct tn_words *words, uint64_t distinct_sizes)
{
    return tn_words_print(
        words, "One place asks for most of the blocks, in %" PRIu64 " different sizes:", distinct_sizes);
}
