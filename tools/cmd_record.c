/* SPDX-License-Identifier: MIT */
/* The command `record`: checks options, program and log before anything is started, then forks the child,
 * starts the recorder, and sees the recording through. All its own failures exit with 125, as with env and
 * timeout. */
#include "child.h"
#include "command.h"
#include "install_paths.h"
#include "message.h"
#include "program.h"
#include "record_session.h"
#include "recorder_link.h"
#include "tenure/finish.h"
#include "tenure/limits.h"
#include "tenure/log.h"
#include "tenure/site.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define VARIABLES_MAX 8

/* The command line of `record`, checked. */
struct record_request {
    const char *log; /* NULL: the default name */
    const char *rows;
    const char *wrapper;
    bool keeps_wrappers;
    bool is_replacing, is_quiet, omits_command_lines;
    bool waits;                                  /* for names and summaries, too */
    uint64_t duration_ns;                        /* 0: to the program's end */
    bool is_paused;                              /* recording begins paused */
    uint64_t resume_after_ns;                    /* and resumes after this time; 0: not by time */
    const char *resume_mark;                     /* and resumes with this mark; NULL: with none */
    char options_text[512];                      /* for meta.options */
    struct tn_variable variables[VARIABLES_MAX]; /* what the shim must be told, ended by a NULL name */
    char values[VARIABLES_MAX][24];              /* of these, as text */
    size_t variable_count;
    char program[PATH_MAX]; /* what to execute */
    char **argv;            /* the program's */
};

static int check_rows(const struct tn_arguments *arguments, const char **ret_rows, struct tn_error *error)
{
    static char text[24];
    const char *rows = tn_option_text(arguments, "rows");
    if (rows != NULL && (strcmp(rows, "all") == 0 || strcmp(rows, "none") == 0)) {
        *ret_rows = rows;
        return 0;
    }
    uint64_t count;
    int r = tn_option_count(arguments, "rows", 0, INT64_MAX, TN_ROWS_DEFAULT, &count, error);
    if (r < 0)
        return tn_error_set(error, r,
                            "option '--rows' of 'record': '%s' is neither all nor none nor a "
                            "whole number; see 'tenure record --help'",
                            rows);
    snprintf(text, sizeof(text), "%" PRIu64, count);
    *ret_rows = text;
    return 0;
}

/* The shim reads its options from the environment. Only options that were given go there, so that the program
 * sees few additions. */
static void tell_text(struct record_request *request, const struct tn_arguments *arguments,
                      const char *option, const char *variable, const char *text)
{
    if (!tn_option_is_given(arguments, option))
        return;
    size_t n = request->variable_count++;
    snprintf(request->values[n], sizeof(request->values[n]), "%s", text);
    request->variables[n] = (struct tn_variable){variable, request->values[n]};
}

static void tell(struct record_request *request, const struct tn_arguments *arguments, const char *option,
                 const char *variable, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRIu64, value);
    tell_text(request, arguments, option, variable, text);
}

/* Which looks for links are made. */
static int check_links(const struct tn_arguments *arguments, const char **ret_links, struct tn_error *error)
{
    const char *value = tn_option_text(arguments, "links");
    const char *links = value == NULL || strcmp(value, "1") == 0 ? "yes" : value;
    if (strcmp(links, "0") == 0)
        links = "no";
    if (strcmp(links, "yes") != 0 && strcmp(links, "death") != 0 && strcmp(links, "no") != 0)
        return tn_error_set(error, -EINVAL,
                            "option '--links' of 'record': '%s' is not yes, death or no; see 'tenure record "
                            "--help'",
                            value);
    *ret_links = links;
    return 0;
}

