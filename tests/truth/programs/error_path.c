/* SPDX-License-Identifier: MIT */
/* A frame and its image are one, but for the few frames whose reading fails: they never get an image.
 *
 * expect {"kind": "combine", "sites": ["@frame", "@image"], "evidence": {"groups": "=FRAMES - FRAMES /
 *         FAILS_EVERY", "exceptions": "=FRAMES / FAILS_EVERY", "members": [{"site": "@frame", "size_bytes":
 *         "=FRAME_BYTES", "per_group": 1}, {"site": "@image", "size_bytes": "=IMAGE_BYTES", "per_group":
 *         1}], "combined_bytes": "=FRAME_BYTES + IMAGE_BYTES"}}
 */
#include <stdlib.h>

#define FRAMES      500
#define FAILS_EVERY 50
#define AT_ONCE     8
#define FRAME_BYTES 64
#define IMAGE_BYTES 512

struct frame {
    char *image;
};

static struct frame *frames[AT_ONCE];

static void drop(int slot)
{
    if (!frames[slot])
        return;
    free(frames[slot]->image);
    free(frames[slot]);
    frames[slot] = NULL;
}

static void take(int i)
{
    struct frame *frame = malloc(FRAME_BYTES); /* @frame */
    frame->image = NULL;
    if (i % FAILS_EVERY != 0)
        frame->image = malloc(IMAGE_BYTES); /* @image */
    frames[i % AT_ONCE] = frame;
}

static void drain(void)
{
    for (int i = 0; i < AT_ONCE; i++)
        drop(i);
}

int main(void)
{
    atexit(drain);
    for (int i = 0; i < FRAMES; i++) {
        drop(i % AT_ONCE);
        take(i);
    }
    return 0;
}
