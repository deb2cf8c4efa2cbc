/* SPDX-License-Identifier: MIT */
/* Near miss of a wrapper: a function that makes one thing, always of one size, is called from several places;
 * the advice belongs to its own line.
 *
 * expect {"kind": "pool", "sites": ["@point"], "evidence": {"block_bytes": "=POINT_BYTES", "block_count":
 *         "=PEAK"}}
 */
#include <stdlib.h>

#define ROUNDS      30
#define PEAK        45
#define POINT_BYTES 64

static char *points[PEAK];

static char *new_point(int value)
{
    char *point = malloc(POINT_BYTES); /* @point */
    point[0] = (char)value;
    return point;
}

static void draw_line(int i)
{
    points[i] = new_point(1);
    points[i + 1] = new_point(2);
}

static void draw_dot(int i)
{
    points[i] = new_point(3);
}

static void erase(void)
{
    for (int i = 0; i < PEAK; i++) {
        free(points[(i * 7) % PEAK]);
        points[(i * 7) % PEAK] = NULL;
    }
}

int main(void)
{
    atexit(erase);
    for (int round = 0; round < ROUNDS; round++) {
        erase();
        for (int i = 0; i < PEAK; i += 3) {
            draw_line(i);
            draw_dot(i + 2);
        }
    }
    return 0;
}
