/* SPDX-License-Identifier: MIT */
/* A table, its name and its slots are born and die together, but the slots are 64 bytes nearly always and 16 KiB
 * once: one structure for all would be mostly empty; one for the other two is not.
 *
 * expect {"kind": "combine", "sites": ["@table", "@name"], "confidence": "consistent", "evidence": {"groups":
 *         "=TABLES", "exceptions": 0}}
 * never {"kind": "combine", "sites": ["@slots"]}
 * allow {"kind": "pool"}
 * allow {"kind": "preallocate"}
 */
#include <stdlib.h>

#define TABLES 200
#define LIVE   8

struct table {
    char *slots, *name;
    char pad[40];
};

static struct table *open_table(size_t bytes)
{
    struct table *table = malloc(sizeof(*table)); /* @table */
    table->name = malloc(32);                     /* @name */
    table->slots = malloc(bytes);                 /* @slots */
    return table;
}

static void close_table(struct table *table)
{
    free(table->slots);
    free(table->name);
    free(table);
}

int main(void)
{
    static struct table *tables[LIVE];
    for (int i = 0; i < TABLES; i++) {
        if (tables[i % LIVE] != NULL)
            close_table(tables[i % LIVE]);
        tables[i % LIVE] = open_table(i == TABLES / 2 ? 16384 : 64);
    }
    for (int i = 0; i < LIVE; i++)
        close_table(tables[i]);
    return 0;
}
