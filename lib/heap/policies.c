/* SPDX-License-Identifier: MIT */
/* The list of all policies, and the names of their parameters. A new policy is one file, and one line here
 * and in policy.h. */
#include "policy.h"

#include <errno.h>
#include <string.h>

static const struct tn_policy *const policies[] = {
    &tn_policy_first_fit,      &tn_policy_best_fit,       &tn_policy_next_fit,
    &tn_policy_worst_fit,      &tn_policy_freertos_heap1, &tn_policy_freertos_heap2,
    &tn_policy_freertos_heap4, &tn_policy_freertos_heap5, &tn_policy_newlib_nano,
    &tn_policy_newlib,         &tn_policy_tlsf,           &tn_policy_tlsf_esp32,
    &tn_policy_zephyr,         &tn_policy_glibc,          &tn_policy_buddy,
    &tn_policy_pools,          &tn_policy_pools_spill,    &tn_policy_lwip,
    &tn_policy_mbedtls,
};

#define POLICY_COUNT (sizeof(policies) / sizeof(policies[0]))

static const struct parameter {
    const char *name;
    size_t position; /* offset in struct tn_heap_options */
} parameters[] = {
    {"header", offsetof(struct tn_heap_options, header_bytes)},
    {"align", offsetof(struct tn_heap_options, align_bytes)},
    {"min-block", offsetof(struct tn_heap_options, min_block_bytes)},
    {"page", offsetof(struct tn_heap_options, page_bytes)},
    {"top-pad", offsetof(struct tn_heap_options, top_pad_bytes)},
    {"tcache", offsetof(struct tn_heap_options, tcache_count)},
    {"fast", offsetof(struct tn_heap_options, fast_bytes)},
    {"mmap", offsetof(struct tn_heap_options, mmap_bytes)},
    {"regions", offsetof(struct tn_heap_options, regions)},
};

#define PARAMETER_COUNT (sizeof(parameters) / sizeof(parameters[0]))

const struct tn_policy *tn_policy_find(const char *name)
{
    for (size_t i = 0; i < POLICY_COUNT; i++)
        if (strcmp(policies[i]->name, name) == 0)
            return policies[i];
    return NULL;
}

const struct tn_policy *tn_policy_at(size_t index)
{
    return index < POLICY_COUNT ? policies[index] : NULL;
}

const char *tn_policy_name(const struct tn_policy *policy)
{
    return policy->name;
}

const char *tn_policy_summary(const struct tn_policy *policy)
{
    return policy->summary;
}

bool tn_policy_is_one_pass(const struct tn_policy *policy)
{
    return policy->is_one_pass;
}

bool tn_policy_needs_pools(const struct tn_policy *policy)
{
    return policy->needs_pools;
}

void tn_heap_options_init(struct tn_heap_options *options)
{
    *options = (struct tn_heap_options){.heap_bytes = TN_HEAP_UNLIMITED, .pointer_bytes = 8};
    for (size_t i = 0; i < PARAMETER_COUNT; i++) {
        uint64_t value = TN_HEAP_DEFAULT;
        memcpy((char *)options + parameters[i].position, &value, sizeof(value));
    }
}

int tn_heap_options_set(struct tn_heap_options *options, const char *name, const char *value)
{
    for (size_t i = 0; i < PARAMETER_COUNT; i++) {
        if (strcmp(parameters[i].name, name) != 0)
            continue;
        uint64_t bytes = 0;
        if (tn_parse_bytes(value, &bytes) < 0 || bytes > TN_HEAP_UNLIMITED)
            return -EINVAL;
        memcpy((char *)options + parameters[i].position, &bytes, sizeof(bytes));
        return 0;
    }
    return -ENOENT;
}
