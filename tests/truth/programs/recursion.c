/* SPDX-License-Identifier: MIT */
/* Each level of a recursion has a buffer of its own. What a level returns is released by the level above it.
 *
 * expect {"kind": "stack-buffer", "sites": ["@own"], "confidence": "consistent", "evidence":
 *         {"buffer_bytes": "=OWN_BYTES", "owner": {"function": "descend"}, "frames_down": 0, "instances":
 *         "=ROUNDS * LEVELS", "exceptions": 0}}
 * expect {"kind": "stack-buffer", "sites": ["@result"], "confidence": "consistent", "evidence":
 *         {"buffer_bytes": "=RESULT_BYTES", "owner": {"function": "descend"}, "frames_down": 1,
 *         "instances": "=ROUNDS * (LEVELS - 1)", "exceptions": 0}}
 */
#include <stdlib.h>

#define ROUNDS       40
#define LEVELS       12
#define OWN_BYTES    48
#define RESULT_BYTES 28

static char *descend(int level)
{
    char *own = malloc(OWN_BYTES); /* @own */
    own[0] = (char)level;
    if (level < LEVELS) {
        char *below = descend(level + 1);
        own[0] = below[0];
        free(below);
    }
    char *result = NULL;
    if (level > 1) {
        result = malloc(RESULT_BYTES); /* @result */
        result[0] = own[0];
    }
    free(own);
    return result;
}

int main(void)
{
    for (int i = 0; i < ROUNDS; i++)
        descend(1);
    return 0;
}
