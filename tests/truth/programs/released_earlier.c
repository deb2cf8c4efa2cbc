/* SPDX-License-Identifier: MIT */
/* Blocks that live until the program ends. What releases the cache then is also called, through another function, by
 * one that runs all the time and found nothing to clear in this run; what releases the plan, by a line of the loop
 * itself that this run did not come to. The names are released at the end only: the other caller of what releases them
 * is called by nobody; and a loop at the end releases the rows. What releases the settings is called by one that runs
 * all the time, too, but ends the program. Of two small blocks, one may be released earlier. A function that makes a
 * block, and releases it where it cannot go on, is none that runs.
 *
 * expect {"kind": "permanent", "sites": ["@cache"], "confidence": "conditional", "condition": {"kind":
 *         "released-earlier", "sites": ["@idle"]}}
 * expect {"kind": "permanent", "sites": ["@plan"], "confidence": "conditional", "condition": {"kind":
 *         "released-earlier", "sites": ["@again"]}}
 * expect {"kind": "permanent", "sites": ["@names"], "confidence": "conditional", "condition": {"kind": "released",
 *         "sites": ["@drop"]}}
 * expect {"kind": "permanent", "sites": ["@rows"], "confidence": "conditional", "condition": {"kind": "released",
 *         "sites": ["@row"]}}
 * expect {"kind": "permanent", "sites": ["@settings"], "confidence": "conditional", "condition": {"kind": "released",
 *         "sites": ["@drop_settings"]}}
 * expect {"kind": "permanent", "sites": ["@mark", "@note"], "confidence": "conditional", "condition": {"kind":
 *         "released", "sites": ["@free_note", "@free_mark", "@drop_note"], "text": "never releases those of start"}}
 * allow {"kind": "stack-buffer", "sites": ["@line"]}
 * allow {"kind": "pool", "sites": ["@line"]}
 */
#include <stdlib.h>

#define ROUNDS        100
#define CACHE_SIZE    3000
#define PLAN_SIZE     2500
#define NAMES_SIZE    2000
#define ROW_SIZE      1500
#define ROWS          3
#define SETTINGS_SIZE 2200

static char *cache, *plan, *names, *settings, *mark, *note, *rows[ROWS];
static volatile int total, is_full, is_old, is_bad;

__attribute__((noinline)) static void drop_cache(void)
{
    free(cache);
    cache = NULL;
    total++;
}

__attribute__((noinline)) static void drop_plan(void)
{
    free(plan);
    plan = NULL;
    total++;
}

__attribute__((noinline)) static void drop_names(void)
{
    free(names); /* @drop */
    names = NULL;
    total++;
}

/* Nobody calls it; not static, so that it stays. */
void reset(void);

__attribute__((noinline)) void reset(void)
{
    drop_names();
    total = 0;
}

__attribute__((noinline)) static void clear_cache(void)
{
    if (is_full)
        drop_cache();
    total++;
}

__attribute__((noinline)) static void drop_note_now(void)
{
    free(note); /* @free_note */
    note = NULL;
    total++;
}

__attribute__((noinline)) static void drop_all(void)
{
    free(settings); /* @drop_settings */
    total++;
}

__attribute__((noinline, noreturn)) static void leave(void)
{
    drop_all();
    exit(total == 1);
}

__attribute__((noinline)) static void on_idle(int i)
{
    if (is_bad)
        leave();
    if (is_old)
        drop_note_now();     /* @drop_note */
    char *line = malloc(40); /* @line */
    line[0] = (char)i;
    total += line[0];
    free(line);
    if (i % 10 == 0)
        clear_cache(); /* @idle */
    total++;
}

__attribute__((noinline)) static void start(void)
{
    cache = malloc(CACHE_SIZE); /* @cache */
    plan = malloc(PLAN_SIZE);   /* @plan */
    names = malloc(NAMES_SIZE); /* @names */
    for (int i = 0; i < ROWS; i++)
        rows[i] = malloc(ROW_SIZE); /* @rows */
    if (names == NULL)
        drop_names();
    settings = malloc(SETTINGS_SIZE); /* @settings */
    mark = malloc(20);                /* @mark */
    note = malloc(30);                /* @note */
    mark[0] = cache[0] = plan[0] = names[0] = settings[0] = note[0] = 1;
}

__attribute__((noinline)) static void drop_rows(void)
{
    for (int i = 0; i < ROWS; i++)
        free(rows[i]); /* @row */
    total++;
}

int main(void)
{
    start();
    for (int i = 0; i < ROUNDS; i++) {
        on_idle(i);
        if (is_old)
            drop_plan(); /* @again */
    }
    drop_rows();
    drop_names();
    drop_plan();
    drop_cache();
    drop_note_now();
    free(mark); /* @free_mark */
    leave();
}
