/* SPDX-License-Identifier: MIT */
/* The command `sql`: runs a query on a log, or reads statements from stdin, with a prompt on a terminal.
 * Ctrl-C interrupts a query; the log is only read. */
#include "command.h"
#include "message.h"
#include "print_rows.h"
#include "sql_functions.h"
#include "tenure/log.h"

#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct session {
    sqlite3 *database; /* borrowed from the log */
    enum tn_rows_format format;
    bool has_prompt;
};

/* The connection whose query runs now, for the signal handler; NULL: none. */
static _Atomic(sqlite3 *) running_database;
static volatile sig_atomic_t was_interrupted;

static void interrupt_query(int signal_number)
{
    (void)signal_number;
    was_interrupted = 1;
    sqlite3 *database = atomic_load(&running_database);
    if (database != NULL)
        sqlite3_interrupt(database);
}

static int say_sql_error(sqlite3 *database, int result)
{
    if (result == SQLITE_INTERRUPT) {
        tn_say("the query was interrupted");
        return TN_STATUS_NO;
    }
    tn_say("the query failed: %s", sqlite3_errmsg(database));
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

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t\r\n;")] == '\0';
}

/* Run all statements of a text, up to the first that fails. Returns the exit status. */
static int run_statements(const struct session *session, const char *sql)
{
    while (!is_blank(sql)) {
        sqlite3_stmt *statement = NULL;
        int r = sqlite3_prepare_v2(session->database, sql, -1, &statement, &sql);
        if (r == SQLITE_OK && statement == NULL)
            return TN_STATUS_DONE; /* only a comment was left */
        if (r == SQLITE_OK) {
            atomic_store(&running_database, session->database);
            r = tn_print_rows(statement, session->format, stdout);
            atomic_store(&running_database, NULL);
        }
        int status = r == SQLITE_DONE ? TN_STATUS_DONE : say_sql_error(session->database, r);
        sqlite3_finalize(statement);
        if (status != TN_STATUS_DONE)
            return status;
    }
    return TN_STATUS_DONE;
}

static int list_tables(const struct session *session)
{
    return run_statements(session,
                          "SELECT name, type FROM sqlite_schema WHERE type IN ('table', 'view') AND name "
                          "NOT LIKE 'sqlite_%' UNION SELECT 'allocation', 'virtual table' WHERE NOT EXISTS "
                          "(SELECT 1 FROM sqlite_schema WHERE name = 'allocation') ORDER BY name");
}

static int show_schema(const struct session *session, const char *name)
{
    sqlite3_stmt *statement = NULL;
    int r = sqlite3_prepare_v2(session->database,
                               "SELECT sql || ';' FROM sqlite_schema WHERE sql IS NOT NULL AND (?1 = '' OR "
                               "tbl_name = ?1) ORDER BY rowid",
                               -1, &statement, NULL);
    if (r == SQLITE_OK)
        r = sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    while (r == SQLITE_OK && (r = sqlite3_step(statement)) == SQLITE_ROW) {
        puts((const char *)sqlite3_column_text(statement, 0));
        r = SQLITE_OK;
    }
    int status = r == SQLITE_DONE ? TN_STATUS_DONE : say_sql_error(session->database, r);
    sqlite3_finalize(statement);
    return status;
}

static int set_mode(struct session *session, const char *mode)
{
    static const char *const names[] = {"table", "csv", "json"};
    for (unsigned i = 0; i < 3; i++)
        if (strcmp(mode, names[i]) == 0) {
            session->format = (enum tn_rows_format)i;
            return TN_STATUS_DONE;
        }
    tn_say("unknown mode '%s': there are table, csv and json", mode);
    return TN_STATUS_USAGE;
}

/* Run a line that begins with a dot. Returns -1 to leave, else the exit status. */
static int run_dot(struct session *session, char *line)
{
    char *save;
    const char *word = strtok_r(line, " \t\r\n", &save);
    const char *operand = strtok_r(NULL, " \t\r\n", &save);
    if (operand == NULL)
        operand = "";
    if (strcmp(word, ".quit") == 0 || strcmp(word, ".exit") == 0)
        return -1;
    if (strcmp(word, ".tables") == 0)
        return list_tables(session);
    if (strcmp(word, ".schema") == 0)
        return show_schema(session, operand);
    if (strcmp(word, ".mode") == 0)
        return set_mode(session, operand);
    if (strcmp(word, ".help") == 0) {
        puts(
            ".tables            list the tables and views\n"
            ".schema [TABLE]    how they are made, column by column\n"
            ".mode table|csv|json\n"
            ".quit              leave (or Ctrl-D)\n"
            "Anything else is SQL and ends with a semicolon. Ctrl-C interrupts a query.");
        return TN_STATUS_DONE;
    }
    tn_say("unknown command '%s'; .help lists them", word);
    return TN_STATUS_USAGE;
}

