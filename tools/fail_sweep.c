/* SPDX-License-Identifier: MIT */
/* Starts the runs of `tenure fail`, takes their outcomes as they come, and keeps them. Called by cmd_fail.c;
 * each run is a process of its own (lib/fail/fail_run.c). */
#include "fail_sweep.h"

#include "child.h"
#include "progress.h"

#include "tenure/map.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define JOBS_MAX            64
#define BASELINE_TIMEOUT_NS UINT64_C(60000000000)
#define TIMEOUT_FACTOR      10
#define TIMEOUT_LEAST_NS    UINT64_C(10000000000)

/* A run in progress. */
struct fail_job {
    int pid, fd; /* pid 0: free */
    const struct tn_fail_subject *subject;
    uint64_t occurrence;
};

struct fail_jobs {
    struct fail_job items[JOBS_MAX];
    unsigned busy;
    uint64_t next_number; /* of a run's folder */
};

static uint64_t choose_occurrence(const struct tn_fail_sweep *sweep, const struct tn_fail_subject *subject)
{
    uint64_t count = subject != NULL && subject->allocations > 0 ? subject->allocations : 1;
    if (sweep->turn == TN_FAIL_TURN_LAST)
        return count;
    if (sweep->turn == TN_FAIL_TURN_RANDOM)
        return 1 + tn_mix(sweep->seed + (subject != NULL ? subject->id : 0) * UINT64_C(0x9e3779b97f4a7c15)) %
                       count;
    return sweep->occurrence;
}

static int start(struct tn_fail_sweep *sweep, struct fail_jobs *jobs, const struct tn_fail_subject *subject,
                 uint64_t occurrence, struct tn_error *error)
{
    struct fail_job *job = jobs->items;
    while (job->pid != 0)
        job++;
    int r = tn_fail_run_start(&sweep->command, sweep->subjects, subject, occurrence, jobs->next_number,
                              &job->pid, &job->fd, error);
    if (r < 0)
        return r;
    jobs->next_number++;
    jobs->busy++;
    job->subject = subject;
    job->occurrence = occurrence;
    return 0;
}

/* The first run that has an outcome, waiting for it; NULL: a signal came first. */
static struct fail_job *wait_for_job(struct tn_fail_sweep *sweep, struct fail_jobs *jobs)
{
    struct pollfd fds[JOBS_MAX];
    struct fail_job *of[JOBS_MAX];
    nfds_t count = 0;
    for (size_t i = 0; i < JOBS_MAX; i++)
        if (jobs->items[i].pid != 0) {
            fds[count] = (struct pollfd){.fd = jobs->items[i].fd, .events = POLLIN};
            of[count++] = &jobs->items[i];
        }
    int n = ppoll(fds, count, NULL, tn_signals_wait_mask());
    struct tn_signals signals = tn_signals_take();
    if (signals.is_interrupted || signals.to_forward != 0)
        sweep->is_stopped = true;
    for (nfds_t i = 0; n > 0 && i < count; i++)
        if (fds[i].revents != 0)
            return of[i];
    return NULL;
}

static int take(struct fail_jobs *jobs, struct fail_job *job, struct tn_fail_outcome *ret_outcome)
{
    int r = tn_fail_run_take(job->pid, job->fd, ret_outcome);
    *job = (struct fail_job){0};
    jobs->busy--;
    return r;
}

static void call_off(struct fail_jobs *jobs)
{
    struct tn_fail_outcome outcome;
    for (size_t i = 0; i < JOBS_MAX; i++)
        if (jobs->items[i].pid != 0)
            kill(jobs->items[i].pid, SIGTERM);
    for (size_t i = 0; i < JOBS_MAX; i++)
        if (jobs->items[i].pid != 0)
            take(jobs, &jobs->items[i], &outcome);
}

static int run_once(struct tn_fail_sweep *sweep, struct fail_jobs *jobs, struct tn_fail_outcome *ret_outcome,
                    struct tn_error *error)
{
    struct fail_job *job = NULL;
    int r = start(sweep, jobs, NULL, 0, error);
    while (r == 0 && job == NULL && !sweep->is_stopped)
        job = wait_for_job(sweep, jobs);
    if (r == 0 && sweep->is_stopped)
        call_off(jobs);
    if (r == 0 && job != NULL && take(jobs, job, ret_outcome) < 0)
        r = tn_error_set(error, -EIO, "a run of '%s' ended without an outcome: was it killed?",
                         sweep->command.argv[0]);
    return r;
}

