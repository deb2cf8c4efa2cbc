/* SPDX-License-Identifier: MIT */
/* A text is copied, and at once made longer by a realloc at another line, which keeps it in a list: only one of the
 * copies lives at a time, but they go on as blocks of that line. Near miss: a packet that is made at one line and
 * grows at another as well, but is released before the next one is made: one buffer, if it has a limit.
 *
 * never {"kind": "preallocate", "sites": ["@copy"]}
 * expect {"kind": "preallocate", "sites": ["@packet"], "confidence": "conditional", "condition": {"kind": "resized",
 *         "sites": ["@grow"]}, "evidence": {"count": 1, "allocations": "=ROUNDS"}}
 * allow {"kind": "preallocate", "sites": ["@grow"]}
 * allow {"kind": "growth"}
 * allow {"kind": "pool"}
 * allow {"kind": "overhead"}
 * allow {"kind": "fixed-maximum"}
 * allow {"kind": "permanent"}
 */
#include <stdlib.h>
#include <string.h>

#define ROUNDS 400

static char *texts[ROUNDS];
static char *packet;

__attribute__((noinline)) static char *copy(const char *text)
{
    char *block = malloc(20); /* @copy */
    return strcpy(block, text);
}

__attribute__((noinline)) static void keep(int round)
{
    char *block = copy("some text");
    texts[round] = realloc(block, 60); /* @longer */
    strcat(texts[round], " and more of it");
}

__attribute__((noinline)) static void begin_packet(void)
{
    packet = malloc(24); /* @packet */
    packet[0] = 1;
}

__attribute__((noinline)) static void fill_packet(void)
{
    packet = realloc(packet, 200); /* @grow */
    packet[100] = 2;
}

__attribute__((noinline)) static void end_packet(void)
{
    free(packet);
    packet = NULL;
}

int main(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        keep(round);
        begin_packet();
        fill_packet();
        end_packet();
    }
    for (int round = 0; round < ROUNDS; round++)
        free(texts[round]);
    return 0;
}
