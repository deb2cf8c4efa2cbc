/* SPDX-License-Identifier: MIT */

/* The system's clock, for machines on which the processor's own may stop or change its rate. Called by
 * whatever stamps an event, and by room.c for its patience. */

#include "ticks.h"

#include <time.h>

#include "banned.h"

uint64_t tn_ticks_monotonic(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
