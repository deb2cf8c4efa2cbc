/* SPDX-License-Identifier: MIT */
#ifndef TENURE_REPLAY_LOG_H
#define TENURE_REPLAY_LOG_H

/* A recorded process as a source of events for the simulator, and the names of its sites. One thread at a
 * time. */

#include "replay_sites.h"
#include "tenure/log.h"
#include "tenure/replay.h"

struct tn_replay_log;

/* Prepare to replay a process.
 *
 * log         borrowed until tn_replay_log_close
 * process_id  0: the one with most allocations
 * Returns     0; -ENOENT: there is no such process; -EBADMSG, -EIO, -ENOMEM; with the story in error
 * Owns        the caller owns *ret_source */
int tn_replay_log_open(struct tn_log *log, uint64_t process_id, struct tn_replay_log **ret_source,
                       struct tn_error *error);

/* Its events: births, resizes (a release and a birth by realloc, of one thread, are one event) and deaths in
 * time order; from the first again after each rewind. Sites are those of the log, 0 where names are missing.
 */
struct tn_replay_source tn_replay_log_source(struct tn_replay_log *source);

/* Assume something of sites from the next rewind on; sites is borrowed until tn_replay_log_close. */
void tn_replay_log_assume(struct tn_replay_log *source, struct tn_replay_sites *sites);

/* Id of the process that is replayed. */
uint64_t tn_replay_log_process(const struct tn_replay_log *source);

/* Where a site is; strings are owned, NULL where they are not known. */
struct tn_replay_site {
    char *function, *file, *module, *via;
    int64_t line;          /* 0: not known */
    uint64_t offset_bytes; /* in the module, where the line is not known */
};

/* Look a site up. Site 0 and unknown ones give only NULLs. Returns 0 or -ENOMEM, -EIO. */
int tn_replay_log_site(struct tn_replay_log *source, uint32_t site_id, struct tn_replay_site *ret_site);

/* Release what a site owns. */
void tn_replay_site_finish(struct tn_replay_site *site);

/* Release. NULL is fine. */
void tn_replay_log_close(struct tn_replay_log *source);

#endif
