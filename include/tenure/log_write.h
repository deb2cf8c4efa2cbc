/* SPDX-License-Identifier: MIT */
#ifndef TENURE_LOG_WRITE_H
#define TENURE_LOG_WRITE_H

/* Append to a log, for the recorder; and add to a log whose events are closed, for the finishing step. One
 * writer for a log, on one thread.
 *
 * Births and deaths go, in time order over all processes, into packed chunks, of which each process has one
 * open; everything else goes into plain tables. Nothing reaches the file before tn_log_commit; what was
 * committed, readers see. All times are nanoseconds since the log's start.
 *
 * Functions of a writer that return int give 0 or a negative errno: -ENOMEM, -ENOSPC, -EIO, -EROFS...;
 * tn_log_writer_error then says what failed and what to do. After its first failure a writer is dead: every
 * later call returns the same error and changes nothing, and what was committed before stays readable.
 * -EINVAL is the exception: it refuses one call and leaves the writer alive. */

#include "tenure/base.h"
#include "tenure/log_event.h"

#include <stdbool.h>
#include <stdint.h>

struct sqlite3;

/* A log that is being written. */
struct tn_log;
struct tn_log_writer;

/* SQL that makes the tables finding and finding_site where they are missing; new logs have them. */
extern const char tn_log_finding_tables[];

/* SQL that gives every site its key, once all sites are there; it needs tn_log_functions_register, which
 * tn_log_update_open does. */
extern const char tn_log_site_keys[];

/* One row of `process`. Strings are borrowed during the call. */
struct tn_log_process {
    uint32_t pid;             /* as the process sees itself */
    uint64_t parent_id;       /* row of the parent; 0: it is not recorded */
    const char *executable;   /* path, UTF-8 or as found */
    const char *command_line; /* arguments joined by spaces, quoted as a shell would need */
    uint64_t start_ns;        /* when its recording began */
    const char *name;         /* as it was run, without folders; NULL: not known */
};

/* How a process ended. */
enum tn_exit_kind {
    TN_EXIT_UNKNOWN,    /* not known */
    TN_EXIT_EXIT,       /* with a status */
    TN_EXIT_SIGNAL,     /* by a signal */
    TN_EXIT_EXEC,       /* another image took over */
    TN_EXIT_LOST,       /* it is gone, and nobody could learn how */
    TN_EXIT_RUNNING,    /* it has not ended */
    TN_EXIT_UNRECORDED, /* an image without the shim: it was seen, and nothing is known of it */
};

/* One row of `thread`. */
struct tn_log_thread {
    uint64_t process_id;       /* row of `process` */
    uint32_t tid;              /* the kernel's thread id */
    const char *name;          /* as the kernel shows it; borrowed during the call */
    uint64_t stack_size_bytes; /* 0: not known */
    uint64_t start_ns;         /* of its first event */
};

/* What a new log says of its recording. Strings are borrowed during the call. */
struct tn_log_options {
    const char *path;         /* of the new file; it must not exist, or be empty */
    const char *options;      /* for meta.options: "depth=1024 ring_size=1048576 ..." */
    const char *clock;        /* for meta.clock: "tsc", "monotonic", "counter" */
    bool omits_command_lines; /* process.command_line stays empty */
};

/* Create a log: the file, readable by its owner only, the schema, meta with closed = 0 and complete = 0.
 *
 * Returns  0; a negative errno: error says what failed and what to do, and no file is left that was not there
 *          before
 * Owns     the caller owns *ret_writer; tn_log_writer_close or tn_log_writer_abandon releases it */
int tn_log_create(const struct tn_log_options *options, struct tn_log_writer **ret_writer,
                  struct tn_error *error);

/* The first error of a writer; its code is 0 while there is none. Borrowed until the writer is released. */
const struct tn_error *tn_log_writer_error(const struct tn_log_writer *writer);