/* Two runs in which nothing fails, one after the other: what differs between them is no verdict. */
static int make_baseline(struct tn_fail_sweep *sweep, struct fail_jobs *jobs, struct tn_error *error)
{
    struct tn_fail_outcome first, second;
    uint64_t timeout_ns = sweep->command.timeout_ns, limit_bytes = sweep->command.limit_bytes;
    const char *policy = sweep->command.policy;
    sweep->command.limit_bytes = 0;
    sweep->command.policy = NULL;
    if (timeout_ns == 0)
        sweep->command.timeout_ns = BASELINE_TIMEOUT_NS;
    int r = run_once(sweep, jobs, &first, error);
    if (r == 0 && !sweep->is_stopped)
        r = run_once(sweep, jobs, &second, error);
    if (r == 0 && !sweep->is_stopped)
        r = tn_fail_baseline_make(&sweep->command, &first, &second, &sweep->baseline, error);
    sweep->command.limit_bytes = limit_bytes;
    sweep->command.policy = policy;
    if (timeout_ns == 0 && r == 0 && !sweep->is_stopped) {
        uint64_t wanted_ns = first.duration_ns * TIMEOUT_FACTOR;
        sweep->command.timeout_ns = wanted_ns > TIMEOUT_LEAST_NS ? wanted_ns : TIMEOUT_LEAST_NS;
    }
    return r;
}

static int take_result(struct tn_fail_sweep *sweep, struct fail_jobs *jobs, struct fail_job *job,
                       struct tn_error *error)
{
    struct tn_fail_outcome outcome;
    struct fail_job taken = *job;
    uint64_t leaked_count;
    int r = take(jobs, job, &outcome);
    if (r < 0)
        return tn_error_set(error, r, "a run of '%s' ended without an outcome: was it killed?",
                            sweep->command.argv[0]);
    if (outcome.error < 0)
        return tn_error_set(
            error, outcome.error, "a run failed: %s of '%s': %s%s", outcome.what, sweep->command.argv[0],
            outcome.error == -ECANCELED ? "it failed " : strerror(-outcome.error), outcome.message);
    enum tn_fail_class class = tn_fail_judge(&sweep->command, &sweep->baseline, &outcome, sweep->allowed,
                                             sweep->allowed_count, &leaked_count);
    r = tn_fail_results_add(&sweep->results, taken.subject, sweep->command.program, taken.occurrence, class,
                            leaked_count, &outcome);
    if (r == 0 && sweep->store != NULL)
        r = tn_fail_store_add(sweep->store, &sweep->results.items[sweep->results.count - 1]);
    return r < 0 ? tn_error_set(error, r, "cannot keep the result of a run: %s", strerror(-r)) : 0;
}

static bool is_done(const struct tn_fail_sweep *sweep, const struct tn_fail_subject *subject,
                    size_t kept_count)
{
    for (size_t i = 0; i < kept_count; i++)
        if (subject != NULL && sweep->results.items[i].subject_id == subject->id)
            return true;
    return false;
}

static int run_all(struct tn_fail_sweep *sweep, struct fail_jobs *jobs, struct tn_error *error)
{
    struct tn_progress progress = {.what = "making allocations fail", .has_lines = true};
    size_t next = 0, kept_count = sweep->results.count;
    int r = 0;
    while (r == 0 && !sweep->is_stopped && (next < sweep->chosen_count || jobs->busy > 0)) {
        while (r == 0 && jobs->busy < sweep->jobs && next < sweep->chosen_count) {
            const struct tn_fail_subject *subject = sweep->chosen[next++];
            if (!is_done(sweep, subject, kept_count))
                r = start(sweep, jobs, subject, choose_occurrence(sweep, subject), error);
        }
        struct fail_job *job = r == 0 && jobs->busy > 0 ? wait_for_job(sweep, jobs) : NULL;
        if (job != NULL && !sweep->is_stopped)
            r = take_result(sweep, jobs, job, error);
        tn_progress_show(&progress, next - jobs->busy, sweep->chosen_count);
    }
    tn_progress_end(&progress);
    call_off(jobs);
    return r;
}

int tn_fail_sweep_run(struct tn_fail_sweep *sweep, struct tn_error *error)
{
    struct fail_jobs jobs = {0};
    struct timespec begin, end;
    if (sweep->jobs > JOBS_MAX)
        sweep->jobs = JOBS_MAX;
    int r = make_baseline(sweep, &jobs, error);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    if (r == 0 && !sweep->is_stopped)
        r = run_all(sweep, &jobs, error);
    clock_gettime(CLOCK_MONOTONIC, &end);
    sweep->next_number = jobs.next_number;
    sweep->duration_ns = (uint64_t)((end.tv_sec - begin.tv_sec) * 1000000000 + (end.tv_nsec - begin.tv_nsec));
    return r;
}
