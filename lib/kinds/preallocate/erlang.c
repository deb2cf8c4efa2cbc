/* SPDX-License-Identifier: MIT */
/* Erlang's loss formula by its recurrence, continued to fractions of servers by an integral, and the smallest
 * number of servers for a given loss by bisection. For preallocate.c; pure functions. */
#include "erlang.h"

#include <math.h>

/* 1 / B(x, load) for 0 < x < 1: the integral of exp(-t) (1 + t / load)^x over t from 0. Substituting t = s *
 * s makes it smooth at 0, and beyond t = 49 nothing is left. By Simpson's rule. */
static double inverse_b_of_fraction(double load, double servers)
{
    const int steps = 1024;
    const double width = 7.0 / steps;
    double sum = 0;
    for (int i = 0; i <= steps; i++) {
        double s = i * width;
        double value = 2 * s * exp(-s * s) * pow(1 + s * s / load, servers);
        sum += value * (i == 0 || i == steps ? 1 : i % 2 == 1 ? 4 : 2);
    }
    return sum * width / 3;
}

double tn_erlang_b(double load, double servers)
{
    double fraction = servers - floor(servers);
    double blocked = fraction > 0 ? 1 / inverse_b_of_fraction(load, fraction) : 1;
    for (double k = fraction + 1; k <= servers + 1e-9; k += 1)
        blocked = load * blocked / (k + load * blocked);
    return blocked;
}

static double blocked_with(double load, double peakedness, uint64_t count)
{
    double z = peakedness > 1 ? peakedness : 1;
    return tn_erlang_b(load / z, (double)count / z);
}

uint64_t tn_erlang_count(double load, double peakedness, double probability)
{
    if (!(load > 0) || !isfinite(load))
        return 0;
    uint64_t high = 1;
    while (high < TN_ERLANG_MAX && blocked_with(load, peakedness, high) > probability)
        high *= 2;
    if (high > TN_ERLANG_MAX)
        high = TN_ERLANG_MAX;
    for (uint64_t low = high / 2; low < high;) {
        uint64_t middle = low + (high - low) / 2;
        if (blocked_with(load, peakedness, middle) > probability)
            low = middle + 1;
        else
            high = middle;
    }
    return high;
}
