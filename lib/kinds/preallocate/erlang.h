/* SPDX-License-Identifier: MIT */
#ifndef TN_KINDS_ERLANG_H
#define TN_KINDS_ERLANG_H

/* How many buffers a load needs. With so many arrivals that lifetimes do not matter, the number in use is
 * that of an M/G/c/c system, and the share of requests that find none free is Erlang's B formula. */

#include <stdint.h>

/* Share of requests that find all buffers in use.
 *
 * load     buffers in use on average, if there were enough; > 0
 * servers  buffers, >= 0; may be a fraction (the continuation by Fortet's integral)
 * Cost     servers steps, and an integral for a fraction */
double tn_erlang_b(double load, double servers);

/* The smallest number of buffers at which that share is at most probability.
 *
 * load         as above; 0 gives 0
 * peakedness   variance over mean of the number in use; above 1 arrivals come in bursts, and Hayward's
 *              approximation B(load / z, buffers / z) is taken
 * probability  0 to 1, both excluded
 * Returns      at most TN_ERLANG_MAX */
uint64_t tn_erlang_count(double load, double peakedness, double probability);

#define TN_ERLANG_MAX 10000000u

#endif