static void print_prompt(const struct session *session, bool is_continued)
{
    if (!session->has_prompt)
        return;
    fputs(is_continued ? "   ...> " : "tenure> ", stdout);
    fflush(stdout);
}

/* Take one line. Returns -1 to leave, else the exit status so far. */
static int take_line(struct session *session, struct tn_buffer *sql, char *line)
{
    if (sql->size_bytes == 0 && line[0] == '.')
        return run_dot(session, line);
    if (tn_buffer_print(sql, "%s", line) < 0) {
        tn_say("the query is too long: out of memory");
        return TN_STATUS_MACHINE;
    }
    if (is_blank((const char *)sql->data))
        sql->size_bytes = 0;
    if (sql->size_bytes == 0 || !sqlite3_complete((const char *)sql->data))
        return TN_STATUS_DONE;
    int status = run_statements(session, (const char *)sql->data);
    sql->size_bytes = 0;
    return status;
}

/* At a prompt, errors are printed and forgotten; a script ends at its first one. */
static int read_input(struct session *session)
{
    struct tn_buffer sql = {0};
    char *line = NULL;
    size_t line_bytes = 0;
    int status = TN_STATUS_DONE;
    for (;;) {
        print_prompt(session, sql.size_bytes != 0);
        was_interrupted = 0;
        if (getline(&line, &line_bytes, stdin) < 0) {
            if (!was_interrupted || !session->has_prompt)
                break;
            clearerr(stdin);
            sql.size_bytes = 0;
            putchar('\n');
            continue;
        }
        status = take_line(session, &sql, line);
        if (status == -1 || (status != TN_STATUS_DONE && !session->has_prompt))
            break;
    }
    if (status == -1 || session->has_prompt)
        status = TN_STATUS_DONE;
    /* The last statement of a script needs no semicolon. */
    if (status == TN_STATUS_DONE && !session->has_prompt && sql.size_bytes != 0)
        status = run_statements(session, (const char *)sql.data);
    free(line);
    tn_buffer_finish(&sql);
    return status;
}

static void catch_interrupts(void)
{
    /* Without SA_RESTART, so that Ctrl-C also ends the reading of a line. */
    struct sigaction action = {.sa_handler = interrupt_query};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
}

static int run(const struct tn_arguments *arguments)
{
    struct session session = {.format = TN_ROWS_TABLE};
    if (tn_option_is_given(arguments, "csv") && tn_option_is_given(arguments, "json")) {
        tn_say(
            "options '--csv' and '--json' of 'sql': only one of them can be followed; see 'tenure sql "
            "--help'");
        return TN_STATUS_USAGE;
    }
    if (tn_option_is_given(arguments, "csv"))
        session.format = TN_ROWS_CSV;
    if (tn_option_is_given(arguments, "json"))
        session.format = TN_ROWS_JSON;
    struct tn_log *log = NULL;
    struct tn_error error;
    if (tn_log_open(arguments->operands[0], &log, &error) < 0)
        return tn_say_error(&error);
    session.database = tn_log_database(log);
    tn_sql_functions_register(session.database);
    int status;
    if (arguments->operand_count > 1) {
        catch_interrupts();
        status = run_statements(&session, arguments->operands[1]);
    } else {
        session.has_prompt = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
        if (session.has_prompt)
            puts("SQL ends with a semicolon; .tables lists what there is, .help says more, Ctrl-D leaves.");
        catch_interrupts();
        status = read_input(&session);
    }
    tn_log_close(log);
    if (fflush(stdout) != 0 && errno != EPIPE && status == TN_STATUS_DONE) {
        tn_say("cannot write the output: %s", strerror(errno));
        status = TN_STATUS_MACHINE;
    }
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
        "Tables and columns: .tables and .schema at the prompt, and docs/log-format.md.\n\n"
        "Example: tenure sql LOG \"SELECT function, count(*) FROM allocation GROUP BY function\"\n",
    .options = {.options = options,
                .count = sizeof(options) / sizeof(options[0]),
                .operand_min = 1,
                .operand_max = 2,
                .operands = "a LOG"},
    .usage_status = TN_STATUS_USAGE,
    .run = run,
};
