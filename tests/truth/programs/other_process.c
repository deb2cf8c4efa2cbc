/* SPDX-License-Identifier: MIT */
/* A child does the same work as its parent, and more: it keeps a draft that the parent always drops, and reads its
 * settings once more, for which it releases the old ones. What the child shows, the parent could have done.
 *
 * never {"kind": "stack-buffer", "sites": ["@draft"]}
 * never {"kind": "permanent", "sites": ["@settings"]}
 * expect {"kind": "stack-buffer", "sites": ["@line"], "confidence": "consistent", "evidence": {"buffer_bytes": 48}}
 * expect {"kind": "permanent", "sites": ["@table"], "confidence": "conditional", "condition": {"kind": "unreleased",
 *         "sites": ["@table"], "text": "no second one is ever made"}, "evidence": {"count": 1, "total_bytes": 3000}}
 */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALLS       300
#define CHILD_CALLS 60

static char *kept[CHILD_CALLS];
static char *settings, *table;
static volatile int total;

__attribute__((noinline)) static void read_settings(void)
{
    free(settings);
    settings = malloc(900); /* @settings */
    settings[0] = 1;
}

__attribute__((noinline)) static void work(int i, int keeps)
{
    char *draft = malloc(64); /* @draft */
    draft[0] = (char)i;
    if (keeps)
        kept[i] = draft;
    else
        free(draft);
    total++;
}

__attribute__((noinline)) static void print_line(int i)
{
    char *line = malloc(48); /* @line */
    line[0] = (char)i;
    total += line[0];
    free(line);
    total++;
}

int main(void)
{
    pid_t child = fork();
    read_settings();
    table = malloc(3000); /* @table */
    table[0] = 1;
    for (int i = 0; i < (child ? CALLS : CHILD_CALLS); i++) {
        work(i, child == 0 && i % 2);
        print_line(i);
        if (child == 0 && i == 20)
            read_settings();
    }
    if (child)
        waitpid(child, NULL, 0);
    return total == 1;
}
