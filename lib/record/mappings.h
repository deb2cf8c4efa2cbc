/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_MAPPINGS_H
#define TN_RECORD_MAPPINGS_H

/* Which modules were mapped where, and when. The shim announces each module before the first stack that
 * contains it. Its file is held open from then on, so that the finishing process reads the file that ran,
 * even if it has been replaced meanwhile. One thread. */

#include "tenure/finish.h"
#include "tenure/log_write.h"
#include "tenure/map.h"

#include <stdint.h>
#include <sys/types.h>

/* The files of all modules of a log. Zeroed is empty. */
struct tn_module_files {
    struct tn_module_file *files; /* owned, with the descriptors */
    uint32_t count;
    uint32_t capacity;
    struct tn_map known; /* by module row: those already tried, opened or not */
};

struct tn_mapping {
    uint64_t start, end; /* [start, end), addresses in the process */
    uint64_t bias;       /* load bias: address in the process minus address in the file */
    uint64_t module_id;
    uint64_t mapping_id;
};

/* The mappings of one process, by start. Zeroed is empty. */
struct tn_mappings {
    struct tn_mapping *list; /* owned; sorted by start, no two overlap */
    uint32_t count;
    uint32_t capacity;
};

/* What rows about a mapping need besides the event. All borrowed. */
struct tn_mapping_context {
    struct tn_log_writer *writer;
    struct tn_module_files *files;
    uint64_t process_id;
    uint64_t time_ns;
    pid_t pid; /* for /proc/PID/root */
};

/* Apply a MODULE event: write the rows of module and mapping, hold the file. Mappings that it overlaps end.
 *
 * event, words  the event in our own memory: untrusted, but it does not change
 * Returns       0; -EBADMSG: malformed; the writer's error, or -ENOMEM */
int tn_mappings_add(struct tn_mappings *mappings, const struct tn_mapping_context *context,
                    const uint64_t *event, uint32_t words);

/* Apply a MODULE_GONE event: the mapping ends. One that is not known is ignored. Returns as above. */
int tn_mappings_remove(struct tn_mappings *mappings, const struct tn_mapping_context *context,
                       const uint64_t *event, uint32_t words);

/* Copy the parent's mappings to a fork child, as rows of its own. Returns 0, the writer's error, or -ENOMEM.
 */
int tn_mappings_inherit(struct tn_mappings *mappings, const struct tn_mapping_context *context,
                        const struct tn_mappings *parent);

/* The mapping that holds an address, or NULL. Valid until the mappings change. Cost O(log mappings). */
const struct tn_mapping *tn_mappings_find(const struct tn_mappings *mappings, uint64_t address);

/* Release the memory; the rows stay. */
void tn_mappings_finish(struct tn_mappings *mappings);

/* Close the files, release the memory. */
void tn_module_files_finish(struct tn_module_files *files);

#endif
