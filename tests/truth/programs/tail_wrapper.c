/* SPDX-License-Identifier: MIT */
/* Built with optimisation: two functions end in a jump to a wrapper, and have no frame when it allocates. Their
 * lines ask for the memory all the same; a third function jumps to the allocation function itself.
 *
 * expect {"kind": "pool", "sites": ["@message"], "evidence": {"block_bytes": "=MESSAGE_BYTES", "block_count":
 *         "=KEPT"}}
 * expect {"kind": "stack-buffer", "sites": ["@name"], "evidence": {"buffer_bytes": "=NAME_BYTES", "owner":
 *         {"function": "greet"}, "instances": "=CALLS", "exceptions": 0}}
 * expect {"kind": "stack-buffer", "sites": ["@line"], "evidence": {"buffer_bytes": "=LINE_BYTES", "owner":
 *         {"function": "greet"}, "instances": "=CALLS", "exceptions": 0}}
 * never {"kind": "*", "sites": ["@grab", "@get_message", "@get_name", "@get_line"]}
 * check tail_frames
 */
#include <stdlib.h>

#define CALLS         240
#define KEPT          12
#define MESSAGE_BYTES 768
#define NAME_BYTES    24
#define LINE_BYTES    80

static void *kept[KEPT];

__attribute__((noinline)) static void *xmalloc(size_t size_bytes)
{
    void *block = malloc(size_bytes); /* @grab */
    if (!block)
        abort();
    return block;
}

__attribute__((noinline)) static void *get_message(void)
{
    return xmalloc(MESSAGE_BYTES); /* @message */ /* @jump_message */
}

__attribute__((noinline)) static void *get_name(void)
{
    return xmalloc(NAME_BYTES); /* @name */ /* @jump_name */
}

__attribute__((noinline)) static void *get_line(void)
{
    return malloc(LINE_BYTES); /* @line */ /* @jump_line */
}

__attribute__((noinline)) static void greet(int i)
{
    char *name = get_name(); /* @get_name */
    char *line = get_line(); /* @get_line */
    *(volatile char *)name = (char)i;
    *(volatile char *)line = (char)i;
    free(line);
    free(name);
    __asm__ volatile("");
}

int main(void)
{
    for (int i = 0; i < CALLS; i++) {
        int k = i * 7 % KEPT;
        greet(i);
        free(kept[k]);
        kept[k] = get_message(); /* @get_message */
    }
    for (int k = 0; k < KEPT; k++)
        free(kept[k]);
    return 0;
}
