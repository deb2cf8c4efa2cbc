/* SPDX-License-Identifier: MIT */
/* The prompt of `tenure sql`, and scripts on its stdin; see sql_shell.h. A dot-command is one line in a table
 * and one function. Called by cmd_sql.c. */
#include "sql_shell.h"

#include "command.h"
#include "line_editor.h"
#include "message.h"
#include "sql_words.h"

#include "tenure/log.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STATUS_LEAVE (-1)

/* A dot-command. Returns STATUS_LEAVE or an exit status. operand: "" if there is none. */
struct dot_command {
    const char *name;
    const char *operand; /* its name in the help */
    const char *help;
    int (*run)(struct tn_sql_session *session, const char *operand);
};

/* ---------------------------------------------------------------------------------------- commands */

/* Run a query of ours, with the operand as ?1 where it has one: quoted into it, because it is run as any
 * other. */
static int run_with(struct tn_sql_session *session, const char *format, const char *operand)
{
    char *sql = sqlite3_mprintf(format, operand, operand);
    if (sql == NULL) {
        tn_say("the query failed: out of memory");
        return TN_STATUS_MACHINE;
    }
    int status = tn_sql_session_run(session, sql);
    sqlite3_free(sql);
    return status;
}

static int list_tables(struct tn_sql_session *session, const char *operand)
{
    return run_with(
        session,
        "SELECT name, CASE WHEN name = 'allocation' AND kind = 'temporary view' THEN 'packed' ELSE kind"
        " END AS kind FROM (SELECT name, type AS kind FROM sqlite_schema UNION ALL"
        " SELECT name, 'temporary ' || type FROM sqlite_temp_schema UNION ALL VALUES"
        " ('allocation_of(NAME)', 'function'), ('mark_ns(MARK)', 'function'), ('print_bytes(SIZE)', "
        "'function'),"
        " ('stack_below(FUNCTION)', 'function'))"
        " WHERE kind NOT LIKE '%%index' AND name NOT LIKE 'sqlite_%%' AND (%Q = '' OR name LIKE %Q)"
        " ORDER BY name",
        operand);
}

static int print_schema(struct tn_sql_session *session, const char *name, int *ret_count)
{
    sqlite3_stmt *statement = NULL;
    int r = sqlite3_prepare_v2(session->database,
                               "SELECT sql || ';' FROM (SELECT rowid AS n, 1 AS place, * FROM sqlite_schema"
                               " UNION ALL SELECT rowid, 2, * FROM sqlite_temp_schema)"
                               " WHERE sql IS NOT NULL AND (?1 = '' OR tbl_name = ?1)"
                               " AND NOT (place = 2 AND name = 'allocation') ORDER BY place, n",
                               -1, &statement, NULL);
    if (r == SQLITE_OK)
        r = sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    while (r == SQLITE_OK && (r = sqlite3_step(statement)) == SQLITE_ROW) {
        puts((const char *)sqlite3_column_text(statement, 0));
        ++*ret_count;
        r = SQLITE_OK;
    }
    sqlite3_finalize(statement);
    return r == SQLITE_DONE ? SQLITE_OK : r;
}

/* What takes arguments stands in no schema. Returns whether it is that. */
static bool show_function(const char *name)
{
    static const struct {
        const char *name, *text;
    } functions[] = {
        {"allocation_of",
         "-- allocation of the log that is attached as NAME, with the same columns\n"
         "-- SELECT count(*) FROM allocation_of('two');"},
        {"stack_below",
         "-- a table with the column stack_id: all stacks that pass a function\n"
         "-- SELECT count(*) FROM stack_below('main');  in which * and ? stand for any letters\n"
         "-- SELECT count(*) FROM stack_below('main', 'two');  of an attached log"},
        {"mark_ns",
         "-- a function: when the mark was set, ns since the log's start; an error if there is none\n"
         "-- SELECT count(*) FROM allocation WHERE birth_ns > (SELECT mark_ns('main entered'));\n"
         "-- mark_ns('main entered', 2) is that of process 2"},
        {"print_bytes",
         "-- a function: a size as the reports print it; print_count and print_duration (ns) alike\n"
         "-- SELECT print_bytes(sum(size_bytes)) FROM allocation;"},
    };
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
        if (strcmp(name, functions[i].name) == 0) {
            puts(functions[i].text);
            return true;
        }
    return false;
}

