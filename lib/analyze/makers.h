/* SPDX-License-Identifier: MIT */
#ifndef TN_ANALYZE_MAKERS_H
#define TN_ANALYZE_MAKERS_H

/* What is known of the makers of all sites, for the pass that owns it. */

struct tn_makers;

/* Nothing is looked at before tn_pass_maker asks. Returns 0 or -ENOMEM; the caller releases it by
 * tn_makers_close. */
int tn_makers_open(struct tn_makers **ret_makers);

/* Release. NULL is fine. */
void tn_makers_close(struct tn_makers *makers);

#endif
