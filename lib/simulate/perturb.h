/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SIMULATE_PERTURB_H
#define TENURE_SIMULATE_PERTURB_H

/* The same events with slightly other sizes: what differs then between two replays of a change is the luck of
 * where blocks happen to fall, and not the change. */

#include "tenure/replay.h"

/* A source that enlarges the blocks of about half of the sites. Set by the caller. */
struct tn_perturbation {
    struct tn_replay_source source; /* the events; its state is borrowed */
    uint64_t seed;                  /* which sites: another one for each round */
};

/* Blocks of a site that the seed chooses are larger by a 32nd, rounded up to 8 bytes: the least that every
 * policy tells apart. All blocks of a site are treated alike, so that sizes that were equal stay equal.
 *
 * Returns  a source that is valid as long as perturbation */
struct tn_replay_source tn_perturbation_source(struct tn_perturbation *perturbation);

#endif
