/* SPDX-License-Identifier: MIT */

/* Takes the environment from libc, and from /proc/self/environ while libc has none. Called by start.c and
 * what it calls. */

#include "environment.h"

#include "sys.h"

#include "banned.h"

#define EARLY_BYTES     (256u << 10)
#define EARLY_VARIABLES 4096u

/* What the kernel has handed over. */
struct early {
    const char *variables[EARLY_VARIABLES];
    char text[EARLY_BYTES];
};

extern char **environ;

static const char *const *early_variables;

/* Once only: it is needed a few times in a row, and its pages are kept. */
static const char *const *read_early(void)
{
    static const char *const none[] = {NULL};
    if (early_variables != NULL)
        return early_variables;
    struct early *early = tn_map_pages(sizeof(*early));
    long size = early != NULL ? tn_read_file("/proc/self/environ", early->text, sizeof(early->text)) : 0;
    if (size <= 0) {
        tn_unmap_pages(early, sizeof(*early));
        return none;
    }
    size_t count = 0;
    for (long at = 0; at < size && count + 1 < EARLY_VARIABLES; at += (long)tn_length(early->text + at) + 1)
        early->variables[count++] = early->text + at;
    early_variables = early->variables;
    return early_variables;
}

const char *const *tn_environment_all(void)
{
    return environ != NULL ? (const char *const *)environ : read_early();
}

const char *tn_environment_get(const char *name)
{
    size_t length = tn_length(name);
    for (const char *const *at = tn_environment_all(); *at != NULL; at++)
        if (tn_has_prefix(*at, name) && (*at)[length] == '=')
            return *at + length + 1;
    return NULL;
}