/* A packed log shows `allocation` as one with rows would, with what each column means. */
static int show_schema(struct tn_sql_session *session, const char *name)
{
    int count = 0;
    if (show_function(name))
        return TN_STATUS_DONE;
    int r = print_schema(session, name, &count);
    bool is_asked = name[0] == '\0' || strcmp(name, "allocation") == 0;
    if (r == SQLITE_OK && is_asked &&
        sqlite3_table_column_metadata(session->database, "main", "allocation_row", NULL, NULL, NULL, NULL,
                                      NULL, NULL) != SQLITE_OK) {
        printf("-- packed in chunk, and shown as if this were there:\n%s", tn_log_allocation_schema);
        count++;
    }
    if (r != SQLITE_OK)
        tn_say("cannot show the schema: %s", sqlite3_errmsg(session->database));
    else if (count == 0)
        tn_say("there is no table or view '%s'; .tables lists them", name);
    return r == SQLITE_OK && count != 0 ? TN_STATUS_DONE : TN_STATUS_USAGE;
}

static int set_mode(struct tn_sql_session *session, const char *mode)
{
    static const char *const names[] = {"table", "csv", "json"};
    for (unsigned i = 0; i < 3; i++)
        if (strcmp(mode, names[i]) == 0) {
            session->style.format = (enum tn_rows_format)i;
            return TN_STATUS_DONE;
        }
    tn_say("unknown mode '%s': there are table, csv and json", mode);
    return TN_STATUS_USAGE;
}

static int set_headers(struct tn_sql_session *session, const char *state)
{
    if (strcmp(state, "on") != 0 && strcmp(state, "off") != 0) {
        tn_say(".headers takes on or off, not '%s'", state);
        return TN_STATUS_USAGE;
    }
    session->style.has_no_header = strcmp(state, "off") == 0;
    return TN_STATUS_DONE;
}

static int set_once(struct tn_sql_session *session, const char *path)
{
    if (path[0] != '\0')
        return tn_sql_session_once(session, path);
    tn_say(".once needs the name of a file: the rows of the next statement go there; write .once FILE");
    return TN_STATUS_USAGE;
}

static int leave(struct tn_sql_session *session, const char *operand)
{
    (void)session, (void)operand;
    return STATUS_LEAVE;
}

static int show_help(struct tn_sql_session *session, const char *operand);

static const struct dot_command commands[] = {
    {".tables", "[PATTERN]", "list the tables and views", list_tables},
    {".schema", "[TABLE]", "how they are made, column by column; of a function, how it is called",
     show_schema},
    {".mode", "table|csv|json", "how rows are printed", set_mode},
    {".headers", "on|off", "whether tables and CSV begin with the names of the columns", set_headers},
    {".once", "FILE", "write the rows of the next statement to FILE", set_once},
    {".help", "", "this list", show_help},
    {".quit", "", "leave (or Ctrl-D)", leave},
    {".exit", "", "leave", leave},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static int show_help(struct tn_sql_session *session, const char *operand)
{
    (void)session, (void)operand;
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        printf("%-8s %-15s %s\n", commands[i].name, commands[i].operand, commands[i].help);
    puts("Anything else is SQL and ends with a semicolon. Ctrl-C ends a query.");
    return TN_STATUS_DONE;
}

/* Run a line that begins with a dot. */
static int run_dot(struct tn_sql_session *session, char *line)
{
    char *save;
    const char *word = strtok_r(line, " \t\r\n", &save);
    const char *operand = strtok_r(NULL, " \t\r\n;", &save); /* who types SQL ends it with a semicolon */
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(word, commands[i].name) == 0)
            return commands[i].run(session, operand != NULL ? operand : "");
    const char *nearest = tn_nearest_word(word, &commands[0].name, COMMAND_COUNT, sizeof(commands[0]));
    if (nearest != NULL)
        tn_say("unknown command '%s': did you mean '%s'?", word, nearest);
    else
        tn_say("unknown command '%s'; .help lists them", word);
    return TN_STATUS_USAGE;
}

