/* SPDX-License-Identifier: MIT */
#ifndef TENURE_FAIL_H
#define TENURE_FAIL_H

/* Makes a program's allocations fail where a log has recorded them, one place a run, and judges what the
 * program makes of it: choose the subjects from a log, run the program for each, compare with runs in which
 * nothing failed. What fails is decided in the program, by the library of inject.h. One thread. */

#include "tenure/base.h"
#include "tenure/inject.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tn_log;

/* What a run says of the program, the best first. */
enum tn_fail_class {
    TN_FAIL_NOT_REACHED = 0, /* the place was not passed, or not so often: nothing failed */
    TN_FAIL_HANDLED,         /* the same status, and the same output */
    TN_FAIL_REPORTED,        /* it ended with another status, in order; a server served its next client */
    TN_FAIL_LEAKED,    /* it ended in order, but blocks were never released that are without the failure */
    TN_FAIL_WRONG,     /* it ended as if nothing had happened, but its output is another one */
    TN_FAIL_HUNG,      /* it did not end in time */
    TN_FAIL_CRASHED,   /* a signal ended it, or one of its processes */
    TN_FAIL_CORRUPTED, /* the C library found its heap damaged */
    TN_FAIL_CLASS_COUNT,
};

/* The name of a class, as reports and results have it: "not-reached", "handled". Static. */
const char *tn_fail_class_name(enum tn_fail_class class);

/* Whether a class is one that a program must not show: crashed, hung, corrupted or wrong output. */
bool tn_fail_class_is_bad(enum tn_fail_class class);

/* ---------------------------------------------------------------------------------------- subjects */

/* What fails in a run: the allocations of a site, or of a stack. Owned by struct tn_fail_subjects. */
struct tn_fail_subject {
    uint64_t id;          /* of the site or the stack */
    uint64_t allocations; /* that the log has of it, over all processes; from 1 */
    char *place;          /* "read_line (input.c:12)" */
    char *via;            /* how it reaches the allocator: "malloc" */
    char *key;            /* of the site */
    bool is_library;      /* in a library that the system brings */
    bool is_late;         /* made allocations after the program had started up: what its input leads to */
    size_t first_place;   /* in tn_fail_subjects.places */
    size_t place_count;   /* 0: none of its modules is on this machine as it was recorded */
};

/* All subjects of a log. Zeroed is empty; tn_fail_subjects_finish releases it. */
struct tn_fail_subjects {
    struct tn_fail_subject *items; /* owned; late ones first, then those of most allocations */
    size_t count;
    bool is_by_stack;                 /* items are stacks */
    struct tn_inject_module *modules; /* owned; by id of the log's module, 0 unused */
    size_t module_count;
    size_t changed_count;           /* modules that are not on this machine as they were recorded */
    struct tn_inject_place *places; /* owned; of each subject together, in order as inject.h wants it */
    size_t place_count, place_capacity;
    struct tn_inject_step *steps; /* owned */
    size_t step_count, step_capacity;
};

/* Load the subjects.
 *
 * log          finished; stays open and the caller's
 * is_by_stack  a subject for each stack instead of each site
 * Returns      0; -EBADMSG: a log without sites, or a damaged one; -ENOMEM, -EIO; error says what failed
 * Owns         the caller releases ret_subjects by tn_fail_subjects_finish, also after a failure */
int tn_fail_subjects_load(struct tn_log *log, bool is_by_stack, struct tn_fail_subjects *ret_subjects,
                          struct tn_error *error);

/* The subject of an id; NULL: there is none. */
const struct tn_fail_subject *tn_fail_subject_find(const struct tn_fail_subjects *subjects, uint64_t id);

/* Release. Zeroed is fine. */
void tn_fail_subjects_finish(struct tn_fail_subjects *subjects);

/* ---------------------------------------------------------------------------------------- runs */

