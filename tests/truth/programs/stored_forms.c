/* SPDX-License-Identifier: MIT */
/* Each message is written in the call that makes it, in this run: the link is up. While it is down (argument
 * "down"), each function keeps its message in a form of its own. Only the machine code of ways that did not run
 * says so. Where the block ends on every way before its function returns, nothing keeps it.
 *
 * expect {"kind": "stack-buffer", "sites": ["@table"], "confidence": "conditional", "condition": {"kind":
 *         "address-stored", "sites": ["@table_store"]}}
 * expect {"kind": "stack-buffer", "sites": ["@records"], "confidence": "conditional", "condition": {"kind":
 *         "address-stored", "sites": ["@records_store"]}}
 * expect {"kind": "stack-buffer", "sites": ["@grid"], "confidence": "conditional", "condition": {"kind":
 *         "address-stored", "sites": ["@grid_store"]}}
 * expect {"kind": "stack-buffer", "sites": ["@variable"], "confidence": "conditional", "condition": {"kind":
 *         "address-stored", "sites": ["@variable_store"]}}
 * expect {"kind": "stack-buffer", "sites": ["@either"], "confidence": "conditional", "condition": {"kind":
 *         "address-stored", "sites": ["@either_store"]}}
 * expect {"kind": "stack-buffer", "sites": ["@node"], "confidence": "conditional", "condition": {"kind":
 *         "address-stored", "sites": ["@node_store"]}}
 * expect {"kind": "stack-buffer", "sites": ["@copied"], "confidence": "conditional", "condition": {"kind":
 *         "address-stored", "sites": ["@copied_store"]}}
 * expect {"kind": "stack-buffer", "sites": ["@inside"], "confidence": "conditional", "condition": {"kind":
 *         "address-stored", "sites": ["@inside_store"]}}
 * expect {"kind": "stack-buffer", "sites": ["@environment"], "confidence": "conditional", "condition": {"kind":
 *         "address-stored", "sites": ["@environment_store"]}}
 * expect {"kind": "stack-buffer", "sites": ["@own_node"], "confidence": "consistent", "condition": null}
 * expect {"kind": "stack-buffer", "sites": ["@itself"], "confidence": "consistent", "condition": null}
 * expect {"kind": "stack-buffer", "sites": ["@local"], "confidence": "consistent", "condition": null}
 * expect {"kind": "stack-buffer", "sites": ["@current"], "confidence": "consistent", "condition": null}
 * expect {"kind": "stack-buffer", "sites": ["@slot"], "confidence": "consistent", "condition": null}
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 200

struct record {
    int kind;
    char *text;
    long when;
};

struct node {
    struct node *next;
    char *text;
};

static volatile long written;
static volatile int kept_count;
static char *volatile table[64];
static struct record records[64];
static char *volatile grid[8][16];
static char *volatile variable, *volatile other;
static struct node *volatile list;
static struct record copies[64];

__attribute__((noinline)) static void write_out(char *text)
{
    written += (long)strlen(text);
    free(text);
}

__attribute__((noinline)) static void send_table(char *text, int is_down)
{
    if (is_down)
        table[kept_count++ & 63] = text; /* @table_store */
    else
        write_out(text);
}

__attribute__((noinline)) static void send_records(char *text, int is_down)
{
    if (is_down) {
        records[kept_count & 63].text = text; /* @records_store */
        records[kept_count++ & 63].kind = 1;
    } else {
        write_out(text);
    }
}

__attribute__((noinline)) static void send_grid(char *text, int is_down)
{
    if (is_down)
        grid[kept_count & 7][kept_count & 15] = text; /* @grid_store */
    else
        write_out(text);
}

__attribute__((noinline)) static void send_variable(char *text, int is_down)
{
    if (is_down)
        variable = text; /* @variable_store */
    else
        write_out(text);
}

__attribute__((noinline)) static void send_either(char *text, int is_down)
{
    char *volatile *place = kept_count > 3 ? &variable : &other;
    if (is_down)
        *place = text; /* @either_store */
    else
        write_out(text);
}

__attribute__((noinline)) static void send_node(char *text, int is_down)
{
    if (is_down) {
        struct node *node = malloc(sizeof(*node));
        node->text = text; /* @node_store */
        node->next = list;
        list = node;
    } else {
        write_out(text);
    }
}

__attribute__((noinline)) static void send_copied(char *text, int is_down)
{
    if (is_down)
        memcpy(&copies[kept_count++ & 63].text, &text, sizeof(text)); /* @copied_store */
    else
        write_out(text);
}

__attribute__((noinline)) static void send_inside(char *text, int is_down)
{
    if (is_down)
        table[kept_count++ & 63] = text + 2; /* @inside_store */
    else
        write_out(text);
}

