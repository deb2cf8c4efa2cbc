/* SPDX-License-Identifier: MIT */
#ifndef TN_TEST_COMPARE_FIXTURE_H
#define TN_TEST_COMPARE_FIXTURE_H

/* One side of a comparison: sites that are made up, loaded as those of a log are. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tenure/compare.h"

#define SITES_MAX 8

/* A summary owns its strings, so they are not const; nobody changes them here. */
#define S(text) ((char *)(text))

/* One side of a scene. Sites are numbered from 1; the context of a site is one hash, 0: none is known. */
struct side {
    struct tn_summary_site sites[SITES_MAX + 1]; /* ended by one without allocations */
    uint64_t contexts[SITES_MAX + 1];            /* of sites, by their place in the list */
};

/* The defaults of a site are meant to be overridden. */
#pragma GCC diagnostic ignored "-Woverride-init"

/* A site of f in /src/a.c of the program, with 24 bytes for each of 10 calls. Later members override these.
 */
#define SITE(...)                                                                                            \
    {                                                                                                        \
        .function = S("f"), .file = S("/src/a.c"), .module = S("/bin/app"), .via = S("malloc"),              \
        .allocations = 10, .total_bytes = 240, .min_size_bytes = 24, .max_size_bytes = 24,                   \
        .peak_live_count = 1, .freed = 10, __VA_ARGS__                                                       \
    }
#define SIZE(bytes) .min_size_bytes = (bytes), .max_size_bytes = (bytes), .total_bytes = 10 * (bytes)

static struct tn_summary_process process = {
    .id = 1, .executable = S("/bin/app"), .command_line = S("app"), .exit_kind = S("exit")};

struct loaded_side {
    struct tn_summary summary;
    struct tn_context_set sets[SITES_MAX + 1];
    struct tn_module_build modules[1];
    struct tn_call_contexts contexts;
    struct tn_compared_run run;
};

static inline void load_side(struct side *side, const char *build_id, struct loaded_side *loaded)
{
    size_t count = 0;
    *loaded = (struct loaded_side){.summary = {.path = S("x.db"),
                                               .program = S("/bin/app"),
                                               .command_line = S("app"),
                                               .started_at = S(""),
                                               .wrappers = S(""),
                                               .process_id = 1,
                                               .processes = &process,
                                               .process_count = 1}};
    for (; side->sites[count].allocations != 0; count++) {
        side->sites[count].site_id = count + 1;
        loaded->sets[count + 1] =
            (struct tn_context_set){&side->contexts[count], side->contexts[count] != 0 ? 1 : 0};
    }
    loaded->modules[0] = (struct tn_module_build){S("/bin/app"), S(build_id)};
    loaded->contexts = (struct tn_call_contexts){loaded->sets, count + 1, loaded->modules, 1};
    loaded->summary.lists[TN_SUMMARY_BY_ALLOCATIONS] = (struct tn_summary_sites){side->sites, count};
    loaded->run = (struct tn_compared_run){&loaded->summary, NULL, &loaded->contexts};
}

#endif
