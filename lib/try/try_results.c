/* SPDX-License-Identifier: MIT */
/* Reads what the second allocator told: figures and verdict of each finding, and of what is refuted the
 * sentences with both stacks, by name. */
#include "tenure/trial.h"
#include "tenure/try.h"
#include "try_escapes.h"
#include "try_names.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---------------------------------------------------------------------------------------- sentences */

static const char *owner_name(const struct tn_finding *finding)
{
    const struct tn_evidence *owner = tn_evidence_find(&finding->evidence, "owner");
    const struct tn_evidence *function = owner != NULL && owner->type == TN_VALUE_OBJECT
                                             ? tn_evidence_find(&owner->members, "function")
                                             : NULL;
    return function != NULL && function->type == TN_VALUE_TEXT ? function->text : "its owner";
}

static int print_what(const struct tn_finding *finding, const struct tn_trial_change *change, char **ret_text)
{
    char size[TN_QUANTITY_TEXT_BYTES], limit[TN_QUANTITY_TEXT_BYTES];
    const char *owner = owner_name(finding);
    tn_print_bytes(size, change->contradiction.size_bytes);
    tn_print_bytes(limit, change->block_bytes);
    switch ((enum tn_trial_contradiction_kind)change->contradiction.kind) {
    case TN_TRIAL_OUTLIVED:
        return tn_finding_set(ret_text, "a block of %s was still live when %s had returned", size, owner);
    case TN_TRIAL_LARGER:
        return tn_finding_set(ret_text, "a block of %s was asked for where %s has a buffer of %s", size,
                              owner, limit);
    case TN_TRIAL_MORE:
        return tn_finding_set(ret_text, "more than %" PRIu64 " block%s lived in one call of %s",
                              change->count, change->count == 1 ? "" : "s", owner);
    case TN_TRIAL_RELEASED:
        return tn_finding_set(ret_text, "a block of %s was released while the program ran on", size);
    case TN_TRIAL_PARTED:
        return tn_finding_set(ret_text, "a block of %s outlived the structure that it is a part of", size);
    }
    return tn_finding_set(ret_text, "something happened that it rules out");
}

static const char *next_step(const struct tn_trial_change *change)
{
    switch ((enum tn_trial_contradiction_kind)change->contradiction.kind) {
    case TN_TRIAL_OUTLIVED:
        return "The block was kept until its release. Look where it is kept, and leave it on the heap, or "
               "release "
               "it before the function returns; then record again.";
    case TN_TRIAL_LARGER:
        return "The block came from the heap. Look for what limits its size, and plan for the largest, or "
               "leave it "
               "on the heap.";
    case TN_TRIAL_MORE:
        return "The block came from the heap. Look for the loop or the recursion that makes more of them, "
               "and plan "
               "for as many, or leave them on the heap.";
    case TN_TRIAL_RELEASED:
        return "Its memory was not used again. Look at the line that releases it: a pool may do instead.";
    case TN_TRIAL_PARTED:
        return "Its memory was kept until its release. Leave this part on its own, or release it with the "
               "structure.";
    }
    return "Leave the blocks on the heap.";
}

static int make_refutation(struct tn_try_result *result, const struct tn_trial_head *head,
                           const struct tn_trial_change *change, const char *program, const char *when,
                           const char *command)
{
    struct tn_refutation *refutation = &result->refutation;
    int r = print_what(result->finding, change, &refutation->what);
    if (r == 0)
        r = tn_try_name_stack(head, &change->contradiction.birth, program, &refutation->birth);
    if (r == 0)
        r = tn_try_name_stack(head, &change->contradiction.moment, program, &refutation->moment);
    if (r == 0)
        r = tn_finding_set(&refutation->next, "%s", next_step(change));
    if (r == 0)
        r = tn_finding_set(&refutation->program, "%s", command);
    return r == 0 ? tn_finding_set(&refutation->tried_at, "%s", when) : r;
}

/* ---------------------------------------------------------------------------------------- figures */

#define TEARDOWN_SHARE 0.9 /* what is released later than this part of the events is no news: docs/try.md */

/* Whether what was seen is what the finding rules out. It says itself that a block which stays to the end is
 * released while the program ends, or as it grows, and that some blocks outlive an arena. */
