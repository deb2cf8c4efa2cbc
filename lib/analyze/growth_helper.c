/* SPDX-License-Identifier: MIT */
/* Knows the functions by which containers of libstdc++ and libc++ grow: any operation of a container that is
 * not in the list of those that replace its contents. A program's lines that fill one container are then one
 * growing buffer. Called by pass.c, once for each pair of stacks. */
#include "growth_helper.h"

#include "tenure/container.h"

#include <string.h>

static bool replaces(const char *operation)
{
    static const char *const operations[] = {"operator=", "assign",        "constructor", "swap",
                                             "replace",   "shrink_to_fit", "clear",       NULL};
    for (size_t i = 0; operations[i] != NULL; i++)
        if (strcmp(operation, operations[i]) == 0)
            return true;
    return false;
}

bool tn_growth_helper_made(const struct tn_source_frames *frames, uint32_t birth, uint32_t release)
{
    uint32_t common = tn_source_frames_common_inlined(frames, birth, release);
    uint32_t position = tn_source_frames_count(frames, birth) - 1 - common;
    const struct tn_source_frame *both = tn_source_frames_get(frames, birth, position);
    struct tn_container container;
    return both->function != 0 &&
           tn_container_of_function(frames->functions[both->function].name, &container) &&
           !replaces(container.operation);
}
