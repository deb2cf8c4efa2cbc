/* SPDX-License-Identifier: MIT */
/* Near miss: two sensors are read at every tick; what they gave is kept for two ticks and for three. Births
 * always fall together, and every sixth time the deaths do, too.
 *
 * never {"kind": "combine", "sites": ["@light"]}
 * never {"kind": "combine", "sites": ["@noise"]}
 * expect {"kind": "pool", "sites": ["@light"], "evidence": {"block_bytes": "=LIGHT_BYTES", "block_count":
 *         2}}
 * expect {"kind": "pool", "sites": ["@noise"], "evidence": {"block_bytes": "=NOISE_BYTES", "block_count":
 *         3}}
 */
#include <stdlib.h>

#define TICKS       480
#define LIGHT_BYTES 40
#define NOISE_BYTES 72

static char *light[2];
static char *noise[3];

static void read_light(int tick)
{
    free(light[tick % 2]);
    light[tick % 2] = malloc(LIGHT_BYTES); /* @light */
}

static void read_noise(int tick)
{
    free(noise[tick % 3]);
    noise[tick % 3] = malloc(NOISE_BYTES); /* @noise */
}

static void drain(void)
{
    for (int i = 0; i < 2; i++)
        free(light[i]);
    for (int i = 0; i < 3; i++)
        free(noise[i]);
}

int main(void)
{
    atexit(drain);
    for (int tick = 0; tick < TICKS; tick++) {
        read_light(tick);
        read_noise(tick);
    }
    return 0;
}
