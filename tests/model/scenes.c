/* SPDX-License-Identifier: MIT */

/* See scenes.h. */

#include "scenes.h"

#include <stdio.h>

static int failures;

void scene_must_hold(const struct model_scene *scene)
{
    struct model_result result = model_explore(scene, NULL, true);
    printf("%s: %llu states, %llu orders, %u steps at most%s%s\n", scene->name,
           (unsigned long long)result.states, (unsigned long long)result.orders, result.depth_max,
           result.has_failed ? ": FAILED: " : "", result.story);
    fflush(stdout);
    failures += result.has_failed;
}

void scene_must_break(const struct model_scene *scene, const struct model_fault *fault)
{
    struct model_result result = model_explore(scene, fault, false);
    printf("%s, %s: %s%s\n", scene->name, fault != NULL ? fault->name : "no other fault",
           result.has_failed ? "found: " : "NOT FOUND", result.story);
    fflush(stdout);
    failures += !result.has_failed;
}

int scene_end(void)
{
    return failures != 0;
}
