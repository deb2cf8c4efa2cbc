/* SPDX-License-Identifier: MIT */
/* Runs statements and prints rows; see sql_run.h. Called by cmd_sql.c and sql_shell.c. */
#include "sql_run.h"

#include "command.h"
#include "message.h"
#include "output.h"
#include "sql_words.h"

#include "tenure/log.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Instructions of SQLite's machine between two looks at the clock: some milliseconds. */
#define LOOK_INSTRUCTIONS 100000
#define SECOND_NS         UINT64_C(1000000000)

/* The connection whose query runs now, for the signal handler; NULL: none. */
static _Atomic(sqlite3 *) running_database;
static volatile sig_atomic_t was_interrupted;

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

static void interrupt_query(int signal_number)
{
    (void)signal_number;
    was_interrupted = 1;
    sqlite3 *database = atomic_load(&running_database);
    if (database != NULL)
        sqlite3_interrupt(database);
}

bool tn_sql_session_was_interrupted(void)
{
    bool was = was_interrupted != 0;
    was_interrupted = 0;
    return was;
}

/* ---------------------------------------------------------------------------------------- progress */

/* How much of a query is done is unknown; that it runs, and for how long, is what can be said. */
static int show_running(void *user)
{
    struct tn_sql_session *session = user;
    uint64_t running_s = session->started_ns != 0 ? (now_ns() - session->started_ns) / SECOND_NS : 0;
    if (running_s == session->shown_s || isatty(STDERR_FILENO) == 0)
        return 0;
    session->shown_s = running_s;
    fflush(stdout);
    fprintf(stderr, "\rtenure: running, %" PRIu64 " s; Ctrl-C ends the query ", running_s);
    fflush(stderr);
    return 0;
}

static void hide_running(void *user)
{
    struct tn_sql_session *session = user;
    if (session->shown_s == 0)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    session->shown_s = 0;
}

/* ---------------------------------------------------------------------------------------- errors */

static int say_refusal(void)
{
    tn_say(
        "this statement would write, and `tenure sql` only reads: CREATE TEMP TABLE keeps rows for a while, "
        ".once or a redirection writes them to a file, and `tenure unpack` makes a copy for other tools");
    return TN_STATUS_USAGE;
}

static int status_of(int result)
{
    switch (result & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return TN_STATUS_INPUT;
    case SQLITE_NOMEM:
    case SQLITE_IOERR:
    case SQLITE_FULL:
    case SQLITE_CANTOPEN:
        return TN_STATUS_MACHINE;
    default:
        return TN_STATUS_USAGE;
    }
}

static int say_sql_error(struct tn_sql_session *session, int result)
{
    if (result == SQLITE_INTERRUPT) {
        tn_say("the query was interrupted");
        return TN_STATUS_NO;
    }
    if (result == SQLITE_AUTH)
        return say_refusal();
    char *message = strdup(sqlite3_errmsg(session->database));
    char *meant = message != NULL ? tn_sql_words_meant(session->database, message) : NULL;
    char *tables = message != NULL ? tn_sql_words_tables(session->database, message) : NULL;
    if (tables != NULL)
        tn_say("the query failed: %s; it is a column of %s", message, tables);
    else if (meant != NULL)
        tn_say("the query failed: %s; did you mean %s?", message, meant);
    else
        tn_say("the query failed: %s", message != NULL ? message : "out of memory");
    free(meant);
    free(tables);
    free(message);
    return status_of(result);
}

/* ---------------------------------------------------------------------------------------- statements */

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t\r\n;")] == '\0';
}

static int run_statement(struct tn_sql_session *session, sqlite3_stmt *statement, FILE *out)
{
    session->started_ns = now_ns();
    session->shown_s = 0;
    atomic_store(&running_database, session->database);
    int r = tn_print_rows(statement, &session->style, out);
    atomic_store(&running_database, NULL);
    hide_running(session);
    session->started_ns = 0;
    return r == SQLITE_DONE ? TN_STATUS_DONE : say_sql_error(session, r);
}

static int run_all(struct tn_sql_session *session, const char *sql, FILE *out)
{
    int status = TN_STATUS_DONE;
    while (status == TN_STATUS_DONE && !is_blank(sql)) {
        sqlite3_stmt *statement = NULL;
        int r = tn_sql_guard_prepare(&session->guard, session->database, sql, &statement, &sql);
        if (r == SQLITE_OK && statement == NULL)
            return TN_STATUS_DONE; /* only a comment was left */
        if (r != SQLITE_OK)
            status = say_sql_error(session, r);
        else
            status = run_statement(session, statement, out);
        sqlite3_finalize(statement);
    }
    return status;
}

static int say_unwritten(const char *path, int code)
{
    tn_say("cannot write '%s': %s", path, strerror(code));
    return TN_STATUS_MACHINE;
}

static int run_into_file(struct tn_sql_session *session, const char *sql, const char *path)
{
    FILE *out = fopen(path, "we");
    if (out == NULL)
        return say_unwritten(path, errno);
    int status = run_all(session, sql, out);
    bool is_written = ferror(out) == 0;
    if (fclose(out) != 0 || !is_written)
        return say_unwritten(path, errno);
    return status;
}

int tn_sql_session_run(struct tn_sql_session *session, const char *sql)
{
    char *path = session->once_path;
    session->once_path = NULL;
    int status = path != NULL ? run_into_file(session, sql, path) : run_all(session, sql, stdout);
    free(path);
    return status;
}

/* ---------------------------------------------------------------------------------------- session */

int tn_sql_session_once(struct tn_sql_session *session, const char *path)
{
    const char *schema;
    for (int i = 0; (schema = sqlite3_db_name(session->database, i)) != NULL; i++) {
        const char *log = sqlite3_db_filename(session->database, schema);
        if (log == NULL || !tn_output_is_same(log, path))
            continue;
        tn_say("cannot write '%s': it is the log '%s'; give another name", path, schema);
        return TN_STATUS_USAGE;
    }
    free(session->once_path);
    session->once_path = strdup(path);
    if (session->once_path != NULL)
        return TN_STATUS_DONE;
    tn_say("cannot write '%s': out of memory", path);
    return TN_STATUS_MACHINE;
}

int tn_sql_session_open(struct tn_sql_session *session, struct tn_log *log)
{
    session->database = tn_log_database(log);
    session->style.stepped = hide_running;
    session->style.user = session;
    int r = tn_log_sql_register(session->database);
    if (r != SQLITE_OK)
        return say_sql_error(session, r);
    tn_sql_guard_begin(&session->guard, session->database);
    sqlite3_progress_handler(session->database, LOOK_INSTRUCTIONS, show_running, session);
    /* Without SA_RESTART, so that Ctrl-C also ends the reading of a line. */
    struct sigaction action = {.sa_handler = interrupt_query};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    return TN_STATUS_DONE;
}

void tn_sql_session_finish(struct tn_sql_session *session)
{
    free(session->once_path);
    session->once_path = NULL;
    if (session->database != NULL)
        sqlite3_progress_handler(session->database, 0, NULL, NULL);
}
