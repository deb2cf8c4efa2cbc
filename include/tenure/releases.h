/* SPDX-License-Identifier: MIT */
#ifndef TENURE_RELEASES_H
#define TENURE_RELEASES_H

/* Where blocks are released: which calls of the program led to the releases of which sites' blocks. The
 * engine counts while events pass, in all processes that it looks at; kinds ask when they state findings.
 * One thread. */

#include "tenure/analysis.h"
#include "tenure/source_frames.h"

/* The releases, or the resizes, of one site's blocks with one stack. */
struct tn_release_count {
    uint32_t site;      /* index in tn_pass.sites */
    uint32_t stack_id;  /* row; 0: the release has no stack */
    uint64_t count;     /* in the process that findings are about */
    uint64_t teardown;  /* of these, while the process ended */
    uint64_t elsewhere; /* in the other processes */
    bool is_resize;     /* by realloc */
};

/* The most particular call on the way to a release, the one that releases blocks of fewest other sites: from
 * the innermost one of the program's own outwards, for as long as functions release what they were given. */
struct tn_release_place {
    struct tn_source_cursor at; /* node 0: no frame of the program is on the stack */
    size_t other_count;         /* sites beside those asked about whose blocks it releases, too */
};

/* How far out the place of a release may lie. */
struct tn_release_range {
    uint32_t owner; /* as far as this function, its own call included: index in tn_source_frames.functions; 0:
                       wherever the block is named */
};

/* All that was counted of one site, the most frequent first.
 *
 * ret_counts  the pass's; NULL where there is none
 * Returns     0 or -ENOMEM
 * Cost        the first time, all counts times the depth of their stacks; then none */
int tn_releases_find(const struct tn_pass *pass, uint32_t site, const struct tn_release_count **ret_counts,
                     size_t *ret_count);

/* Sites that a question is about. */
struct tn_release_sites {
    const uint32_t *items; /* borrowed; indices in tn_pass.sites: the finding's own first */
    size_t own_count;      /* sites of the finding */
    size_t count; /* these and sites that change as well, whose releases at the same place are no matter */
};

/* Find the most particular place of a release.
 *
 * ret_place  written when 0 is returned
 * Returns    0; -ENOMEM, -EIO
 * Cost       the calls in range, times the sites that each releases */
int tn_release_place_find(const struct tn_pass *pass, const struct tn_release_sites *sites, uint32_t stack_id,
                          struct tn_release_range range, struct tn_release_place *ret_place);

/* Fill a finding's `releases`: the places where blocks of its own sites were released in its process.
 *
 * Returns  0; -ENOMEM, -EIO; the finding is the caller's as before */
int tn_pass_add_releases(const struct tn_pass *pass, const struct tn_release_sites *sites,
                         struct tn_release_range range, struct tn_finding *finding);

/* Take over a finding as tn_findings_add does, with its lines of release, if it has none yet.
 *
 * sites    indices in tn_pass.sites, as tn_finding_begin took them
 * Returns  0; -ENOMEM, -EIO (the finding is still the caller's) */
int tn_pass_add_finding(const struct tn_pass *pass, const uint32_t *sites, size_t site_count,
                        struct tn_finding *finding, struct tn_findings *findings);

/* Add the conditions that no place resizes the blocks of a finding's own sites ("resized"), and that no place
 * that releases them also releases those of other sites ("shared-release"). Only the worst place is told. If
 * it is shared with another role of the same site, the finding becomes weak.
 *
 * blocks   what would be passed to free there: "a stack buffer"
 * Returns  0; -ENOMEM, -EIO */
int tn_pass_add_release_conditions(const struct tn_pass *pass, const struct tn_release_sites *sites,
                                   struct tn_release_range range, const char *blocks,
                                   struct tn_finding *finding);

/* Add the condition that the blocks of a finding's own sites hold no others ("releases-more"): a function on
 * the way to their release has another call, on the same way through it, that released blocks of other sites,
 * though not with these. Not for what a destructor releases, and not where "shared-release" is the condition
 * already.
 *
 * Returns  0; -ENOMEM, -EIO
 * Cost     the frames of the log, for each function on the way */
int tn_pass_add_held_condition(const struct tn_pass *pass, const struct tn_release_sites *sites,
                               struct tn_release_range range, struct tn_finding *finding);

/* A call by which blocks of a finding's sites may be released while the program runs, though in this
 * recording they were released only when it ended: it leads to a function on the way to their release, by the
 * machine code, and a function that has run contains it. Not one in a function that asks for the blocks
 * itself: there they are released where not all could be made.
 *
 * names     of the sites, in their order
 * ret_line  written if *ret_has; the caller releases it by tn_finding_line_finish
 * ret_has   written always; false also where no code can be read
 * Returns   0; -ENOMEM, -EIO
 * Cost      the first time in a module, all of its code is decoded: some 30 ms a MiB */
int tn_release_earlier_call(const struct tn_pass *pass, const struct tn_release_sites *sites,
                            const struct tn_finding_site *names, struct tn_finding_line *ret_line,
                            bool *ret_has);

#endif