/* Add a row of `process`, with exit_kind running. ret_id: its id, from 1. */
int tn_log_add_process(struct tn_log_writer *writer, const struct tn_log_process *process, uint64_t *ret_id);

/* Replace executable and command line of a process, when better ones are found later. */
int tn_log_name_process(struct tn_log_writer *writer, uint64_t process_id, const char *executable,
                        const char *command_line);

/* Note that a process has ended; may be called again when more is known. Packs what its open chunk holds.
 *
 * end_ns     not stored with TN_EXIT_RUNNING and TN_EXIT_UNRECORDED
 * exit_code  its status, or the signal's number with TN_EXIT_SIGNAL; -1 where it cannot be known (stored as
 *            NULL) */
int tn_log_end_process(struct tn_log_writer *writer, uint64_t process_id, uint64_t end_ns,
                       enum tn_exit_kind kind, int exit_code);

/* Add a row of `thread`. ret_id: its id, from 1, over all processes. */
int tn_log_add_thread(struct tn_log_writer *writer, const struct tn_log_thread *thread, uint64_t *ret_id);

/* Note that a thread has ended. */
int tn_log_end_thread(struct tn_log_writer *writer, uint64_t thread_id, uint64_t end_ns);

/* Add to the count of events of a thread that are missing in the log (thread.events_lost). */
int tn_log_lose_events(struct tn_log_writer *writer, uint64_t thread_id, uint64_t count);

/* The row of a module; the same path and build-id give the same row. build_id: lower-case hex, or "" without
 * one. */
int tn_log_add_module(struct tn_log_writer *writer, const char *path, const char *build_id, uint64_t *ret_id);

/* Note that a module was mapped into a process.
 *
 * base_address    its load bias
 * ret_mapping_id  for tn_log_end_mapping */
int tn_log_add_mapping(struct tn_log_writer *writer, uint64_t process_id, uint64_t module_id,
                       uint64_t base_address, uint64_t mapped_ns, uint64_t *ret_mapping_id);

/* Note that a module was unmapped. */
int tn_log_end_mapping(struct tn_log_writer *writer, uint64_t mapping_id, uint64_t unmapped_ns);

/* The id of a frame, whose row is made at first sight.
 *
 * module_id     0: outside every module (generated code); offset_bytes is then the address itself
 * offset_bytes  return address minus load bias
 * Cost          a look-up in a hash */
int tn_log_intern_frame(struct tn_log_writer *writer, uint64_t module_id, uint64_t offset_bytes,
                        uint64_t *ret_id);

/* The id of a node of the stack trie, whose row is made at first sight. A stack is interned from its
 * outermost frame inwards.
 *
 * caller_id    the node of the caller's stack; 0 at the root
 * frame_bytes  this frame's CFA minus its callee's
 * is_cut       the node is a root because the capture stopped at its depth limit
 * Returns      also -EINVAL: frame_id or caller_id was never given
 * Cost         a look-up in a hash */
int tn_log_intern_stack(struct tn_log_writer *writer, uint64_t frame_id, uint64_t caller_id,
                        uint64_t frame_bytes, bool is_cut, uint64_t *ret_id);

/* Append a birth.
 *
 * ret_id   the allocation's id: births are numbered from 1 over all processes, in the order of these calls
 * Returns  also -EINVAL, and nothing was appended: the process was not added, or a field is out of the range
 *          that log_event.h states
 * Cost     some 30 ns, packing included; every 128 Ki events a chunk is compressed and inserted, which takes
 *          some milliseconds */
int tn_log_add_birth(struct tn_log_writer *writer, const struct tn_birth *birth, uint64_t *ret_id);

/* Append a death. The caller has matched it: the allocation was born in the same process and has not died.
 * Address and size class are not looked up; when they differ from those of the birth, readers that would get
 * a wrong address refuse the log as damaged.
 *
 * Returns  also -EINVAL, as tn_log_add_birth, and for a size class from TN_SIZE_CLASSES on
 * Cost     as tn_log_add_birth */