/* After which time or mark recording begins. */
static int check_after(const struct tn_arguments *arguments, struct record_request *request,
                       struct tn_error *error)
{
    const char *after = tn_option_text(arguments, "after");
    request->is_paused = tn_option_is_given(arguments, "paused");
    if (after == NULL)
        return 0;
    if (after[0] >= '0' && after[0] <= '9')
        return tn_option_duration(arguments, "after", 0, &request->resume_after_ns, error);
    if (after[0] == '\0' || strlen(after) > TN_MARK_TEXT_BYTES_KEPT)
        return tn_error_set(
            error, -EINVAL,
            "option '--after' of 'record' takes a time, as in 90s, or the text of a mark of up "
            "to %u bytes; see 'tenure record --help'",
            TN_MARK_TEXT_BYTES_KEPT);
    request->resume_mark = after;
    return 0;
}

/* The variable may ask for more than the option can: 2 prints the stacks that differ. */
static uint64_t check_level(const struct tn_arguments *arguments)
{
    const char *value = tn_option_text(arguments, "check-stacks");
    return value != NULL && strcmp(value, "2") == 0 ? 2 : 1;
}

/* Wrappers are applied after the recording: a bad expression would be noticed only then, so check it now. */
static int check_wrapper(const char *wrapper, struct tn_error *error)
{
    struct tn_site_rules *rules = NULL;
    int r = wrapper != NULL ? tn_site_rules_open(wrapper, &rules, error) : 0;
    tn_site_rules_close(rules);
    return r;
}

/* On a terminal somebody waits for the prompt. As PID 1 the tool would take the finishing process along when
 * it ends, and as a subreaper leave it to the program that started it. */
static bool waits_by_default(void)
{
    int is_subreaper = 0;
    prctl(PR_GET_CHILD_SUBREAPER, &is_subreaper, 0, 0, 0);
    return !isatty(STDERR_FILENO) || getpid() == 1 || is_subreaper != 0;
}

static int check_options(const struct tn_arguments *arguments, struct record_request *request,
                         struct tn_error *error)
{
    uint64_t depth, ring_bytes;
    bool has_free_stacks, has_children, finds_wrappers;
    const char *links = "yes";
    int r = tn_option_count(arguments, "depth", 1, TN_STACK_DEPTH_MAX, TN_STACK_DEPTH_DEFAULT, &depth, error);
    if (r == 0)
        r = tn_option_bytes(arguments, "ring-size", TN_RING_BYTES_MIN, TN_RING_BYTES_MAX,
                            TN_RING_BYTES_DEFAULT, &ring_bytes, error);
    if (r == 0)
        r = tn_option_yes_no(arguments, "free-stacks", true, &has_free_stacks, error);
    if (r == 0)
        r = tn_option_yes_no(arguments, "children", true, &has_children, error);
    if (r == 0)
        r = check_links(arguments, &links, error);
    if (r == 0)
        r = tn_option_yes_no(arguments, "find-wrappers", true, &finds_wrappers, error);
    if (r == 0)
        r = tn_option_yes_no(arguments, "wait", waits_by_default(), &request->waits, error);
    if (r == 0)
        r = tn_option_duration(arguments, "duration", 0, &request->duration_ns, error);
    if (r == 0)
        r = check_after(arguments, request, error);
    if (r == 0)
        r = check_rows(arguments, &request->rows, error);
    request->wrapper = tn_option_text(arguments, "wrapper");
    if (r == 0)
        r = check_wrapper(request->wrapper, error);
    if (r < 0)
        return r;
    request->keeps_wrappers = !finds_wrappers;
    request->log = tn_option_text(arguments, "output");
    request->is_replacing = tn_option_is_given(arguments, "force");
    request->is_quiet = tn_option_is_given(arguments, "quiet");
    request->omits_command_lines = tn_option_is_given(arguments, "no-command-line");
    request->argv = arguments->operands;
    snprintf(request->options_text, sizeof(request->options_text),
             "depth=%" PRIu64 " ring_size=%" PRIu64
             " free_stacks=%s children=%s links=%s rows=%s check_stacks=%s%s%s%s",
             depth, ring_bytes, has_free_stacks ? "yes" : "no", has_children ? "yes" : "no", links,
             request->rows, tn_option_is_given(arguments, "check-stacks") ? "yes" : "no",
             finds_wrappers ? "" : " find_wrappers=no", request->wrapper != NULL ? " wrapper=" : "",
             request->wrapper != NULL ? request->wrapper : "");
    tell(request, arguments, "depth", "TENURE_DEPTH", depth);
    tell(request, arguments, "ring-size", "TENURE_RING_SIZE", ring_bytes);
    tell(request, arguments, "free-stacks", "TENURE_FREE_STACKS", has_free_stacks);
    tell(request, arguments, "children", "TENURE_CHILDREN", has_children);
    tell_text(request, arguments, "links", "TENURE_LINKS", links);
    tell(request, arguments, "check-stacks", "TENURE_CHECK_STACKS", check_level(arguments));
    return 0;
}

