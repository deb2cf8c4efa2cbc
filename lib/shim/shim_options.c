/* SPDX-License-Identifier: MIT */

/* Reads the shim's options from the environment, at the start of each image. A value that makes no sense
 * counts as not set: the program must run whatever its environment says. Called by start.c. */

#include "environment.h"
#include "shim_process.h"
#include "sys.h"

#include "tenure/event.h"

#include "banned.h"

/* A number with an optional K or M. Returns fallback for anything else. */
static uint64_t number_of(const char *name, uint64_t fallback)
{
    const char *text = tn_environment_get(name);
    uint64_t number;
    const char *end = text != NULL ? tn_parse_number(text, &number) : NULL;
    if (end == NULL)
        return fallback;
    uint64_t unit = 1;
    if (*end == 'K' || *end == 'k')
        unit = 1024;
    if (*end == 'M' || *end == 'm')
        unit = 1024 * 1024;
    if (unit != 1)
        end++;
    if (*end != '\0' || number > UINT64_MAX / unit)
        return fallback;
    return number * unit;
}

static bool is_text(const char *text, const char *wanted)
{
    return tn_length(text) == tn_length(wanted) && tn_has_prefix(text, wanted);
}

static bool wants_system_clock(void)
{
    const char *text = tn_environment_get("TENURE_CLOCK");
    return text != NULL && is_text(text, "monotonic");
}

static enum tn_links_wanted read_links(void)
{
    const char *text = tn_environment_get("TENURE_LINKS");
    if (text == NULL)
        return TN_LINKS_YES;
    if (is_text(text, "no") || is_text(text, "0"))
        return TN_LINKS_NO;
    return is_text(text, "death") ? TN_LINKS_DEATH : TN_LINKS_YES;
}

static uint64_t within(uint64_t number, uint64_t low, uint64_t high)
{
    if (number < low)
        return low;
    return number > high ? high : number;
}

void tn_options_read(struct tn_options *options)
{
    uint64_t bytes =
        within(number_of("TENURE_RING_SIZE", TN_RING_BYTES_DEFAULT), TN_RING_BYTES_MIN, TN_RING_BYTES_MAX);
    options->ring_bytes = 1u << (63 - __builtin_clzll(bytes));
    options->depth_max =
        (uint32_t)within(number_of("TENURE_DEPTH", TN_STACK_DEPTH_DEFAULT), 1, TN_STACK_DEPTH_MAX);
    options->has_free_stacks = number_of("TENURE_FREE_STACKS", 1) != 0;
    options->has_children = number_of("TENURE_CHILDREN", 1) != 0;
    options->has_system_clock = wants_system_clock();
    options->links = read_links();
    options->links_percent = (uint32_t)within(number_of("TENURE_LINKS_PERCENT", 1), 0, 100);
    options->check_stacks = (uint32_t)within(number_of("TENURE_CHECK_STACKS", 0), 0, 2);
}
