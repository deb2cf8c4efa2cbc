/* SPDX-License-Identifier: MIT */
#ifndef TENURE_REPLAY_SITES_H
#define TENURE_REPLAY_SITES_H

/* What a replay is to assume of sites for a machine that the program was not recorded on: blocks that the C
 * library makes for itself are not there, structures have other sizes. One thread. */

#include "tenure/base.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sqlite3;

/* One line of a file of sizes that applies to a site. */
struct tn_replay_size {
    uint32_t site_id;
    uint64_t from_bytes; /* 0: every size */
    uint64_t to_bytes;
};

/* Zeroed: nothing is assumed. */
struct tn_replay_sites {
    bool *is_left_out; /* owned; by site id */
    size_t site_count;
    struct tn_replay_size *sizes; /* owned; by site */
    size_t size_count;
    uint64_t allocations, bytes;                       /* of the last replay: all of them, as recorded */
    uint64_t left_out_allocations, left_out_bytes;     /* not replayed */
    uint64_t overridden_allocations, overridden_bytes; /* replayed with another size; bytes as recorded */
};

/* Leave out what the C library, the C++ library and the dynamic loader allocate for themselves: sites in
 * their own modules, and sites that reached malloc by one of their functions that keeps the memory (fopen,
 * getaddrinfo, pthread_create...). What they hand over (strdup, getline...) stays. Returns 0, -ENOMEM, -EIO,
 * with the story. */
int tn_replay_sites_leave_runtime(struct tn_replay_sites *sites, struct sqlite3 *database,
                                  struct tn_error *error);

/* Read a file of sizes: lines `PLACE [FROM] TO`, where PLACE is a function, or FILE:LINE with as much of the
 * path as is needed; blocks of FROM bytes of that site (of any size without it) are replayed with TO bytes.
 * `#` begins a comment.
 *
 * name     of the file, for messages
 * Returns  0; -EBADMSG: a bad line, or a place that is no site of the log; -ENOMEM, -EIO; with the story */
int tn_replay_sites_read(struct tn_replay_sites *sites, struct sqlite3 *database, const char *name,
                         char *text, struct tn_error *error);

/* What becomes of a new block: its size, or false if it is left out. Counts. */
bool tn_replay_sites_apply(struct tn_replay_sites *sites, uint32_t site_id, uint64_t *size_bytes);

/* Begin to count anew. */
void tn_replay_sites_restart(struct tn_replay_sites *sites);

/* Release. Zeroed is fine. */
void tn_replay_sites_finish(struct tn_replay_sites *sites);

#endif
