/* SPDX-License-Identifier: MIT */
/* A server with every lifetime of a plan: settings that it reads once; connections and, of another kind, sessions, each
 * with a part of its own; requests that make some blocks and release them; a text that one function makes and releases.
 * Near misses: a table that is replaced once is no block of the whole process; a request's note that is kept belongs to
 * no request; and connections are not sessions, though the same request makes both.
 *
 * lives {"kind": "process", "mechanism": "static", "sites": ["@setting", "@value"], "count": "=2 * SETTINGS"}
 * lives {"kind": "object", "mechanism": "pool", "begin": "@connection", "end": "@disconnect", "sites":
 *        ["@connection", "@buffer"], "count": "=CONNECTIONS", "at_once": "=AT_ONCE"}
 * lives {"kind": "object", "mechanism": "pool", "begin": "@session", "end": "@leave", "sites": ["@session", "@key"],
 *        "count": "=SESSIONS", "at_once": "=SESSIONS_AT_ONCE"}
 * lives {"kind": "object", "begin": "@note", "end": null, "sites": ["@note"], "count": "=NOTES"}
 * lives {"kind": "object", "mechanism": "pool", "begin": "@table", "sites": ["@table"], "count": 2, "at_once": 2}
 * lives {"kind": "transaction", "mechanism": "arena", "function": "handle", "sites": ["@header", "@body", "@answer"],
 *        "count": "=REQUESTS", "at_once": 1, "allocations": "=REQUESTS * 5"}
 * lives {"kind": "temporary", "mechanism": "stack", "sites": ["@text"], "count": "=REQUESTS"}
 * allow {"kind": "stack-buffer", "sites": ["@header"]}
 * allow {"kind": "stack-buffer", "sites": ["@body"]}
 * allow {"kind": "stack-buffer", "sites": ["@answer"]}
 * allow {"kind": "stack-buffer", "sites": ["@text"]}
 * allow {"kind": "arena", "sites": ["@header", "@body", "@answer"]}
 * allow {"kind": "permanent", "sites": ["@setting"]}
 * allow {"kind": "permanent", "sites": ["@value"]}
 * allow {"kind": "permanent", "sites": ["@setting", "@value"]}
 * allow {"kind": "combine", "sites": ["@setting", "@value"]}
 * allow {"kind": "combine", "sites": ["@connection", "@buffer"]}
 * allow {"kind": "combine", "sites": ["@session", "@key"]}
 * allow {"kind": "overhead", "sites": ["@note"]}
 * allow {"kind": "overhead", "sites": ["@connection"]}
 * allow {"kind": "overhead", "sites": ["@setting"]}
 * allow {"kind": "fixed-maximum", "sites": ["@value"]}
 * allow {"kind": "fixed-maximum", "sites": ["@body"]}
 * allow {"kind": "growth", "sites": ["@note"]}
 * allow {"kind": "pool", "sites": ["@note"]}
 * allow {"kind": "preallocate", "sites": ["@text"]}
 */
#include <stdlib.h>
#include <string.h>

#define SETTINGS         30
#define REQUESTS         600
#define AT_ONCE          8
#define CONNECTIONS      150 /* of every fourth request */
#define SESSIONS         60  /* of every tenth request */
#define SESSIONS_AT_ONCE 5
#define NOTES            60 /* of every tenth request */
#define TABLE_BYTES      300

struct setting {
    struct setting *next;
    char *value;
};

struct connection {
    char *buffer;
    long number;
};

struct session {
    long number, user, rights;
    char *key;
};

static struct setting *settings;
static struct connection *connections[AT_ONCE];
static struct session *sessions[SESSIONS_AT_ONCE];
static char *notes[NOTES], *table;
static unsigned connection_count, session_count, note_count;

static void read_settings(void)
{
    for (int i = 0; i < SETTINGS; i++) {
        struct setting *setting = malloc(sizeof(*setting)); /* @setting */
        setting->value = malloc(20 + i);                    /* @value */
        setting->value[0] = (char)i;
        setting->next = settings;
        settings = setting;
    }
}

__attribute__((noinline)) static void make_table(void)
{
    char *made = malloc(TABLE_BYTES); /* @table */
    memset(made, 1, TABLE_BYTES);
    free(table);
    table = made;
}

__attribute__((noinline)) static void end_connection(struct connection *connection)
{
    if (connection == NULL)
        return;
    free(connection->buffer);
    free(connection); /* @disconnect */
}

__attribute__((noinline)) static void begin_connection(void)
{
    end_connection(connections[connection_count % AT_ONCE]);
    struct connection *connection = malloc(sizeof(*connection)); /* @connection */
    connection->buffer = malloc(200);                            /* @buffer */
    connection->number = connection_count;
    connections[connection_count++ % AT_ONCE] = connection;
}

__attribute__((noinline)) static void end_session(struct session *session)
{
    if (session == NULL)
        return;
    free(session->key);
    free(session); /* @leave */
}

__attribute__((noinline)) static void begin_session(void)
{
    end_session(sessions[session_count % SESSIONS_AT_ONCE]);
    struct session *session = malloc(sizeof(*session)); /* @session */
    session->key = malloc(64);                          /* @key */
    session->number = session_count;
    sessions[session_count++ % SESSIONS_AT_ONCE] = session;
}

__attribute__((noinline)) static char *make_header(int number)
{
    char *header = malloc(48); /* @header */
    header[0] = (char)number;
    return header;
}

__attribute__((noinline)) static char *make_body(int number)
{
    char *body = malloc(100 + (size_t)number % 50); /* @body */
    body[0] = (char)number;
    return body;
}

__attribute__((noinline)) static char *make_answer(const char *header, const char *body)
{
    char *answer = malloc(80); /* @answer */
    answer[0] = (char)(header[0] + body[0]);
    return answer;
}

__attribute__((noinline)) static void keep_note(int number)
{
    char *note = malloc(16); /* @note */
    note[0] = (char)number;
    notes[note_count++] = note;
}

__attribute__((noinline)) static int handle(int number)
{
    char *header = make_header(number), *other = make_header(number + 1);
    char *body = make_body(number), *part = make_body(number + 1);
    char *answer = make_answer(header, body);
    int sum = answer[0] + other[0] + part[0];
    if (number % 10 == 0)
        keep_note(number);
    if (number % 10 == 0)
        begin_session();
    if (number % 4 == 0)
        begin_connection();
    free(answer);
    free(part);
    free(body);
    free(other);
    free(header);
    return sum;
}

__attribute__((noinline)) static int log_text(int number)
{
    char *text = malloc(120); /* @text */
    text[0] = (char)number;
    int sum = text[0];
    free(text);
    return sum;
}

int main(void)
{
    int sum = 0;
    read_settings();
    for (int i = 0; i < REQUESTS; i++) {
        if (i % (REQUESTS / 2) == 0)
            make_table();
        sum += handle(i) + log_text(i);
    }
    return sum == 1;
}
