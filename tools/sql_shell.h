/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SQL_SHELL_H
#define TENURE_SQL_SHELL_H

/* Reads SQL and dot-commands from stdin for `tenure sql LOG`: at a prompt, or as a script. */

#include "sql_run.h"

/* At a prompt errors are printed and forgotten; a script ends at its first one.
 *
 * Returns  the exit status */
int tn_sql_shell(struct tn_sql_session *session);

/* Run a dot-command that was given as QUERY, as sqlite3 takes them, too.
 *
 * line     begins with a dot
 * Returns  the exit status */
int tn_sql_shell_command(struct tn_sql_session *session, const char *line);

#endif
