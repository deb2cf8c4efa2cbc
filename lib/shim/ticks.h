/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_TICKS_H
#define TENURE_SHIM_TICKS_H

/* The clock of all events: the processor's own where it runs at a constant rate, else the system's. */

#include "arch.h"
#include "shim_process.h"

#include <stdint.h>

/* CLOCK_MONOTONIC in nanoseconds. Any thread. */
uint64_t tn_ticks_monotonic(void);

/* The time, in ticks of the clock that the shared header names. Any thread. */
static inline uint64_t tn_ticks(void)
{
    return TN_LIKELY(tn_hot.clock != TN_CLOCK_MONOTONIC) ? tn_arch_ticks() : tn_ticks_monotonic();
}

#endif