/* How the program is run. Strings are borrowed. */
struct tn_fail_command {
    const char *program;  /* path of what is executed */
    char **argv;          /* ended by NULL */
    const char *library;  /* path of the library that makes allocations fail */
    const char *folder;   /* for what the runs write; must exist */
    const char *input;    /* file for the program's stdin; NULL: /dev/null */
    const char *setup;    /* shell command that fills a new, empty folder, in which the program then runs;
                             NULL: it runs where the tool was started */
    const char *check;    /* shell command that judges the run, status 0: right; NULL: outputs are compared */
    const char *drive;    /* shell command to run twice beside the program, a server, which is then stopped;
                             NULL:    the program ends by itself */
    const char *ready;    /* with drive: "port:N", "line:TEXT" on stdout or stderr, or "time:SECONDS" */
    uint64_t timeout_ns;  /* after which a run counts as hung */
    uint64_t limit_bytes; /* as inject.h, as the next two */
    uint64_t pointer_bytes;
    const char *policy; /* NULL: none */
    bool is_persistent; /* as inject.h */
    bool drives_once;   /* the drive command runs only once */
};

/* What a run was like. Plain data without pointers: it goes through a pipe. */
struct tn_fail_outcome {
    int status;                 /* as wait gives it */
    int drive_status[2];        /* of the drive command, as wait gives it; 0 without one. It is run twice: the
                                   second one shows whether the server still serves */
    uint64_t drive_hash[2];     /* of what it wrote to stdout */
    int check_status;           /* likewise */
    int error;                  /* negative errno: the run could not be made; what[] says at what */
    char what[128];             /* "setup", the program's path... */
    uint64_t duration_ns;       /* of the program */
    uint64_t cpu_ns;            /* that it computed, with the children that it waited for; 0: not known */
    uint64_t resident_bytes;    /* at most, of any one of these; 0: not known */
    uint64_t output_hash;       /* of what it wrote to stdout */
    uint64_t output_bytes;      /* likewise, its size */
    bool is_hung;               /* it was killed when its time was over */
    bool is_corrupted;          /* the C library said so on stderr, in message */
    char message[160];          /* the first line of stderr that runs without a failure do not have; of
                               corruption, what was said of it */
    struct tn_inject_head head; /* what the library told */
};

/* Whether a text says when a server is ready, as `ready` above has it. */
bool tn_fail_ready_is_valid(const char *ready);

/* Remove the folder of all runs, with what is kept there. */
void tn_fail_folder_remove(const char *folder);

/* Run the program once, in a process of its own that cleans up behind it.
 *
 * subject      NULL: nothing fails by its place
 * occurrence   which call of the subject fails, from 1
 * number       of the run: its files lie in folder/run.NUMBER, which is removed
 * ret_pid, ret_fd  the process, and where its outcome will come from, whole, in the end
 * Returns      0; negative errno: error says what failed
 * Owns         the caller closes ret_fd and waits for ret_pid: tn_fail_run_take does both */
int tn_fail_run_start(const struct tn_fail_command *command, const struct tn_fail_subjects *subjects,
                      const struct tn_fail_subject *subject, uint64_t occurrence, uint64_t number,
                      int *ret_pid, int *ret_fd, struct tn_error *error);

/* Take the outcome of a run, and wait for its end.
 *
 * Returns  0; -EIO: the process died without one */
int tn_fail_run_take(int pid, int fd, struct tn_fail_outcome *ret_outcome);

/* ---------------------------------------------------------------------------------------- verdicts */

/* What runs without a failure are like: what others are compared with. */
struct tn_fail_baseline {
    struct tn_fail_outcome first; /* the first of two runs */
    bool has_steady_output;       /* both had the same output */
    int64_t live_count;           /* blocks that are never released, the higher of both */
    int64_t live_spread;          /* the difference between both */
};

/* Judge the baseline.
 *
 * Returns  0; -EINVAL: the program fails, hangs or crashes by itself; error says how */
int tn_fail_baseline_make(const struct tn_fail_command *command, const struct tn_fail_outcome *first,
                          const struct tn_fail_outcome *second, struct tn_fail_baseline *ret_baseline,
                          struct tn_error *error);

/* Judge a run.
 *
 * allowed, allowed_count  exit statuses with which the program may report a failure and still counts as one
 *                         that handles it
 * ret_leaked_count        blocks that were not released and are without the failure; 0: none */
enum tn_fail_class tn_fail_judge(const struct tn_fail_command *command,
                                 const struct tn_fail_baseline *baseline,
                                 const struct tn_fail_outcome *outcome, const int *allowed,
                                 size_t allowed_count, uint64_t *ret_leaked_count);

/* ---------------------------------------------------------------------------------------- results */

/* The result of a run, as it is reported and kept. Strings are owned; tn_fail_results_finish releases them.
 */
