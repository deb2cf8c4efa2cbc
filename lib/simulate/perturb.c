/* SPDX-License-Identifier: MIT */
#include "perturb.h"

#include "tenure/map.h"

#define PART 32u /* of a size that it grows by: the smallest step between size classes of tlsf */
#define UNIT 8u  /* bytes: no policy tells apart what differs by less */

static int next(void *state, struct tn_replay_event *ret_event, struct tn_error *error)
{
    struct tn_perturbation *perturbation = state;
    int r = perturbation->source.next(perturbation->source.state, ret_event, error);
    if (r <= 0 || ret_event->kind == TN_REPLAY_RELEASE)
        return r;
    if ((tn_mix(perturbation->seed << 32 | ret_event->site_id) & 1) != 0)
        ret_event->size_bytes += (ret_event->size_bytes / PART + UNIT) / UNIT * UNIT;
    return r;
}

static int go_back(void *state, struct tn_error *error)
{
    struct tn_perturbation *perturbation = state;
    return perturbation->source.rewind(perturbation->source.state, error);
}

struct tn_replay_source tn_perturbation_source(struct tn_perturbation *perturbation)
{
    return (struct tn_replay_source){.state = perturbation, .next = next, .rewind = go_back};
}