/* Find and check the program. Returns 0, or the exit status after printing why. */
static int check_program(struct record_request *request)
{
    struct tn_error error;
    int r =
        tn_program_find(request->argv[0], getenv("PATH"), request->program, sizeof(request->program), &error);
    if (r < 0) {
        tn_say("%s", error.text);
        return r == -EACCES ? TN_STATUS_NOT_EXECUTABLE : TN_STATUS_NOT_FOUND;
    }
    struct tn_program_abi abi;
    /* Where this fails, /proc is missing, not the program. */
    if (tn_program_read_abi("/proc/self/exe", &abi, &error) < 0) {
        tn_say("%s", error.text);
        return TN_STATUS_RECORD;
    }
    r = tn_program_check(request->program, &abi, &error);
    if (r == 0)
        return 0;
    tn_say("%s", error.text);
    switch (r) {
    case -ENOENT:
        return TN_STATUS_NOT_FOUND;
    case -ENOEXEC:
    case -EACCES:
    case -ELOOP:
        return TN_STATUS_NOT_EXECUTABLE;
    default:
        return TN_STATUS_RECORD;
    }
}

/* Refuse a bad log early, before anything is started. The recorder notices what changes after this check.
 */
static int check_log(const char *log, bool is_replacing, struct tn_error *error)
{
    struct stat status;
    if (stat(log, &status) == 0) {
        if (S_ISDIR(status.st_mode))
            return tn_error_set(error, -EISDIR, "cannot write the log '%s': it is a directory", log);
        if (!is_replacing)
            return tn_error_set(error, -EEXIST,
                                "cannot write the log '%s': it exists already; give another name with "
                                "--output, or --force to replace it",
                                log);
        return 0;
    }
    char folder[PATH_MAX];
    snprintf(folder, sizeof(folder), "%s", log);
    char *slash = strrchr(folder, '/');
    if (slash == NULL)
        snprintf(folder, sizeof(folder), ".");
    else
        slash[slash == folder] = '\0';
    if (access(folder, W_OK | X_OK) < 0)
        return tn_error_set(error, -errno,
                            "cannot write the log '%s': folder '%s': %s; give another place with --output",
                            log, folder, strerror(errno));
    return 0;
}

/* Wait for the recorder's first line. ret_session: the path it listens at. */
static int wait_until_ready(struct tn_link *link, char *ret_session, size_t session_bytes,
                            struct tn_error *error)
{
    for (;;) {
        char *line = tn_link_next_line(link);
        if (line == NULL) {
            if (tn_link_read(link) <= 0)
                return tn_error_set(error, -EPIPE,
                                    "cannot record: the recorder ended before it was ready; is the build "
                                    "complete?");
            continue;
        }
        if (strncmp(line, "ready ", 6) == 0) {
            snprintf(ret_session, session_bytes, "%s", line + 6);
            return 0;
        }
        if (strncmp(line, "error ", 6) == 0) {
            char *text;
            long code = strtol(line + 6, &text, 10);
            return tn_error_set(error, code > 0 ? (int)-code : -EIO, "%s", text + (*text == ' '));
        }
    }
}

