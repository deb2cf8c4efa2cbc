/* SPDX-License-Identifier: MIT */
/* Built with optimisation: no frame pointers, a helper inlined into the owner, the owner a function of its
 * own.
 *
 * expect {"kind": "stack-buffer", "sites": ["@packet"], "confidence": "consistent", "evidence":
 *         {"buffer_bytes": "=PACKET_BYTES", "owner": {"function": "handle"}, "frames_down": 0, "instances":
 *         "=CALLS", "exceptions": 0}}
 */
#include <stdlib.h>

#define CALLS        250
#define PACKET_BYTES 96

__attribute__((noinline)) static int handle(int value)
{
    volatile char *packet = malloc(PACKET_BYTES); /* @packet */
    packet[0] = (char)value;
    packet[1] = (char)(value >> 8);
    int sum = packet[0] + packet[1];
    free((void *)packet);
    return sum;
}

int main(void)
{
    int sum = 0;
    for (int i = 0; i < CALLS; i++)
        sum += handle(i);
    return sum == 0;
}