/* ---------------------------------------------------------------------------------------- lines */

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t\r\n;")] == '\0';
}

/* Take one line. Returns STATUS_LEAVE, or the exit status so far. */
static int take_line(struct tn_sql_session *session, struct tn_buffer *sql, char *line)
{
    if (sql->size_bytes == 0 && line[0] == '.')
        return run_dot(session, line);
    if (tn_buffer_print(sql, "%s\n", line) < 0) {
        tn_say("the query is too long: out of memory");
        return TN_STATUS_MACHINE;
    }
    if (is_blank((const char *)sql->data))
        sql->size_bytes = 0;
    if (sql->size_bytes == 0 || !sqlite3_complete((const char *)sql->data))
        return TN_STATUS_DONE;
    int status = tn_sql_session_run(session, (const char *)sql->data);
    sql->size_bytes = 0;
    return status;
}

static int read_script(struct tn_sql_session *session)
{
    struct tn_buffer sql = {0};
    char *line = NULL;
    size_t line_bytes = 0;
    int status = TN_STATUS_DONE;
    ssize_t length;
    unsigned long line_count = 0;
    while (status == TN_STATUS_DONE && (length = getline(&line, &line_bytes, stdin)) >= 0) {
        line_count++;
        if (length > 0 && line[length - 1] == '\n')
            line[length - 1] = '\0';
        status = take_line(session, &sql, line);
    }
    /* The last statement needs no semicolon. */
    if (status == TN_STATUS_DONE && sql.size_bytes != 0)
        status = tn_sql_session_run(session, (const char *)sql.data);
    free(line);
    tn_buffer_finish(&sql);
    if (status == STATUS_LEAVE)
        return TN_STATUS_DONE;
    if (status != TN_STATUS_DONE && line_count > 1)
        tn_say("stopped at line %lu of the script: nothing behind it was run", line_count);
    return status;
}

static int read_line(struct tn_sql_session *session, struct tn_buffer *sql)
{
    char *line = NULL;
    const char *prompt = sql->size_bytes != 0 ? "   ...> " : "tenure> ";
    int r = tn_line_editor_read(prompt, tn_sql_session_was_interrupted, &line);
    if (r == -EINTR) {
        sql->size_bytes = 0;
        return TN_STATUS_DONE;
    }
    if (r != 1)
        return STATUS_LEAVE;
    if (!is_blank(line))
        tn_line_editor_remember(line);
    int status = take_line(session, sql, line);
    free(line);
    tn_sql_session_was_interrupted(); /* that ended the query */
    return status == STATUS_LEAVE ? STATUS_LEAVE : TN_STATUS_DONE;
}

static int read_prompt(struct tn_sql_session *session)
{
    struct tn_sql_words words = {0};
    struct tn_buffer sql = {0};
    puts("SQL ends with a semicolon; .tables lists what there is, .help says more, Ctrl-D leaves.");
    tn_sql_words_load(&words, session->database, ~0u);
    tn_line_editor_complete(words.words, words.count);
    tn_line_editor_begin();
    while (read_line(session, &sql) != STATUS_LEAVE)
        fflush(stdout);
    tn_line_editor_end();
    tn_line_editor_complete(NULL, 0);
    tn_sql_words_finish(&words);
    tn_buffer_finish(&sql);
    return TN_STATUS_DONE;
}

int tn_sql_shell_command(struct tn_sql_session *session, const char *line)
{
    char *copy = strdup(line);
    if (copy == NULL) {
        tn_say("cannot run '%s': out of memory", line);
        return TN_STATUS_MACHINE;
    }
    int status = run_dot(session, copy);
    free(copy);
    return status == STATUS_LEAVE ? TN_STATUS_DONE : status;
}

int tn_sql_shell(struct tn_sql_session *session)
{
    bool has_prompt = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    return has_prompt ? read_prompt(session) : read_script(session);
}