__attribute__((noinline)) static void send_environment(char *text, int is_down)
{
    if (is_down)
        putenv(text); /* @environment_store */
    else
        write_out(text);
}

/* The node is released in the same call, on the way that did not run, too. */
__attribute__((noinline)) static void send_own_node(char *text, int is_down)
{
    if (is_down) {
        struct node *node = malloc(sizeof(*node));
        node->text = text;
        written += (long)strlen(node->text);
        free(node);
        free(text);
    } else {
        write_out(text);
    }
}

__attribute__((noinline)) static void send_itself(char *text, int is_down)
{
    if (is_down)
        *(char **)(void *)text = text;
    write_out(text);
}

__attribute__((noinline)) static void send_local(char *text, int is_down)
{
    char *volatile parts[4] = {text, NULL, NULL, NULL};
    if (is_down)
        parts[kept_count & 3] = text;
    written += parts[kept_count & 3] != NULL;
    write_out(text);
}

/* The variable has it until it is written only. */
__attribute__((noinline)) static void send_current(char *text, int is_down)
{
    if (is_down)
        variable = text;
    write_out(text);
    variable = NULL;
}

#define FILL(text, bytes) snprintf(text, bytes, "number %ld", number)

/* So has an element of a table. */
__attribute__((noinline)) static void send_slot(char *text, int is_down)
{
    int slot = kept_count & 63;
    if (is_down)
        table[slot] = text;
    write_out(text);
    table[slot] = NULL;
}

__attribute__((noinline)) static void table_message(long number, int is_down)
{
    char *text = malloc(40); /* @table */
    FILL(text, 40);
    send_table(text, is_down);
    written++;
}

__attribute__((noinline)) static void records_message(long number, int is_down)
{
    char *text = malloc(41); /* @records */
    FILL(text, 41);
    send_records(text, is_down);
    written++;
}

__attribute__((noinline)) static void grid_message(long number, int is_down)
{
    char *text = malloc(42); /* @grid */
    FILL(text, 42);
    send_grid(text, is_down);
    written++;
}

__attribute__((noinline)) static void variable_message(long number, int is_down)
{
    char *text = malloc(43); /* @variable */
    FILL(text, 43);
    send_variable(text, is_down);
    written++;
}

__attribute__((noinline)) static void either_message(long number, int is_down)
{
    char *text = malloc(44); /* @either */
    FILL(text, 44);
    send_either(text, is_down);
    written++;
}

__attribute__((noinline)) static void node_message(long number, int is_down)
{
    char *text = malloc(45); /* @node */
    FILL(text, 45);
    send_node(text, is_down);
    written++;
}

__attribute__((noinline)) static void copied_message(long number, int is_down)
{
    char *text = malloc(46); /* @copied */
    FILL(text, 46);
    send_copied(text, is_down);
    written++;
}

__attribute__((noinline)) static void inside_message(long number, int is_down)
{
    char *text = malloc(47); /* @inside */
    FILL(text, 47);
    send_inside(text, is_down);
    written++;
}

__attribute__((noinline)) static void environment_message(long number, int is_down)
{
    char *text = malloc(48); /* @environment */
    FILL(text, 48);
    send_environment(text, is_down);
    written++;
}

__attribute__((noinline)) static void own_node_message(long number, int is_down)
{
    char *text = malloc(49); /* @own_node */
    FILL(text, 49);
    send_own_node(text, is_down);
    written++;
}

__attribute__((noinline)) static void itself_message(long number, int is_down)
{
    char *text = malloc(50); /* @itself */
    FILL(text, 50);
    send_itself(text, is_down);
    written++;
}

__attribute__((noinline)) static void local_message(long number, int is_down)
{
    char *text = malloc(51); /* @local */
    FILL(text, 51);
    send_local(text, is_down);
    written++;
}

__attribute__((noinline)) static void current_message(long number, int is_down)
{
    char *text = malloc(52); /* @current */
    FILL(text, 52);
    send_current(text, is_down);
    written++;
}

__attribute__((noinline)) static void slot_message(long number, int is_down)
{
    char *text = malloc(53); /* @slot */
    FILL(text, 53);
    send_slot(text, is_down);
    written++;
}

int main(int argc, char **argv)
{
    int is_down = argc > 1 && strcmp(argv[1], "down") == 0;
    for (long i = 0; i < ROUNDS; i++) {
        table_message(i, is_down);
        records_message(i, is_down);
        grid_message(i, is_down);
        variable_message(i, is_down);
        either_message(i, is_down);
        node_message(i, is_down);
        copied_message(i, is_down);
        inside_message(i, is_down);
        environment_message(i, is_down);
        own_node_message(i, is_down);
        itself_message(i, is_down);
        local_message(i, is_down);
        current_message(i, is_down);
        slot_message(i, is_down);
    }
    return written == 0 && records[0].text == copies[0].text;
}