int tn_log_add_death(struct tn_log_writer *writer, const struct tn_death *death);

/* The id that was given to the latest birth of all processes; 0 before the first. */
uint64_t tn_log_last_id(const struct tn_log_writer *writer);

/* Append births and deaths of one process, in order: the same as many calls of tn_log_add_birth and
 * tn_log_add_death, and faster. The caller gives the ids, from tn_log_last_id + 1 on.
 *
 * events   count of them, borrowed during the call
 * Returns  also -EINVAL, as these two, and for ids that are not consecutive; the events before the refused
 *          one were appended */
int tn_log_add_plain(struct tn_log_writer *writer, uint64_t process_id, const struct tn_plain_event *events,
                     uint32_t count);

/* Add a row of `allocation_failure`: the real allocator returned NULL. */
int tn_log_add_failure(struct tn_log_writer *writer, uint64_t process_id, uint64_t thread_id,
                       uint64_t stack_id, enum tn_function function, uint64_t size_bytes, uint64_t time_ns);

/* Texts of the marks that bound a pause: what is born in between is not in the log; what was born before dies
 * in it as ever. A process that starts while recording is paused has the first at its start. */
#define TN_MARK_PAUSED  "recording paused"
#define TN_MARK_RESUMED "recording resumed"

/* Add a mark to the time line of a process. */
int tn_log_add_mark(struct tn_log_writer *writer, uint64_t process_id, uint64_t time_ns, const char *text);

/* Add a row of `link`, or renew its counts.
 *
 * link    holder_stack_id and module_id are not both 0
 * id      in and out: 0: add a row, and set its id; else the row whose looks and distinct_held_blocks are
 *         replaced */
int tn_log_set_link(struct tn_log_writer *writer, const struct tn_log_link *link, uint64_t *id);

/* Add a row of `link_look`, or replace its looks: process, stack and moment tell rows apart. */
int tn_log_set_look(struct tn_log_writer *writer, const struct tn_log_look *look);

/* A pool of the program's own, as the program tells of it. Counts as in the log's table pool. */
struct tn_log_pool {
    uint64_t process_id;      /* row of `process` */
    uint64_t address;         /* that names it */
    const char *name;         /* borrowed; NULL: none */
    uint64_t first_ns;        /* of the first call about it */
    uint64_t allocations;     /* blocks handed out */
    uint64_t frees;           /* of these, taken back */
    uint64_t resets;          /* calls that took all back */
    uint64_t total_bytes;     /* of all blocks handed out */
    uint64_t live_count;      /* in use; allocations - frees - unseen_frees */
    uint64_t live_bytes;      /* of these */
    uint64_t peak_live_count; /* most of live_count */
    uint64_t peak_live_bytes; /* most of live_bytes */
    uint64_t peak_ns;         /* when live_bytes was at its peak */
    uint64_t unknown_frees;   /* of blocks that were not known */
    uint64_t unseen_frees;    /* handed out at an address that was in use */
    uint64_t blocks_left_out; /* of allocations: without a row of their own */
};

/* Blocks of one size in one pool. */
struct tn_log_pool_size {
    uint64_t pool_id;         /* row of `pool` */
    uint64_t size_bytes;      /* of each */
    uint64_t allocations;     /* handed out */
    uint64_t live_count;      /* in use */
    uint64_t peak_live_count; /* most of live_count */
};

/* A block in a pool, when it is handed out. */
struct tn_log_pool_block {
    uint64_t pool_id;    /* row of `pool` */
    uint64_t thread_id;  /* row of `thread` */
    uint64_t stack_id;   /* row of `stack`; 0: none was taken */
    uint64_t address;    /* of the block */
    uint64_t size_bytes; /* as the program told it */
    uint64_t birth_ns;   /* since the log's start */
};

