/* SPDX-License-Identifier: MIT */
/* Near miss: one configuration at a time, but made anew at every reload: neither permanent nor a leak.
 *
 * never {"kind": "permanent", "sites": ["@configuration"]}
 * never {"kind": "growth", "sites": ["@configuration"]}
 * never {"kind": "stack-buffer", "sites": ["@configuration"]}
 * expect {"kind": "pool", "sites": ["@configuration"], "evidence": {"block_bytes": "=CONFIGURATION_BYTES",
 *         "block_count": 2}}
 * expect {"kind": "stack-buffer", "sites": ["@line"], "evidence": {"buffer_bytes": "=LINE_BYTES", "owner":
 *         {"function": "work"}, "frames_down": 0, "instances": "=RELOADS * CALLS", "exceptions": 0}}
 */
#include <stdlib.h>

#define RELOADS             150
#define CALLS               20
#define CONFIGURATION_BYTES 320
#define LINE_BYTES          48

static char *configuration;

static void reload(void)
{
    char *next = malloc(CONFIGURATION_BYTES); /* @configuration */
    next[0] = 1;
    free(configuration);
    configuration = next;
}

static void work(void)
{
    char *line = malloc(LINE_BYTES); /* @line */
    line[0] = configuration[0];
    free(line);
}

int main(void)
{
    for (int i = 0; i < RELOADS; i++) {
        reload();
        for (int call = 0; call < CALLS; call++)
            work();
    }
    return 0;
}
