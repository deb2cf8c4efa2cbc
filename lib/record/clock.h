/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_CLOCK_H
#define TN_RECORD_CLOCK_H

/* Converts the ticks of the programs' time stamps to nanoseconds since the log's start, by a piecewise linear
 * map. It is continuous and rising, and gets a new piece every second, so that it converges on
 * CLOCK_MONOTONIC. One thread. */

#include "tenure/ring.h"

#include <stdint.h>

/* The two clocks, read at one moment. */
struct tn_clock_pair {
    uint64_t ticks;
    uint64_t monotonic_ns;
};

/* One straight piece. */
struct tn_clock_line {
    uint64_t base_ticks; /* where the piece begins */
    uint64_t base_ns;    /* its value there, ns since the log's start */
    double ns_per_tick;  /* > 0 */
};

struct tn_clock_map {
    enum tn_clock kind;         /* what the ticks are */
    struct tn_clock_line line;  /* for ticks from line.base_ticks on */
    struct tn_clock_line older; /* for ticks before; the same piece until the first adjustment */
    struct tn_clock_pair first; /* the long baseline that slopes are taken from */
    uint64_t zero_ns;           /* CLOCK_MONOTONIC at the log's start */
};

/* Read the tick counter now, not earlier and not later than its neighbours in program order. 0 for a kind
 * that this machine does not have. */
uint64_t tn_clock_ticks(enum tn_clock kind);

/* Read both clocks: the tightest of several attempts. */
struct tn_clock_pair tn_clock_read(enum tn_clock kind);

/* Begin a map from two pairs, some milliseconds apart.
 *
 * zero_ticks  the log's start: ns 0. May lie before `first` */
void tn_clock_begin(struct tn_clock_map *map, enum tn_clock kind, struct tn_clock_pair first,
                    struct tn_clock_pair second, uint64_t zero_ticks);

/* Take a later pair into account: a new piece begins at its ticks, where the old one ends, with a slope that
 * meets the true clock a second later. The slope stays within half and twice the true one: a step of the true
 * clock is caught up with, never jumped. */
void tn_clock_adjust(struct tn_clock_map *map, struct tn_clock_pair pair);

/* Ticks in a span of nanoseconds, at least 1. */
uint64_t tn_clock_span_ticks(const struct tn_clock_map *map, uint64_t span_ns);

/* The slow half of tn_clock_ns: ticks before the newest piece. */
uint64_t tn_clock_older_ns(const struct tn_clock_map *map, uint64_t ticks);

/* A piece's value at ticks that are not before its beginning. */
static inline uint64_t tn_clock_line_ns(const struct tn_clock_line *line, uint64_t ticks)
{
    /* Signed: the conversions of unsigned numbers take branches. */
    double span_ns = (double)(int64_t)(ticks - line->base_ticks) * line->ns_per_tick;
    return line->base_ns + (uint64_t)(int64_t)span_ns;
}

/* Nanoseconds since the log's start; 0 for anything before it. Never falls as ticks rise. */
static inline uint64_t tn_clock_ns(const struct tn_clock_map *map, uint64_t ticks)
{
    if (ticks < map->line.base_ticks)
        return tn_clock_older_ns(map, ticks);
    return tn_clock_line_ns(&map->line, ticks);
}

#endif
