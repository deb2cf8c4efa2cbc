/* SPDX-License-Identifier: MIT */
#ifndef TENURE_LOG_WRITE_H
#define TENURE_LOG_WRITE_H

/* Append to a log; for the recorder only. One writer a log, one thread.
 *
 * Births and deaths go, in time order over all processes, into packed chunks (one open chunk a process); all
 * else goes into plain tables. Nothing reaches the file before tn_log_commit; what it wrote, a reader sees.
 * All times are nanoseconds since the log's start. All functions that return int give 0 or a negative errno:
 * -ENOMEM, -ENOSPC, -EIO, -EROFS..., with the story in the writer's error (tn_log_writer_error); after the
 * first failed commit the writer is dead: every later call returns the same error and changes nothing, and
 * what was committed before stays readable. */

#include "tenure/base.h"
#include "tenure/log_event.h"

#include <stdbool.h>
#include <stdint.h>

struct sqlite3;
struct tn_log_writer;

/* SQL that makes the tables finding and finding_site where they are missing; new logs have them. */
extern const char tn_log_finding_tables[];

/* One process row. Strings are borrowed during the call. */
struct tn_log_process {
    uint32_t pid;
    uint64_t parent_id;       /* id of the parent's row, 0 if it is not recorded */
    const char *executable;   /* path, UTF-8 or as found */
    const char *command_line; /* arguments joined by spaces, quoted as a shell would need */
    uint64_t start_ns;
};

enum tn_exit_kind {
    TN_EXIT_UNKNOWN,
    TN_EXIT_EXIT,
    TN_EXIT_SIGNAL,
    TN_EXIT_EXEC,
    TN_EXIT_LOST,
    TN_EXIT_RUNNING,
};

/* One thread row. */
struct tn_log_thread {
    uint64_t process_id;
    uint32_t tid;
    const char *name; /* borrowed */
    uint64_t stack_size_bytes;
    uint64_t start_ns;
};

struct tn_log_options {
    const char *path;    /* of the new file; it must not exist, or be empty */
    const char *options; /* the recording's options, for meta.options: "depth=1024 ring=1048576 ..." */
    const char *clock;   /* meta.clock: "tsc", "monotonic", "counter" */
};

/* Create a log: the file, the schema, meta with complete = 0.
 *
 * Returns  0; negative errno with the story in error, and no file left behind that was not there before
 * Owns     the caller owns *ret_writer; tn_log_writer_close or _abandon releases it */
int tn_log_create(const struct tn_log_options *options, struct tn_log_writer **ret_writer,
                  struct tn_error *error);

/* The first error of this writer; code 0 while there is none. Borrowed. */
const struct tn_error *tn_log_writer_error(const struct tn_log_writer *writer);

/* Add a process row (exit_kind running). ret_id: its id, from 1. */
int tn_log_add_process(struct tn_log_writer *writer, const struct tn_log_process *process, uint64_t *ret_id);

/* Replace executable and command line of a process (a name found later). */
int tn_log_name_process(struct tn_log_writer *writer, uint64_t process_id, const char *executable,
                        const char *command_line);

/* A process has ended. exit_code: -1 where it cannot be known (stored as NULL); a signal's number with
 * TN_EXIT_SIGNAL. May be called again with better knowledge. Flushes the process's open chunk. */
int tn_log_end_process(struct tn_log_writer *writer, uint64_t process_id, uint64_t end_ns,
                       enum tn_exit_kind kind, int exit_code);

/* Add a thread row. ret_id: its id, from 1, over all processes. */
int tn_log_add_thread(struct tn_log_writer *writer, const struct tn_log_thread *thread, uint64_t *ret_id);

/* A thread has ended. */
int tn_log_end_thread(struct tn_log_writer *writer, uint64_t thread_id, uint64_t end_ns);

/* The row of a module: same path and build-id, same row. build_id: lower-case hex or "" if it has none. */
int tn_log_add_module(struct tn_log_writer *writer, const char *path, const char *build_id, uint64_t *ret_id);

/* A module is mapped into a process at base_address (its load bias). ret_mapping_id: for
 * tn_log_end_mapping. */
int tn_log_add_mapping(struct tn_log_writer *writer, uint64_t process_id, uint64_t module_id,
                       uint64_t base_address, uint64_t mapped_ns, uint64_t *ret_mapping_id);

/* It is gone again. */
int tn_log_end_mapping(struct tn_log_writer *writer, uint64_t mapping_id, uint64_t unmapped_ns);

/* The id of frame (module, offset): the row is made at first sight. module_id 0: outside every module (JIT
 * code); offset_bytes is then the address itself. Cost: a hash look-up. */