struct tn_fail_result {
    uint64_t subject_id;
    uint64_t occurrence; /* which call failed */
    enum tn_fail_class class;
    char *place, *via, *key; /* of the subject */
    int status;              /* of the program, as wait gives it */
    int signal;              /* of a crash; else 0 */
    uint64_t duration_ns, matches, failed, leaked_count;
    char *message; /* first line of stderr; "" */
    char *crash;   /* "use (a.c:12), called from main (a.c:30)"; "" */
    char *leaks; /* "2 of make (a.c:7), 1 of open (b.c:3)": what was never released, by site; NULL or "": not
                    known */
};

/* The results of a sweep, in the order in which they came. Zeroed is empty. */
struct tn_fail_results {
    struct tn_fail_result *items; /* owned */
    size_t count, capacity;
};

/* Append the result of a run, naming the frames of a crash.
 *
 * subject  NULL: a run without one
 * program  path of what was executed
 * Returns  0 or -ENOMEM */
int tn_fail_results_add(struct tn_fail_results *results, const struct tn_fail_subject *subject,
                        const char *program, uint64_t occurrence, enum tn_fail_class class,
                        uint64_t leaked_count, const struct tn_fail_outcome *outcome);

/* Append a result that is whole; its strings are the results' then.
 *
 * Returns  0; -ENOMEM, and nothing is taken */
int tn_fail_results_take(struct tn_fail_results *results, const struct tn_fail_result *result);

/* Say which sites' blocks a run never released, that are released in the log: "2 of make (a.c:7)".
 *
 * recorded     the log of such a run, finished
 * ret_text     "": none
 * Returns      0; -ENOMEM; another negative errno: a log cannot be read
 * Owns         the caller frees *ret_text */
int tn_fail_name_leaks(struct tn_log *log, struct tn_log *recorded, char **ret_text);

/* Bring the worst to the front; equal classes by id. */
void tn_fail_results_sort(struct tn_fail_results *results);

/* Release. Zeroed is fine. */
void tn_fail_results_finish(struct tn_fail_results *results);

/* Results that are kept in a file, so that a sweep that was stopped goes on. */
struct tn_fail_store;

/* Open or make a file of results.
 *
 * sweep    what the results are of, as text: log, mode, command; results of another sweep are refused
 * results  what the file has is appended
 * Returns  0; -EEXIST: it is of another sweep; -EBADMSG: it is no such file; another negative errno; error
 *          says what failed
 * Owns     the caller owns *ret_store; tn_fail_store_close releases it */
int tn_fail_store_open(const char *path, const char *sweep, struct tn_fail_store **ret_store,
                       struct tn_fail_results *results, struct tn_error *error);

/* Keep a result.
 *
 * Returns  0 or a negative errno */
int tn_fail_store_add(struct tn_fail_store *store, const struct tn_fail_result *result);

/* Close. NULL is fine. */
void tn_fail_store_close(struct tn_fail_store *store);

/* What reports say beside the results. Strings are borrowed. */
struct tn_fail_report {
    const struct tn_fail_results *results; /* sorted */
    const char *log;                       /* path */
    const char *command;                   /* the program and its arguments, as a shell needs them */
    const char *options; /* of the runs, as a shell needs them, with a blank at the end: "" */
    const struct tn_fail_baseline *baseline;
    bool is_by_stack;
    uint64_t subject_count;     /* in the log */
    uint64_t library_count;     /* of these, left out because they are a library's own */
    uint64_t unreachable_count; /* of these, in modules that have changed */
    uint64_t duration_ns;       /* of all runs together, from the first to the last */
};

/* Write a report.
 *
 * Returns  0 or -ENOMEM */
int tn_fail_write_text(const struct tn_fail_report *report, struct tn_buffer *out);
int tn_fail_write_json(const struct tn_fail_report *report, struct tn_buffer *out);
int tn_fail_write_junit(const struct tn_fail_report *report, struct tn_buffer *out);
int tn_fail_write_html(const struct tn_fail_report *report, struct tn_buffer *out);

/* Append a word as a shell needs it.
 *
 * Returns  0 or -ENOMEM */
int tn_fail_quote(struct tn_buffer *out, const char *word);

/* Append a command and its arguments so, with spaces between.
 *
 * argv     ends with NULL
 * Returns  0 or -ENOMEM */
int tn_fail_quote_command(struct tn_buffer *out, char *const *argv);

#endif
