/* SPDX-License-Identifier: MIT */
/* Near miss: most answers end before their session, but one in five is kept in a table and outlives it.
 *
 * never {"kind": "combine", "sites": ["@session"]}
 * never {"kind": "combine", "sites": ["@answer"]}
 * expect {"kind": "pool", "sites": ["@answer"], "evidence": {"block_bytes": "=ANSWER_BYTES", "block_count":
 *         "=KEPT + 1"}}
 * allow {"kind": "preallocate", "sites": ["@session"]}
 */
#include <stdlib.h>

#define SESSIONS      300
#define KEPT          9
#define SESSION_BYTES 120
#define ANSWER_BYTES  56

static char *session, *answer;
static char *kept[KEPT];

static void end(void)
{
    free(answer);
    free(session);
    answer = session = NULL;
}

static void begin(int i)
{
    session = malloc(SESSION_BYTES); /* @session */
    answer = malloc(ANSWER_BYTES);   /* @answer */
    if (i % 5 != 0)
        return;
    free(kept[i / 5 % KEPT]);
    kept[i / 5 % KEPT] = answer;
    answer = NULL;
}

int main(void)
{
    atexit(end);
    for (int i = 0; i < SESSIONS; i++) {
        end();
        begin(i);
    }
    return 0;
}
