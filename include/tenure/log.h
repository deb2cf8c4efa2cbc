/* SPDX-License-Identifier: MIT */
#ifndef TENURE_LOG_H
#define TENURE_LOG_H

/* Read a log: open and check it, iterate over its events in time order or over its allocations.
 * Chunks are the one source of truth: the cursors read only them. A log may be read while it is written.
 * Each object belongs to one thread at a time. */

#include "tenure/base.h"
#include "tenure/log_event.h"

#include <stdbool.h>
#include <stdint.h>

#define TN_LOG_FORMAT_VERSION 3
#define TN_LOG_APPLICATION_ID 0x54454e55 /* PRAGMA application_id of every log: "TENU" */

struct sqlite3;
struct tn_log;

/* Open a log for reading.
 *
 * Returns  0; -ENOENT, -EACCES...: the file cannot be read; -EBADMSG: not a log, or damaged; -EPROTO: the log
 *          is of a newer or an older format; with the story in error
 * Owns     the caller owns *ret_log; tn_log_close releases it */
int tn_log_open(const char *path, struct tn_log **ret_log, struct tn_error *error);

/* Close. NULL is fine. */
void tn_log_close(struct tn_log *log);

/* The connection, for SQL; every table, view and the virtual table `allocation` can be queried on it.
 * Borrowed until tn_log_close. */
struct sqlite3 *tn_log_database(struct tn_log *log);

/* The path that it was opened with. Borrowed until tn_log_close. */
const char *tn_log_path(const struct tn_log *log);

/* A key of meta as a number; fallback when it is missing. */
int64_t tn_log_meta_int(struct tn_log *log, const char *key, int64_t fallback);

/* Whether the recording was closed (meta.complete). */
bool tn_log_is_complete(struct tn_log *log);

/* The process with most allocations, 0 in a log without processes. */
uint64_t tn_log_main_process(struct tn_log *log);

struct tn_event_cursor;

/* Iterate over the events of one process in time order (of all processes, chunk by chunk, with process_id 0:
 * then only each process's own events are in order).
 *
 * database  a connection to a log
 * Returns   0; -ENOMEM, -EBADMSG (no chunks table), -EIO
 * Owns      the caller owns *ret_cursor; tn_event_cursor_close releases it, before the connection is closed
 */
int tn_event_cursor_open(struct sqlite3 *database, uint64_t process_id, struct tn_event_cursor **ret_cursor);

/* The next event.
 *
 * ret_event  borrowed until the next call
 * Returns    1 an event, 0 the end, -EBADMSG a damaged chunk (tn_event_cursor_position says which), -EIO,
 * -ENOMEM Cost       about 25 ns an event, decompression included */
int tn_event_cursor_next(struct tn_event_cursor *cursor, const struct tn_log_event **ret_event);

/* Row id of the chunk that is being read. */
int64_t tn_event_cursor_position(const struct tn_event_cursor *cursor);

/* Close. NULL is fine. */
void tn_event_cursor_close(struct tn_event_cursor *cursor);

struct tn_event_feed;

/* The events of one process in batches, unpacked by a thread of its own while the caller looks at the batch
 * before. Where no thread can be had, the caller's unpacks. Memory: 700 KB beside the cursor's.
 *
 * database    as of tn_event_cursor_open. A connection that SQLite locks by itself (SQLITE_OPEN_FULLMUTEX, as
 *             tn_log_open gives) may be used by the caller meanwhile; any other is read by the caller's
 * thread process_id  as of tn_event_cursor_open Returns     as tn_event_cursor_open Owns        the caller
 * owns *ret_feed; tn_event_feed_close releases it, before the connection is closed */
int tn_event_feed_open(struct sqlite3 *database, uint64_t process_id, struct tn_event_feed **ret_feed);

/* The next batch.
 *
 * ret_events  borrowed until the next call
 * Returns     events in the batch; 0 at the end; an error of tn_event_cursor_next, after all events before it
 */
int tn_event_feed_next(struct tn_event_feed *feed, const struct tn_log_event **ret_events);

/* Close, also before the last event. NULL is fine. */
void tn_event_feed_close(struct tn_event_feed *feed);

/* Count how often each stack called each function over all events of a log.
 *
 * database  a connection to a log
 * see       called for each stack and function, in no order; the same ones may come many times, and add up.
 * Returns 0, or a negative errno that ends the walk context   handed to see Returns   0; what see returned;
 * -ENOMEM, -EIO; -EBADMSG: no table of chunks, or a damaged chunk Cost      about 8 ns an event: only stacks
 * and sizes are unpacked */
int tn_log_each_stack_usage(struct sqlite3 *database,
                            int (*see)(void *context, const struct tn_stack_usage *usage), void *context);

/* One allocation, whole. All death fields are 0 while is_live. */
struct tn_allocation {
    uint64_t id, process_id, thread_id, stack_id, previous_id;
    uint64_t size_bytes, usable_size_bytes, alignment_bytes, address, depth_bytes;
    uint64_t birth_ns;
    uint64_t birth_allocations; /* allocations of the process up to and with this one */
    uint64_t birth_bytes;       /* bytes they asked for */
    uint64_t death_ns;
    uint64_t lifetime_allocations; /* allocations of the process made meanwhile; up to the end while live */
    uint64_t lifetime_bytes;       /* bytes that they asked for */
    uint64_t free_thread_id, free_stack_id, free_depth_bytes;
    enum tn_function function, free_function;
    bool is_live;
};

struct tn_allocation_cursor;

/* Iterate over allocations: those that died, in the order of their deaths within a process, then those that
 * live at the end, in birth order. Memory in proportion to the live ones. Arguments and errors as for
 * tn_event_cursor_open. */
int tn_allocation_cursor_open(struct sqlite3 *database, uint64_t process_id,
                              struct tn_allocation_cursor **ret_cursor);

/* The next allocation: 1, 0 at the end, or an error as tn_event_cursor_next. Borrowed until the next call. */
int tn_allocation_cursor_next(struct tn_allocation_cursor *cursor,
                              const struct tn_allocation **ret_allocation);

/* Close. NULL is fine. */
void tn_allocation_cursor_close(struct tn_allocation_cursor *cursor);

/* The name that SQL shows for a function ("malloc", "operator new"); "" for NONE or out of range. */
const char *tn_function_name(enum tn_function function);

/* Register the eponymous virtual table `allocation` on a connection. Returns an SQLite result code. */
int tn_allocation_module_register(struct sqlite3 *database);

/* What an SQLite result means for our callers. A full disk, a read-only file system and the like are told
 * apart by the errno that the connection saved.
 *
 * database  the connection that gave the result, or NULL
 * Returns   0 for OK, ROW and DONE; else negative errno */
int tn_log_errno(struct sqlite3 *database, int rc);

#endif
