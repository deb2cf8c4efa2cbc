/* SPDX-License-Identifier: MIT */
/* One policy of a simulation, from its options to its result, its smallest region and its risk card.
 * Called once for each policy of the command `simulate`. */
#include "tenure/simulate.h"

#include <stdlib.h>

#define POOL_LEAST_BYTES  16
#define SEARCH_MAX_EVENTS 20000000 /* replayed in the search for one policy: some seconds */

static int derive_pools(const struct tn_replay_source *source, struct tn_simulated_policy *policy,
                        struct tn_error *error)
{
    struct tn_heap_options *heap = &policy->options.heap;
    if (!tn_policy_needs_pools(policy->options.policy) || heap->pool_count != 0)
        return 0;
    int r = tn_replay_pools(source, POOL_LEAST_BYTES, &policy->pools, &heap->pool_count, error);
    heap->pools = policy->pools;
    return r;
}

static int replay(const struct tn_replay_source *source, struct tn_simulated_policy *policy,
                  struct tn_error *error)
{
    int r = tn_replay_run(source, &policy->options, &policy->result, error);
    policy->has_result = r == 0;
    return r;
}

int tn_simulate_policy(const struct tn_replay_source *source, struct tn_simulated_policy *policy,
                       struct tn_error *error)
{
    struct tn_replay_options *options = &policy->options;
    bool has_region = options->heap.heap_bytes != TN_HEAP_UNLIMITED;
    struct tn_replay_minimum minimum = {0};
    int r = derive_pools(source, policy, error);
    /* Before the search: a region that cannot be opened is an error at once. */
    if (r == 0 && has_region)
        r = replay(source, policy, error);
    if (r == 0)
        r = tn_replay_search(source, options, SEARCH_MAX_EVENTS, &minimum, error);
    if (r == 0 && !has_region) {
        if (minimum.safe_bytes != 0)
            options->heap.heap_bytes = minimum.safe_bytes;
        r = replay(source, policy, error);
    }
    policy->result.minimum = minimum;
    return r;
}

int tn_simulate_risk(const struct tn_replay_source *source, struct tn_simulated_policy *policy,
                     uint64_t horizon_ns, uint64_t replicas, struct tn_error *error)
{
    struct tn_risk_options options;
    if (policy->options.heap.heap_bytes == TN_HEAP_UNLIMITED)
        return 0;
    tn_risk_options_init(&options);
    options.policy = policy->options.policy;
    options.heap = policy->options.heap;
    options.horizon_ns = horizon_ns;
    options.replicas = replicas;
    int r = tn_risk_assess(source, &options, &policy->risk, error);
    policy->has_risk = r == 0;
    return r;
}

void tn_simulated_policy_finish(struct tn_simulated_policy *policy)
{
    if (policy->has_result)
        tn_replay_result_finish(&policy->result);
    free(policy->label);
    free(policy->pools);
    free(policy->live);
    *policy = (struct tn_simulated_policy){0};
}
