/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SQL_RUN_H
#define TENURE_SQL_RUN_H

/* Runs statements for `tenure sql`: prints their rows, explains what went wrong, shows that a long query
 * runs, and lets Ctrl-C end the query and nothing else. One thread, one session at a time. */

#include "print_rows.h"
#include "sql_guard.h"

#include <stdbool.h>
#include <stdint.h>

struct sqlite3;
struct tn_log;

/* A connection and how its rows are printed. Begin with {0} and tn_sql_session_open. */
struct tn_sql_session {
    struct sqlite3 *database;   /* borrowed from the log */
    struct tn_rows_style style; /* the caller sets format and has_no_header */
    struct tn_sql_guard guard;  /* by these functions; so are the next three */
    uint64_t started_ns;        /* when the statement that runs began; 0: none does */
    uint64_t shown_s;           /* seconds that the progress line shows; 0: it is not there */
    char *once_path;            /* owned; the file for the rows of the next statements; NULL: stdout */
};

/* Make a log ready for questions. From now on the connection can only read, and Ctrl-C ends a query.
 *
 * Returns  TN_STATUS_DONE; another exit status after a message on stderr */
int tn_sql_session_open(struct tn_sql_session *session, struct tn_log *log);

/* Run all statements of a text, up to the first that fails.
 *
 * Returns  TN_STATUS_DONE; TN_STATUS_NO: Ctrl-C ended it; another exit status. After a message on stderr */
int tn_sql_session_run(struct tn_sql_session *session, const char *sql);

/* Send the rows of the next statements that are run into a file.
 *
 * Returns  TN_STATUS_DONE; an exit status after a message on stderr: it is one of the logs, or no memory */
int tn_sql_session_once(struct tn_sql_session *session, const char *path);

/* Whether Ctrl-C was pressed since the last call. */
bool tn_sql_session_was_interrupted(void);

/* Release what the session owns. */
void tn_sql_session_finish(struct tn_sql_session *session);

#endif
