/* SPDX-License-Identifier: MIT */
#ifndef TN_ANALYZE_RELEASE_COUNT_H
#define TN_ANALYZE_RELEASE_COUNT_H

/* What the engine itself does with the counts of releases: it makes them, and counts each death. */

#include "tenure/releases.h"

/* Begin, with nothing counted.
 *
 * site_count  sites of the pass
 * Returns     0 or -ENOMEM; the caller releases *ret_releases by tn_releases_close, also after an error */
int tn_releases_open(size_t site_count, struct tn_releases **ret_releases);

/* Release. NULL is fine. */
void tn_releases_close(struct tn_releases *releases);

/* Count a death.
 *
 * site      of the block
 * stack_id  of the event, as the log has it: where it is no row of the pass, the release has no stack
 * Returns   0 or -ENOMEM
 * Cost      mostly a comparison with the site's last one */
int tn_releases_count(struct tn_releases *releases, const struct tn_pass *pass, uint32_t site,
                      uint64_t stack_id, bool is_resize);

/* Sites beside those asked about whose blocks are released by way of a source frame. The counts are indexed
 * already.
 *
 * frame_id, position  as in tn_source_frames_get
 * Cost                the sites that it releases */
size_t tn_release_others(const struct tn_pass *pass, const struct tn_source_frames *frames,
                         const struct tn_release_sites *sites, uint32_t frame_id, uint32_t position);

/* Note that realloc turned a block of a site into one of another: its release is that of the first, too.
 *
 * site    of the new block
 * origin  of the old one
 * Cost    O(1) */
void tn_releases_resized(struct tn_releases *releases, uint32_t site, uint32_t origin);

/* Whether all frames of a stack are known: in a damaged log some may be missing.
 *
 * frames    of the pass
 * stack_id  row
 * Cost      its depth */
bool tn_release_stack_is_known(const struct tn_pass *pass, const struct tn_source_frames *frames,
                               uint32_t stack_id);

#endif