static bool is_refuted(const struct tn_try_result *result, const struct tn_trial_change *change,
                       uint64_t events)
{
    const struct tn_evidence *resizes = tn_evidence_find(&result->finding->evidence, "resizes");
    if (change->contradiction.kind == TN_TRIAL_OUTLIVED)
        return !tn_try_is_escape(result->finding, result->refutation.birth);
    if (change->contradiction.kind != TN_TRIAL_RELEASED)
        return change->contradiction.kind != 0;
    if (resizes != NULL && resizes->type == TN_VALUE_COUNT && resizes->count != 0)
        return false;
    return (double)change->contradiction.event < TEARDOWN_SHARE * (double)events;
}

static enum tn_try_verdict judge(const struct tn_try_result *result, const struct tn_trial_change *change,
                                 uint64_t events)
{
    if (result->verdict == TN_TRY_LEFT_OUT)
        return TN_TRY_LEFT_OUT;
    if (is_refuted(result, change, events))
        return TN_TRY_REFUTED;
    if (change->asked == 0)
        return TN_TRY_NOT_EXERCISED;
    return change->fallbacks != 0 ? TN_TRY_TOO_SMALL : TN_TRY_CONFIRMED;
}

/* What the blocks take in place of the heap. */
static uint64_t outside_bytes(const struct tn_finding *finding, const struct tn_trial_change *change)
{
    const struct tn_evidence *total = tn_evidence_find(&finding->evidence, "total_bytes");
    if (change->served == 0 || change->way == TN_TRIAL_COMBINED)
        return 0;
    if (change->way == TN_TRIAL_POOL || change->way == TN_TRIAL_ARENA)
        return finding->apply_bytes * finding->apply_count;
    return change->way == TN_TRIAL_BUFFER ? change->block_bytes * change->peak_count
           : total != NULL                ? total->count
                                          : change->block_bytes;
}

static void take_result(struct tn_try_result *result, const struct tn_trial_head *head,
                        const struct tn_trial_change *change)
{
    result->verdict = judge(result, change, head->events);
    result->asked_calls = change->asked;
    result->served_calls = change->served;
    result->fallback_calls = change->fallbacks;
    result->peak_count = change->peak_count;
    result->outside_bytes = outside_bytes(result->finding, change);
    result->event = result->verdict == TN_TRY_REFUTED ? change->contradiction.event : 0;
    if (result->verdict != TN_TRY_REFUTED)
        tn_refutation_finish(&result->refutation);
}

static int take(struct tn_try_report *report, struct tn_trial_head *head, const char *program,
                const char *when)
{
    int r = 0;
    for (size_t i = 0; i < report->result_count && r == 0; i++) {
        struct tn_try_result *result = &report->results[i];
        const struct tn_trial_change *change = &tn_trial_changes(head)[i];
        if (change->contradiction.kind != 0)
            r = make_refutation(result, head, change, program, when, report->command);
        take_result(result, head, change);
    }
    return r;
}

/* The program could write over the file, too. */
static bool is_whole(const struct tn_trial_head *head, uint64_t file_bytes, size_t change_count)
{
    return file_bytes >= sizeof(*head) && head->magic == TN_TRIAL_MAGIC &&
           head->head_bytes == sizeof(*head) && tn_trial_file_bytes(head) == file_bytes &&
           head->change_count == change_count;
}

int tn_try_results_read(const char *path, const char *program, const char *when, struct tn_try_report *report,
                        struct tn_error *error)
{
    struct stat status;
    struct tn_trial_head *head = MAP_FAILED;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &status) == 0 && status.st_size > 0)
        head = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    if (fd >= 0)
        close(fd);
    if (head == MAP_FAILED)
        return tn_error_set(error, -EBADMSG, "cannot read what the run has told, '%s': %s", path,
                            strerror(errno));
    int r = 0;
    if (!is_whole(head, (uint64_t)status.st_size, report->result_count))
        r = tn_error_set(error, -EBADMSG, "the program wrote over what the run has told, '%s'", path);
    else if (head->processes == 0)
        r = tn_error_set(
            error, -ENODATA,
            "no plan can be tried in '%s': the library was never loaded into it; a static program, "
            "or one that clears LD_PRELOAD?",
            program);
    else if (take(report, head, program, when) < 0)
        r = tn_error_set(error, -ENOMEM, "cannot tell what was refuted: out of memory");
    munmap(head, (size_t)status.st_size);
    return r;
}

void tn_try_results_finish(struct tn_try_result *results, size_t count)
{
    for (size_t i = 0; i < count; i++)
        tn_refutation_finish(&results[i].refutation);
    free(results);
}
