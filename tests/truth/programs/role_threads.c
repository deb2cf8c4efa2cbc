/* SPDX-License-Identifier: MIT */
/* Three threads call the same functions. What the first makes is kept to the end; what the two others make, one after
 * the other, lies in a ring. Only where the stacks begin are they told apart: the first one is a thread of its own, the
 * others began with one function. Notes that all make for one ring are not told apart. A buffer of a function that all
 * call is that function's, whoever calls.
 *
 * expect {"kind": "permanent", "sites": ["@block"], "roles": [["@block", 0, "one thread"]], "evidence": {"count":
 *         "=KEPT", "max_size_bytes": "=BLOCK_BYTES"}}
 * expect {"kind": "pool", "sites": ["@block"], "roles": [["@block", 0]], "confidence": "consistent", "evidence":
 *         {"block_bytes": "=BLOCK_BYTES", "block_count": "=RING + 1", "allocations": "=CALLS"}}
 * expect {"kind": "pool", "sites": ["@note"], "confidence": "consistent", "evidence": {"block_bytes": "=NOTE_BYTES",
 *         "block_count": "=NOTES", "allocations": "=CALLS + KEPT"}}
 * expect {"kind": "stack-buffer", "sites": ["@text"], "confidence": "consistent", "evidence": {"instances":
 *         "=CALLS + KEPT", "owner": {"function": "handle"}}}
 */
#include <pthread.h>
#include <stdlib.h>

#define KEPT        60
#define CALLS       2000
#define RING        6
#define NOTES       17
#define BLOCK_BYTES 88
#define NOTE_BYTES  72
#define TEXT_BYTES  40

static char *kept[KEPT], *ring[RING], *notes[NOTES];
static volatile int total;

__attribute__((noinline)) static char *make(int id)
{
    char *block = malloc(BLOCK_BYTES); /* @block */
    block[0] = (char)id;
    return block;
}

__attribute__((noinline)) static char *prepare(int id)
{
    char *block = make(id);
    total++;
    return block;
}

__attribute__((noinline)) static void note(int id)
{
    free(notes[id % NOTES]);
    notes[id % NOTES] = malloc(NOTE_BYTES); /* @note */
    total++;
}

__attribute__((noinline)) static char *print(int id)
{
    char *text = malloc(TEXT_BYTES); /* @text */
    text[0] = (char)id;
    return text;
}

__attribute__((noinline)) static void handle(int id, char **place)
{
    char *text = print(id);
    char *old = *place;
    *place = prepare(id);
    note(id);
    total += text[0];
    free(old);
    free(text);
    total++;
}

__attribute__((noinline)) static void *watch(void *unused)
{
    for (int i = 0; i < CALLS / 2; i++)
        handle(i, &ring[i % RING]);
    return unused;
}

int main(void)
{
    pthread_t watcher;
    for (int i = 0; i < KEPT; i++)
        handle(i, &kept[i]);
    for (int i = 0; i < 2; i++) {
        if (pthread_create(&watcher, NULL, watch, NULL) != 0)
            return 1;
        pthread_join(watcher, NULL);
    }
    for (int i = 0; i < RING; i++)
        free(ring[i]);
    for (int i = 0; i < NOTES; i++)
        free(notes[i]);
    return total == 1;
}