/* Add a row of `pool`, or renew its counts and name. id: in and out, as with tn_log_set_link. */
int tn_log_set_pool(struct tn_log_writer *writer, const struct tn_log_pool *pool, uint64_t *id);

/* Add a row of `pool_size`, or renew its counts: pool and size tell rows apart. */
int tn_log_set_pool_size(struct tn_log_writer *writer, const struct tn_log_pool_size *size);

/* Add a row of `pool_block`. ret_id: its id, from 1, over all processes. */
int tn_log_add_pool_block(struct tn_log_writer *writer, const struct tn_log_pool_block *block,
                          uint64_t *ret_id);

/* Note that a pool has taken a block back. stack_id: 0: none was taken. */
int tn_log_end_pool_block(struct tn_log_writer *writer, uint64_t id, uint64_t thread_id, uint64_t stack_id,
                          uint64_t death_ns);

/* Set a key of meta. value: text; numbers in decimal. */
int tn_log_set_meta(struct tn_log_writer *writer, const char *key, const char *value);

/* Pack all open chunks and commit everything so far. Called about once a second. */
int tn_log_commit(struct tn_log_writer *writer);

/* Note that events are missing in the log for a reason that recording should not have: meta.complete stays 0
 * when the log is closed. */
void tn_log_note_gaps(struct tn_log_writer *writer);

/* Commit, write the totals (meta.allocations, frees, duration_ns), set meta.closed to 1, and meta.complete
 * unless gaps were noted, and close. The journal is truncated; what readers hold open stays readable.
 * Releases the writer in any case.
 *
 * Returns  0; a negative errno, and error says what failed and what to do */
int tn_log_writer_close(struct tn_log_writer *writer, uint64_t duration_ns, struct tn_error *error);

/* Release a writer without completing the log: after an error, or in a forked child. NULL is fine. */
void tn_log_writer_abandon(struct tn_log_writer *writer);

/* Open a log whose events are closed, to add names, sites, summaries or rows: a connection in WAL mode, so
 * that readers are not disturbed, with the virtual table `allocation` registered.
 *
 * Returns  0; an error of tn_log_open, -EROFS, -EACCES, -EBUSY...: error says what failed and what to do
 * Owns     the caller owns *ret_database; tn_log_update_close releases it */
int tn_log_update_open(const char *path, struct sqlite3 **ret_database, struct tn_error *error);

/* Fold the journal into the file, as far as readers allow within a second, and close. NULL is fine. */
void tn_log_update_close(struct sqlite3 *database);

/* Fill allocation_row from the chunks, in birth order, and make the view `allocation` over it; rows that were
 * there are replaced. All or nothing, also inside a transaction of the caller's.
 *
 * database  writable; the virtual table `allocation` gets registered on it
 * Returns   0; -EBADMSG: a damaged chunk; -ENOSPC, -EIO, -ENOMEM: error says what failed and what to do
 * Cost      about 0.7 us an allocation; at most some 120 MB of memory */
int tn_log_fill_rows(struct sqlite3 *database, struct tn_error *error);

/* Write a copy of a log with plain rows and all helper views, for tools that know nothing of tenure.
 *
 * log       may be one that is being written: the copy is of one moment
 * path      of the copy, which must not exist; only its owner can read it
 * progress  called from time to time, once the file is there; done of total; NULL: not wanted
 * user      handed to progress
 * Returns   0; -EINVAL: the file exists; -EBADMSG: the log is damaged; -ENOSPC, -EACCES...: error says what
 *           failed and what to do. Nothing is left of the copy then; log is never changed
 * Cost      as tn_log_fill_rows, and a copy of the file */
int tn_log_copy_plain(struct tn_log *log, const char *path,
                      void (*progress)(void *user, uint64_t done, uint64_t total), void *user,
                      struct tn_error *error);

/* Remove the rows and the view, so that the virtual table answers again.
 *
 * Returns  0 or a negative errno */
int tn_log_drop_rows(struct sqlite3 *database);

#endif
