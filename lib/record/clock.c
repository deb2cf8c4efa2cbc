/* SPDX-License-Identifier: MIT */
/* Reads the clocks and keeps the map from ticks to nanoseconds. Each adjustment starts a new straight piece
 * where the old one ends, so that time never jumps and never runs backwards. record.c adjusts once a
 * second; match.c and fast_path.c convert every stamp. */
#include "clock.h"

#include <time.h>

#if defined(__x86_64__) || defined(__i386__)
#include <x86intrin.h>
#endif

#define CLOCK_ATTEMPTS   5
#define CLOCK_HORIZON_NS 1e9

static uint64_t monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

#if defined(__x86_64__) || defined(__i386__)
#define OWN_COUNTER TN_CLOCK_TSC
static uint64_t counter_ticks(void)
{
    _mm_lfence();
    uint64_t ticks = __rdtsc();
    _mm_lfence();
    return ticks;
}
#elif defined(__aarch64__)
#define OWN_COUNTER TN_CLOCK_COUNTER
static uint64_t counter_ticks(void)
{
    uint64_t ticks;
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0\n\tisb" : "=r"(ticks)::"memory");
    return ticks;
}
#else
#define OWN_COUNTER TN_CLOCK_MONOTONIC
static uint64_t counter_ticks(void)
{
    return 0;
}
#endif

uint64_t tn_clock_ticks(enum tn_clock kind)
{
    if (kind == TN_CLOCK_MONOTONIC)
        return monotonic_ns();
    return kind == OWN_COUNTER ? counter_ticks() : 0;
}

struct tn_clock_pair tn_clock_read(enum tn_clock kind)
{
    struct tn_clock_pair best = {0};
    uint64_t best_width = UINT64_MAX;
    for (int i = 0; i < CLOCK_ATTEMPTS; i++) {
        uint64_t before = tn_clock_ticks(kind);
        uint64_t ns = monotonic_ns();
        uint64_t width = tn_clock_ticks(kind) - before;
        if (width >= best_width)
            continue;
        best_width = width;
        best = (struct tn_clock_pair){before + width / 2, ns};
    }
    return best;
}

static double slope_between(struct tn_clock_pair from, struct tn_clock_pair to)
{
    if (to.ticks <= from.ticks || to.monotonic_ns <= from.monotonic_ns)
        return 1.0;
    return (double)(to.monotonic_ns - from.monotonic_ns) / (double)(to.ticks - from.ticks);
}

void tn_clock_begin(struct tn_clock_map *map, enum tn_clock kind, struct tn_clock_pair first,
                    struct tn_clock_pair second, uint64_t zero_ticks)
{
    double slope = kind == TN_CLOCK_MONOTONIC ? 1.0 : slope_between(first, second);
    double before_ns = ((double)first.ticks - (double)zero_ticks) * slope;
    map->kind = kind;
    map->line = (struct tn_clock_line){.base_ticks = zero_ticks, .base_ns = 0, .ns_per_tick = slope};
    map->older = map->line;
    map->first = first;
    map->zero_ns = (uint64_t)((double)first.monotonic_ns - before_ns);
}

void tn_clock_adjust(struct tn_clock_map *map, struct tn_clock_pair pair)
{
    if (map->kind == TN_CLOCK_MONOTONIC || pair.ticks <= map->line.base_ticks)
        return;
    double true_slope = slope_between(map->first, pair);
    uint64_t reached_ns = tn_clock_ns(map, pair.ticks);
    double behind_ns = (double)(int64_t)(pair.monotonic_ns - map->zero_ns - reached_ns);
    double factor = 1.0 + behind_ns / CLOCK_HORIZON_NS;
    if (factor > 2.0)
        factor = 2.0;
    if (factor < 0.5)
        factor = 0.5;
    map->older = map->line;
    map->line = (struct tn_clock_line){pair.ticks, reached_ns, true_slope * factor};
}

uint64_t tn_clock_span_ticks(const struct tn_clock_map *map, uint64_t span_ns)
{
    uint64_t ticks = (uint64_t)((double)span_ns / map->line.ns_per_tick);
    return ticks != 0 ? ticks : 1;
}

uint64_t tn_clock_older_ns(const struct tn_clock_map *map, uint64_t ticks)
{
    const struct tn_clock_line *line = &map->older;
    if (ticks >= line->base_ticks) {
        uint64_t ns = line->base_ns + (uint64_t)((double)(ticks - line->base_ticks) * line->ns_per_tick);
        return ns < map->line.base_ns ? ns : map->line.base_ns;
    }
    double before_ns = (double)(line->base_ticks - ticks) * line->ns_per_tick;
    return before_ns < (double)line->base_ns ? line->base_ns - (uint64_t)before_ns : 0;
}