/* Child and recorder run: start the program and see the recording through. Returns the exit status. */
static int record_program(const struct record_request *request, const char *log, struct tn_child *child,
                          struct tn_link *link)
{
    struct tn_error error;
    char session[PATH_MAX];
    if (wait_until_ready(link, session, sizeof(session), &error) < 0) {
        tn_child_cancel(child);
        tn_say("%s", error.text);
        return TN_STATUS_RECORD;
    }
    tn_link_send(link, "child %d", (int)child->pid);
    int r = tn_child_go(child, session);
    if (r < 0) {
        tn_link_send(link, "discard");
        while (tn_link_read(link) > 0)
            while (tn_link_next_line(link) != NULL)
                ;
        tn_say("cannot run '%s': %s", request->program, strerror(-r));
        return r == -ENOENT ? TN_STATUS_NOT_FOUND : TN_STATUS_NOT_EXECUTABLE;
    }
    struct tn_record_session recording = {
        .link = link,
        .log = log,
        .program = request->argv[0],
        .child = child->pid,
        .is_quiet = request->is_quiet,
        .is_background = !request->waits,
        .duration_ns = request->duration_ns,
    };
    tn_record_session_run(&recording);
    tn_record_session_print_summary(&recording);
    int status = recording.child_status;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int start_recorder(const struct record_request *request, const struct tn_install_paths *paths,
                          const char *log, struct tn_child *child)
{
    struct tn_link_options options = {
        .recorder = paths->recorder,
        .log = log,
        .rows = request->rows,
        .wrapper = request->wrapper,
        .keeps_wrappers = request->keeps_wrappers,
        .omits_command_lines = request->omits_command_lines,
        .text = request->options_text,
        .is_replacing = request->is_replacing,
        .is_paused = request->is_paused,
        .resume_after_ns = request->resume_after_ns,
        .resume_mark = request->resume_mark,
        .is_background = !request->waits,
    };
    struct tn_link link;
    struct tn_error error;
    if (tn_link_start(&options, &link, &error) < 0) {
        tn_child_cancel(child);
        tn_say("%s", error.text);
        return TN_STATUS_RECORD;
    }
    int status = record_program(request, log, child, &link);
    tn_link_finish(&link);
    return status;
}

/* The child comes first: its PID is in the name of the log. */
static int start_child(const struct record_request *request, const struct tn_install_paths *paths)
{
    struct tn_child_options options = {
        .path = request->program,
        .argv = request->argv,
        .shim = paths->shim,
        .variables = request->variables,
    };
    struct tn_child child;
    struct tn_error error;
    tn_signals_catch();
    if (tn_child_start(&options, &child, &error) < 0) {
        tn_say("%s", error.text);
        return TN_STATUS_RECORD;
    }
    char default_log[PATH_MAX];
    const char *slash = strrchr(request->argv[0], '/');
    snprintf(default_log, sizeof(default_log), "tenure.%s.%d.db",
             slash != NULL ? slash + 1 : request->argv[0], (int)child.pid);
    const char *log = request->log != NULL ? request->log : default_log;
    if (check_log(log, request->is_replacing, &error) < 0) {
        tn_child_cancel(&child);
        tn_say("%s", error.text);
        return TN_STATUS_RECORD;
    }
    return start_recorder(request, paths, log, &child);
}

/* The shim has to be there before the program's first allocation: what lives when it comes later would be
 * unknown, and to load it into a process that runs takes a debugger, which stops the process in any state. */
static int refuse_pid(const char *pid)
{
    tn_say(
        "cannot record process %s, which runs already: start it again with 'tenure record', or with "
        "LD_PRELOAD "
        "(docs/environment.md); if it was started so, 'tenure ctl %s start' begins to record",
        pid, pid);
    return TN_STATUS_RECORD;
}

static int run(const struct tn_arguments *arguments)
{
    struct record_request request = {0};
    struct tn_install_paths paths;
    struct tn_error error;
    if (tn_option_is_given(arguments, "pid"))
        return refuse_pid(tn_option_text(arguments, "pid"));
    if (arguments->operand_count == 0) {
        tn_say("'record' needs a PROGRAM: none was given; see 'tenure record --help'");
        return TN_STATUS_RECORD;
    }
    if (check_options(arguments, &request, &error) < 0) {
        tn_say("%s", error.text);
        return TN_STATUS_RECORD;
    }
    int status = check_program(&request);
    if (status != 0)
        return status;
    if (tn_install_paths_find(&paths, &error) < 0) {
        tn_say("%s", error.text);
        return TN_STATUS_RECORD;
    }
    return start_child(&request, &paths);
}

static const struct tn_option options[] = {
    {'o', "output", "LOG", "the log to write (default: tenure.PROGRAM.PID.db in the\nworking directory)",
     "TENURE_LOG"},
    {0, "force", NULL, "replace LOG if it is there", NULL},
    {0, "depth", "N", "frames kept of a stack, 1 to 8000 (default 1024)", "TENURE_DEPTH"},
    {0, "ring-size", "BYTES", "ring of each thread, 64K to 64M (default 1M)", "TENURE_RING_SIZE"},
    {0, "free-stacks", "yes|no", "take the call stack of each free, too (default yes)", "TENURE_FREE_STACKS"},
    {0, "children", "yes|no", "record the processes that PROGRAM starts, too\n(default yes)",
     "TENURE_CHILDREN"},
    {0, "links", "yes|death|no",
     "look for who holds the addresses of blocks; death: only in\nblocks that are released (default yes)",
     "TENURE_LINKS"},
    {0, "rows", "all|none|N",
     "write `allocation` as plain rows, for any SQLite tool,\nif there are at most N (default 1000000)",
     "TENURE_ROWS"},
    {0, "no-command-line", NULL, "leave the arguments of processes out of the log", "TENURE_COMMAND_LINE"},
    {0, "wrapper", "REGEX",
     "functions that only pass malloc on: their callers are\nthe sites (POSIX extended; "
     "'xmalloc|g_malloc.*')",
     NULL},
    {0, "find-wrappers", "yes|no",
     "find out by code and use which functions only pass malloc on\n(default yes)", NULL},
    {0, "check-stacks", NULL, "compare each new call stack with libunwind's own walk\n(slow; for tests)",
     "TENURE_CHECK_STACKS"},
    {0, "duration", "TIME",
     "close the log after this time, as in 90s or 2h; PROGRAM runs\non unrecorded (default: to its end)",
     NULL},
    {0, "paused", NULL, "begin paused: `tenure ctl LOG start` begins to record", "TENURE_PAUSED"},
    {0, "after", "TIME|MARK",
     "begin paused, and record after this time, as in 90s or 2h, or\nfrom the mark on that PROGRAM sets with "
     "this "
     "text\n(tenure/mark.h)",
     "TENURE_AFTER"},
    {0, "wait", "yes|no",
     "wait until names and summaries are in the log (default: no\non a terminal); readers of the log wait "
     "for "
     "them otherwise",
     NULL},
    {0, "pid", "PID", "a program that runs already: says what to do, since it cannot\nbe recorded", NULL},
    {'q', "quiet", NULL, "print errors and losses only", NULL},
};

const struct tn_command tn_command_record = {
    .name = "record",
    .summary = "Run a program and record every allocation into a log",
    .usage = "[OPTIONS] [--] PROGRAM [ARGS...]",
    .details =
        "Exit status: that of PROGRAM, 128+N if signal N ended it; 127 if it was not found, 126 if it\n"
        "cannot be executed, 125 if it cannot be recorded or tenure itself failed.\n\n"
        "Variables that mirror the options: docs/environment.md.\n"
        "\n"
        "Example: tenure record -o ls.db ls -l\n",
    .options = {.options = options,
                .count = sizeof(options) / sizeof(options[0]),
                .ends_at_operand = true,
                .operand_min = 0, /* 1, but with --pid */
                .operand_max = SIZE_MAX,
                .operands = "a PROGRAM"},
    .usage_status = TN_STATUS_RECORD,
    .run = run,
};
