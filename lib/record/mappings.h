/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_MAPPINGS_H
#define TN_RECORD_MAPPINGS_H

/* What was mapping where, and when. The shim announces each module before the first stack that shows it.
 * Module files are held open from that moment, so that the finishing process reads the file that ran, even if
 * it has been replaced by then. One thread. */

#include "tenure/finish.h"
#include "tenure/log_write.h"
#include "tenure/map.h"

#include <stdint.h>
#include <sys/types.h>

/* The files of all mappings of a log. Zeroed is empty. */
struct tn_module_files {
    struct tn_module_file *files; /* owned, with the descriptors */
    uint32_t count;
    uint32_t capacity;
    struct tn_map known; /* module rows that were looked at, whether they could be opened or not */
};

struct tn_mapping {
    uint64_t start, end; /* addresses in the process */
    uint64_t bias;       /* what the file's addresses are shifted by */
    uint64_t module_id;
    uint64_t mapping_id;
};

/* The mappings of one process, by start. Zeroed is empty. */
struct tn_mappings {
    struct tn_mapping *list; /* owned; sorted by start, no two overlap */
    uint32_t count;
    uint32_t capacity;
};

/* Where an event of the control ring belongs. */
struct tn_mapping_context {
    struct tn_log_writer *writer;
    struct tn_module_files *files;
    uint64_t process_id;
    uint64_t time_ns;
    pid_t pid; /* for /proc/PID/root */
};

/* Take a MODULE event: rows of module and mapping, and the file. What it overlaps is gone.
 *
 * event, words  a copy of our own: its content is not trusted, but does not change
 * Returns       0; -EBADMSG: it makes no sense; the writer's error, or -ENOMEM */
int tn_mappings_add(struct tn_mappings *mappings, const struct tn_mapping_context *context,
                    const uint64_t *event, uint32_t words);

/* Take a MODULE_GONE event. Returns as above. */
int tn_mappings_remove(struct tn_mappings *mappings, const struct tn_mapping_context *context,
                       const uint64_t *event, uint32_t words);

/* A fork child has what its parent has: the same mappings, as rows of its own. Returns as above. */
int tn_mappings_inherit(struct tn_mappings *mappings, const struct tn_mapping_context *context,
                        const struct tn_mappings *parent);

/* The mapping that holds an address, or NULL. Cost O(log mappings). */
const struct tn_mapping *tn_mappings_find(const struct tn_mappings *mappings, uint64_t address);

/* Release the memory; the rows stay. */
void tn_mappings_finish(struct tn_mappings *mappings);

/* Close the files, release the memory. */
void tn_module_files_finish(struct tn_module_files *files);

#endif
