/* SPDX-License-Identifier: MIT */
/* A histogram with 32 linear steps in each power of two, filled in batches of 16 values. Called by
 * site_stats.c for each death, and by summarize.c for the results. */
#include "quantile.h"

#include <errno.h>
#include <stdlib.h>

/* Octave 0 holds values below 32, octave 1 those to 63, octave n those from 2^(n+4) on, in steps of 2^(n-1).
 */
static unsigned octave_of(uint64_t value)
{
    if (value < TN_QUANTILE_STEPS)
        return 0;
    return 63u - (unsigned)__builtin_clzll(value) - TN_QUANTILE_STEP_BITS + 1;
}

static unsigned step_of(uint64_t value, unsigned octave)
{
    unsigned shift = octave > 0 ? octave - 1 : 0;
    return (unsigned)(value >> shift) & (TN_QUANTILE_STEPS - 1);
}

/* The middle of a step: off by half a step at most. */
static uint64_t middle_of(unsigned octave, unsigned step)
{
    if (octave == 0)
        return step;
    unsigned shift = octave - 1;
    uint64_t low = (uint64_t)(TN_QUANTILE_STEPS + step) << shift;
    return low + ((UINT64_C(1) << shift) - 1) / 2;
}

/* Move the collected values to the histogram. */
static int flush(struct tn_quantile *quantile)
{
    if (quantile->octaves == NULL) {
        quantile->octaves = calloc(TN_QUANTILE_OCTAVES, sizeof(quantile->octaves[0]));
        if (quantile->octaves == NULL)
            return -ENOMEM;
    }
    while (quantile->waiting_count > 0) {
        uint64_t value = quantile->waiting[quantile->waiting_count - 1];
        unsigned octave = octave_of(value);
        uint64_t **counts = &quantile->octaves[octave];
        if (*counts == NULL)
            *counts = calloc(TN_QUANTILE_STEPS, sizeof(**counts));
        if (*counts == NULL)
            return -ENOMEM;
        (*counts)[step_of(value, octave)]++;
        quantile->waiting_count--;
    }
    return 0;
}

int tn_quantile_add(struct tn_quantile *quantile, uint64_t value)
{
    if (quantile->waiting_count == TN_QUANTILE_WAITING) {
        int r = flush(quantile);
        if (r < 0)
            return r;
    }
    quantile->waiting[quantile->waiting_count++] = value;
    quantile->count++;
    if (value > quantile->max)
        quantile->max = value;
    return 0;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

int tn_quantile_settle(struct tn_quantile *quantile)
{
    if (quantile->octaves != NULL)
        return flush(quantile);
    qsort(quantile->waiting, quantile->waiting_count, sizeof(quantile->waiting[0]), compare);
    return 0;
}

/* The value of a rank (from 1) in the histogram. */
static uint64_t find_rank(const struct tn_quantile *quantile, uint64_t rank)
{
    uint64_t passed = 0;
    for (unsigned octave = 0; octave < TN_QUANTILE_OCTAVES; octave++) {
        for (unsigned step = 0; quantile->octaves[octave] != NULL && step < TN_QUANTILE_STEPS; step++) {
            passed += quantile->octaves[octave][step];
            if (passed < rank)
                continue;
            uint64_t value = middle_of(octave, step);
            return value < quantile->max ? value : quantile->max;
        }
    }
    return quantile->max;
}

uint64_t tn_quantile_at(const struct tn_quantile *quantile, unsigned percent)
{
    if (quantile->count == 0)
        return 0;
    /* rank of the wanted value, without overflow for any count */
    uint64_t rank = quantile->count / 100 * percent + (quantile->count % 100 * percent + 99) / 100;
    if (rank == 0)
        rank = 1;
    return quantile->octaves != NULL ? find_rank(quantile, rank) : quantile->waiting[rank - 1];
}

void tn_quantile_finish(struct tn_quantile *quantile)
{
    for (unsigned octave = 0; quantile->octaves != NULL && octave < TN_QUANTILE_OCTAVES; octave++)
        free(quantile->octaves[octave]);
    free(quantile->octaves);
    *quantile = (struct tn_quantile){0};
}