int tn_log_intern_frame(struct tn_log_writer *writer, uint64_t module_id, uint64_t offset_bytes,
                        uint64_t *ret_id);

/* The id of a node of the stack trie. A stack is interned from its outermost frame inwards.
 *
 * caller_id    the node of the caller's stack, 0 at the root
 * frame_bytes  distance of this frame's CFA to its callee's
 * is_cut       the node is a root because the capture stopped at its depth limit
 * Cost         a hash look-up */
int tn_log_intern_stack(struct tn_log_writer *writer, uint64_t frame_id, uint64_t caller_id,
                        uint64_t frame_bytes, bool is_cut, uint64_t *ret_id);

/* Append a birth. ret_id: the allocation's id: births are numbered from 1 over all processes, in the order of
 * these calls. Also -EINVAL: a process that was not added, a usable size below the size, or a number that no
 * log can hold (sizes, address, depth or alignment of 2^56 and more, a stack id of 2^32 and more); nothing
 * was appended, and the writer lives on. Cost: some 30 ns, packing included; every 128 Ki events a chunk is
 * compressed and inserted, which takes some milliseconds. */
int tn_log_add_birth(struct tn_log_writer *writer, const struct tn_birth *birth, uint64_t *ret_id);

/* Append a death. The matching of addresses has been done: allocation_id was born in the same process and has
 * not died. Also -EINVAL, as tn_log_add_birth, and for a size class from TN_SIZE_CLASSES on. Address and
 * class are not looked up: a caller who says others than at the block's birth makes a log that readers refuse
 * as damaged, if they would read a wrong address from it. */
int tn_log_add_death(struct tn_log_writer *writer, const struct tn_death *death);

/* The id that was given to the latest birth of all processes; 0 before the first. */
uint64_t tn_log_last_id(const struct tn_log_writer *writer);

/* Append births and deaths of one process, in order. Nothing but the time that it takes tells it from as many
 * calls of tn_log_add_birth and tn_log_add_death; the caller gives the ids, from tn_log_last_id + 1 on.
 *
 * Returns  0; -EINVAL as above, also for ids that do not follow each other; the events before the one that
 *          cannot be were appended */
int tn_log_add_plain(struct tn_log_writer *writer, uint64_t process_id, const struct tn_plain_event *events,
                     uint32_t count);

/* The real allocator returned NULL. */
int tn_log_add_failure(struct tn_log_writer *writer, uint64_t process_id, uint64_t thread_id,
                       uint64_t stack_id, enum tn_function function, uint64_t size_bytes, uint64_t time_ns);

/* A mark on the time line of a process. */
int tn_log_add_mark(struct tn_log_writer *writer, uint64_t process_id, uint64_t time_ns, const char *text);

/* Set a key of meta. value: text; numbers in decimal. */
int tn_log_set_meta(struct tn_log_writer *writer, const char *key, const char *value);

/* Pack all open chunks and commit everything so far. Once a second is right. */
int tn_log_commit(struct tn_log_writer *writer);

/* Commit, write the totals (meta.allocations, frees, duration_ns), set meta.complete to 1 and close. The
 * journal is truncated; what readers hold open stays readable. Releases the writer in any case. */
int tn_log_writer_close(struct tn_log_writer *writer, uint64_t duration_ns, struct tn_error *error);

/* Release the writer without completing the log: after an error, or in a forked child. NULL is fine. */
void tn_log_writer_abandon(struct tn_log_writer *writer);

/* Open a log whose events are closed, for adding to it (names, sites, summaries, rows): a connection in WAL
 * mode, so that readers are not disturbed, with the virtual table `allocation` registered.
 *
 * Returns  0; an error of tn_log_open, -EROFS, -EACCES, -EBUSY..., with the story in error
 * Owns     the caller owns *ret_database; tn_log_update_close releases it */
int tn_log_update_open(const char *path, struct sqlite3 **ret_database, struct tn_error *error);

/* Fold the journal into the file as far as readers allow (it waits for them for a second), and close. NULL is
 * fine. */
void tn_log_update_close(struct sqlite3 *database);

/* Fill allocation_row from the chunks, in birth order, and make the view `allocation` over it; what was there
 * is replaced. All or nothing, also inside a transaction of the caller's.
 *
 * database  writable; the virtual table `allocation` gets registered on it
 * Returns   0; -EBADMSG a damaged chunk; -ENOSPC, -EIO, -ENOMEM; with the story in error
 * Cost      about 0.7 us an allocation; at most some 120 MB of memory */
int tn_log_fill_rows(struct sqlite3 *database, struct tn_error *error);

/* Remove the rows and the view: the virtual table answers again. Returns 0 or a negative errno. */
int tn_log_drop_rows(struct sqlite3 *database);

#endif
