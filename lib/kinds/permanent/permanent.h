/* SPDX-License-Identifier: MIT */
#ifndef TN_KINDS_PERMANENT_H
#define TN_KINDS_PERMANENT_H

/* Blocks that stay to the end: what is counted while events pass (permanent.c), and what is stated
 * (permanent_finding.c). */

#include "tenure/analysis.h"

/* Why a site's blocks count as permanent. */
enum tn_permanent_class {
    TN_PERMANENT_NONE,      /* they do not */
    TN_PERMANENT_INIT,      /* all were made before initialisation was done, and stayed */
    TN_PERMANENT_SINGLETON, /* one at a time, each for most of the rest of the run */
    TN_PERMANENT_TEARDOWN,  /* all stayed, but were made while the program was at work */
    TN_PERMANENT_SMALL,     /* several sites with little: told together */
};

/* What is counted of a site. */
struct tn_permanent_site {
    uint64_t ended;         /* released before teardown, and not resized */
    uint64_t resized;       /* ended by becoming another block */
    uint64_t resized_bytes; /* of those */
    uint64_t short_lived; /* of those that ended: lived for less than the threshold's share of the rest of the
                             run */
    uint64_t post_init;   /* births after initialisation was done */
    uint64_t overhead_bytes;     /* header and rounding of all */
    uint64_t last_birth_kept_ns; /* birth of the youngest block that lived to teardown */
};

/* State of the kind. */
struct tn_permanent {
    struct tn_permanent_site *sites; /* owned; by site */
    uint64_t init_ns;                /* when initialisation was done; 0: not known */
    uint64_t init_index;             /* births until then */
    double rest_share;               /* threshold permanent.rest-share */
    uint64_t post_init_sites;        /* that allocate after initialisation; 0: not known when it was done */
    uint64_t post_init_allocations;  /* that they make then */
};

/* Add a finding.
 *
 * sites     indices in tn_pass.sites; several only of class TN_PERMANENT_SMALL
 * has_list  it tells which sites allocate after initialisation, too
 * Returns   0, -ENOMEM or -EIO */
int tn_permanent_state(const struct tn_permanent *state, const struct tn_pass *pass, const uint32_t *sites,
                       size_t site_count, enum tn_permanent_class class, bool has_list,
                       struct tn_findings *findings);

#endif
