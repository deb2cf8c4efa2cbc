/* SPDX-License-Identifier: MIT */
/* The command `sql`: runs a query on a log, or reads statements from stdin, with a prompt on a terminal. The
 * log is only read. */
#include "command.h"
#include "message.h"
#include "sql_run.h"
#include "sql_shell.h"
#include "unfinished.h"

#include "tenure/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int choose_format(const struct tn_arguments *arguments, struct tn_sql_session *session)
{
    bool is_csv = tn_option_is_given(arguments, "csv"), is_json = tn_option_is_given(arguments, "json");
    if (is_csv && is_json) {
        tn_say(
            "options '--csv' and '--json' of 'sql': only one of them can be followed; see 'tenure sql "
            "--help'");
        return TN_STATUS_USAGE;
    }
    session->style.format = is_csv ? TN_ROWS_CSV : is_json ? TN_ROWS_JSON : TN_ROWS_TABLE;
    return TN_STATUS_DONE;
}

static int ask(struct tn_sql_session *session, struct tn_log *log, const struct tn_arguments *arguments)
{
    int status = tn_sql_session_open(session, log);
    if (status != TN_STATUS_DONE)
        return status;
    tn_say_unfinished(log);
    const char *query = arguments->operand_count > 1 ? arguments->operands[1] : NULL;
    if (query == NULL)
        status = tn_sql_shell(session);
    else
        status = query[0] == '.' ? tn_sql_shell_command(session, query) : tn_sql_session_run(session, query);
    if (fflush(stdout) != 0 && errno != EPIPE && status == TN_STATUS_DONE) {
        tn_say("cannot write the output: %s", strerror(errno));
        status = TN_STATUS_MACHINE;
    }
    return status;
}

static int run(const struct tn_arguments *arguments)
{
    struct tn_sql_session session = {0};
    int status = choose_format(arguments, &session);
    if (status != TN_STATUS_DONE)
        return status;
    struct tn_log *log = NULL;
    struct tn_error error;
    if (tn_open_finished(arguments->operands[0], &log, &error) < 0)
        return tn_say_error(&error);
    status = ask(&session, log, arguments);
    tn_sql_session_finish(&session);
    tn_log_close(log);
    return status;
}

static const struct tn_option options[] = {
    {0, "csv", NULL, "print CSV with a header line", NULL},
    {0, "json", NULL, "print a JSON array of objects", NULL},
};

const struct tn_command tn_command_sql = {
    .name = "sql",
    .summary = "Ask a log in SQL, the packed table `allocation` included",
    .usage = "[OPTIONS] LOG [QUERY]",
    .details =
        "Without QUERY it reads SQL from stdin, with a prompt on a terminal. The log is never changed.\n"
        "Tables and columns: QUERY may be .tables or .schema [TABLE]; see also docs/log-format.md.\n\n"
        "Example: tenure sql app.db \"SELECT function, count(*) FROM allocation GROUP BY function\"\n",
    .options = {.options = options,
                .count = sizeof(options) / sizeof(options[0]),
                .operand_min = 1,
                .operand_max = 2,
                .operands = "a LOG"},
    .usage_status = TN_STATUS_USAGE,
    .run = run,
};
