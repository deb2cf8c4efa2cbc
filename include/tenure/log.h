/* SPDX-License-Identifier: MIT */
#ifndef TENURE_LOG_H
#define TENURE_LOG_H

/* Read a log: open and check it, iterate over its events in time order, over its allocations, or over its
 * frames. The chunks are the one source of truth: the cursors read only them. A log may be read while it is
 * being written. Each object belongs to one thread at a time. */

#include "tenure/base.h"
#include "tenure/event.h"
#include "tenure/log_event.h"
#include "tenure/sql.h"

#include <stdbool.h>
#include <stdint.h>

#define TN_LOG_FORMAT_VERSION 5
#define TN_LOG_FORMAT_OLDEST                                                                                 \
    3 /* that this program reads: its callers came before the stacks that they call */
#define TN_LOG_APPLICATION_ID 0x54454e55 /* PRAGMA application_id of every log: "TENU" */

struct sqlite3;

/* A log that is open for reading. */
struct tn_log;

/* Open a log for reading.
 *
 * Returns  0; -ENOENT, -EACCES...: the file cannot be read; -EBADMSG: not a log, or damaged; -EPROTO: the log
 *          is of a newer or an older format. error then says what failed and what to do
 * Owns     the caller owns *ret_log; tn_log_close releases it */
int tn_log_open(const char *path, struct tn_log **ret_log, struct tn_error *error);

/* Close a log. NULL is fine. */
void tn_log_close(struct tn_log *log);

/* The connection, for SQL: every table, view and the virtual table `allocation` can be queried on it.
 * Borrowed until tn_log_close. */
struct sqlite3 *tn_log_database(struct tn_log *log);

/* The path that the log was opened with. Borrowed until tn_log_close. */
const char *tn_log_path(const struct tn_log *log);

/* A key of meta as a number; fallback when it is missing. */
int64_t tn_log_meta_int(struct tn_log *log, const char *key, int64_t fallback);

/* Whether the recording was closed in order: what lives at its end lived to the end of its process
 * (meta.closed). */
bool tn_log_is_closed(struct tn_log *log);

/* Whether the log was closed in order and has every event, but for those whose loss is by design: of signal
 * handlers that ran inside the shim, and before or after it (meta.complete). */
bool tn_log_is_complete(struct tn_log *log);

/* Whether `allocation` is read from the chunks: the log has no plain rows, and tools that do not know tenure
 * find no table of that name. */
bool tn_log_is_packed(struct tn_log *log);

/* The process with most allocations; 0 in a log without processes. */
uint64_t tn_log_main_process(struct tn_log *log);

/* ---------------------------------------------------------------------------------------- events */

/* Goes through the events of one process, or of all. */
struct tn_event_cursor;

/* Iterate over the events of one process in time order.
 *
 * database    a connection to a log
 * process_id  0: of all processes, chunk by chunk; then only each process's own events are in order
 * Returns     0; -ENOMEM, -EIO; -EBADMSG: there is no table of chunks
 * Owns        the caller owns *ret_cursor; tn_event_cursor_close releases it, before the connection is
 * closed */
int tn_event_cursor_open(struct sqlite3 *database, uint64_t process_id, struct tn_event_cursor **ret_cursor);

/* The next event.
 *
 * ret_event  borrowed until the next call
 * Returns    1 an event; 0 the end; -EBADMSG a damaged chunk (tn_event_cursor_position says which); -EIO,
 *            -ENOMEM
 * Cost       about 25 ns an event, decompression included */
int tn_event_cursor_next(struct tn_event_cursor *cursor, const struct tn_log_event **ret_event);

/* Row id of the chunk that is being read. */
int64_t tn_event_cursor_position(const struct tn_event_cursor *cursor);

/* Close a cursor. NULL is fine. */
void tn_event_cursor_close(struct tn_event_cursor *cursor);

/* Events in batches, unpacked by a thread of its own. */
struct tn_event_feed;

/* Read the events of one process in batches, which a thread of its own unpacks while the caller looks at the
 * batch before. Where no thread can be had, the calling thread unpacks.
 *
 * database    as of tn_event_cursor_open. A connection that SQLite locks by itself (SQLITE_OPEN_FULLMUTEX, as
 *             tn_log_open gives) may be used by the caller meanwhile; any other is read by the calling thread
 * process_id  as of tn_event_cursor_open
 * Returns     as tn_event_cursor_open
 * Owns        the caller owns *ret_feed; tn_event_feed_close releases it, before the connection is closed
 * Cost        memory: 700 KB beside the cursor's */
int tn_event_feed_open(struct sqlite3 *database, uint64_t process_id, struct tn_event_feed **ret_feed);

/* The next batch.
 *
 * ret_events  borrowed until the next call
 * Returns     events in the batch; 0 at the end; an error of tn_event_cursor_next, after all events before
 * it */
int tn_event_feed_next(struct tn_event_feed *feed, const struct tn_log_event **ret_events);

/* Close a feed, also before the last event. NULL is fine. */
void tn_event_feed_close(struct tn_event_feed *feed);

/* Count how often each stack called each function over all events of a log.
 *
 * database  a connection to a log
 * see       called for each stack and function, in no order; the same ones may come many times, and add up.
 *           It returns 0, or a negative errno that ends the walk
 * context   handed to see
 * Returns   0; what see returned; -ENOMEM, -EIO; -EBADMSG: no table of chunks, or a damaged chunk
 * Cost      about 8 ns an event: only stacks and sizes are unpacked */
int tn_log_each_stack_usage(struct sqlite3 *database,
                            int (*see)(void *context, const struct tn_stack_usage *usage), void *context);

/* ---------------------------------------------------------------------------------------- allocations */

/* One allocation, whole. All fields of its death are 0 while is_live. */
struct tn_allocation {
    uint64_t id;                   /* birth order over all processes, from 1 */
    uint64_t process_id;           /* row of `process` */
    uint64_t thread_id;            /* row of `thread`: who asked for it */
    uint64_t stack_id;             /* row of `stack`; 0: none was taken */
    uint64_t previous_id;          /* the allocation that realloc turned into this one; 0: none */
    uint64_t size_bytes;           /* as asked for */
    uint64_t usable_size_bytes;    /* what the block has; at least size_bytes */
    uint64_t alignment_bytes;      /* as asked for; 0: none asked for */
    uint64_t address;              /* of the block */
    uint64_t depth_bytes;          /* base of the thread's stack minus the caller's CFA, at the birth */
    uint64_t birth_ns;             /* since the log's start */
    uint64_t birth_allocations;    /* allocations of the process up to and with this one */
    uint64_t birth_bytes;          /* bytes that these asked for */
    uint64_t death_ns;             /* since the log's start */
    uint64_t lifetime_allocations; /* allocations that the process made meanwhile; up to the end while live */
    uint64_t lifetime_bytes;       /* bytes that these asked for */
    uint64_t free_thread_id;       /* row of `thread`: who released it */
    uint64_t free_stack_id;        /* row of `stack`; 0: none was taken */
    uint64_t free_depth_bytes;     /* as depth_bytes, at the death */
    enum tn_function function;     /* that returned the block */
    enum tn_function free_function; /* that released it */
    bool is_live;                   /* not released when the events end */
};

/* Goes through the allocations of one process, or of all. */
struct tn_allocation_cursor;

/* What a step of an allocation cursor shows. */
enum tn_cursor_step {
    TN_CURSOR_BIRTH,    /* a block is born: its allocation, still live */
    TN_CURSOR_DEATH,    /* it dies: its allocation, whole */
    TN_CURSOR_SURVIVOR, /* the events of the process are over, and it lives */
};

/* Iterate over allocations: first those that died, in the order of their deaths within a process; then those
 * that live at its end, in birth order. Arguments, results and ownership as of tn_event_cursor_open.
 *
 * Cost  memory in proportion to the blocks that live at once */
int tn_allocation_cursor_open(struct sqlite3 *database, uint64_t process_id,
                              struct tn_allocation_cursor **ret_cursor);

/* The next allocation.
 *
 * ret_allocation  borrowed until the next call
 * Returns         1 an allocation; 0 the end; an error as tn_event_cursor_next */
int tn_allocation_cursor_next(struct tn_allocation_cursor *cursor,
                              const struct tn_allocation **ret_allocation);

/* The next birth, death or survivor, in time order: what tn_allocation_cursor_next gives, and the births
 * between.
 *
 * ret_step  which of them it is
 * Returns   as tn_allocation_cursor_next */
int tn_allocation_cursor_step(struct tn_allocation_cursor *cursor, enum tn_cursor_step *ret_step,
                              const struct tn_allocation **ret_allocation);

/* Close a cursor. NULL is fine. */
void tn_allocation_cursor_close(struct tn_allocation_cursor *cursor);

/* Register the eponymous virtual tables on a connection that has one log: `allocation`, and
 * `allocation_of(SCHEMA)`.
 *
 * Returns  an SQLite result code */
int tn_allocation_vtab_register(struct sqlite3 *database);

/* Register the eponymous virtual table `stack_below(FUNCTION [, SCHEMA])` on a connection.
 *
 * Returns  an SQLite result code */
int tn_stack_below_register(struct sqlite3 *database);

/* Register the SQL functions on a connection: print_count(n), print_bytes(size_bytes) and
 * print_duration(duration_ns), which print as the reports do, NULL for NULL; site_key, which makes site.key;
 * and mark_ns(text [, process_id]), the time of a mark, or an error.
 *
 * Returns  an SQLite result code */
int tn_log_functions_register(struct sqlite3 *database);

/* The view `allocation` of a log with rows, with a comment for each column; a packed log shows the same
 * columns. */
extern const char tn_log_allocation_schema[];

/* Make ready for questions in SQL whatever a person types: the virtual tables, the functions, and temporary
 * views for `allocation` and for what an older log lacks. A name with a dot, as in `two.allocation`, is then
 * refused where that log is packed. On a connection whose main database is no log, `allocation` is refused.
 *
 * Returns  an SQLite result code; sqlite3_errmsg says more */
int tn_log_sql_register(struct sqlite3 *database);

/* ---------------------------------------------------------------------------------------- names */

/* A source frame: a physical one, or one that the compiler inlined into it. Strings are borrowed during the
 * call that shows it. */
struct tn_log_frame {
    uint64_t id;           /* row of `frame` */
    uint64_t physical_id;  /* row of the physical frame that holds it; id: it is one */
    uint64_t module_id;    /* row of `module`; 0: outside every module */
    uint64_t offset_bytes; /* return address minus load bias; outside modules the address */
    const char *function;  /* demangled; NULL: not known */
    const char *module;    /* path; NULL: outside every module */
    const char *file;      /* of the source; NULL: not known */
    uint32_t line;         /* of the call; 0: not known */
    uint32_t column;       /* of the call in that line, from 1; 0: not known */
    bool is_tail_call;     /* a jump had removed it from the stack */
};

/* Go through all frames: those inlined into a physical frame before it, innermost first; physical frames in
 * order of their ids.
 *
 * database  a connection to a log
 * see       called for each; returns 0, or a negative errno that ends the walk
 * context   handed to see
 * Returns   0; what see returned; a negative errno of tn_sql_errno */
int tn_log_each_frame(struct sqlite3 *database, int (*see)(void *context, const struct tn_log_frame *frame),
                      void *context);

/* ---------------------------------------------------------------------------------------- links */

/* Go through the links of one process: who held whose address, with counts, in order of their rows.
 *
 * database    a connection to a log; one that has no links, as those before version 5, shows none
 * process_id  row of `process`
 * see         called for each; returns 0, or a negative errno that ends the walk
 * context     handed to see
 * Returns     0; what see returned; -EBADMSG: a moment that does not exist; a negative errno of tn_sql_errno
 * Cost        one query; at most 65,536 links a process */
int tn_log_each_link(struct sqlite3 *database, uint64_t process_id,
                     int (*see)(void *context, const struct tn_log_link *link), void *context);

/* Go through the numbers of looks of one process, by stack and moment: what the looks of its links are a part
 * of. Arguments, results and cost as of tn_log_each_link. */
int tn_log_each_look(struct sqlite3 *database, uint64_t process_id,
                     int (*see)(void *context, const struct tn_log_look *look), void *context);

/* What a block that holds addresses probably is, and its member at one of the places. Texts are borrowed from
 * the database. */
struct tn_log_member {
    uint64_t site_id; /* row of `site`, whose blocks hold */
    uint64_t offset_bytes;
    const char *type_name;   /* "struct txn" */
    const char *member_name; /* "token"; NULL: one of several in a union */
};

/* Go through the members that the finishing has named, by site and offset. A log of before that, or without
 * links, shows none. Arguments, results and cost as of tn_log_each_link. */
int tn_log_each_member(struct sqlite3 *database,
                       int (*see)(void *context, const struct tn_log_member *member), void *context);

/* Links that chance does not explain: with fewer held blocks it may be a number that looks like an address,
 * or a pointer that was left in used memory; with fewer looks no share is told; and a link in a smaller share
 * of them is one of these, too. From a comparison with all of the memory of seven programs: with all three,
 * none or one of 113 was false. */
#define TN_LINK_DISTINCT_MIN 3u
#define TN_LINK_LOOKS_MIN    3u
#define TN_LINK_SHARE_MIN    0.1

/* The name that SQL shows for a moment ("holder death", "event 4"); "" for NEVER or out of range. Static
 * storage. */
const char *tn_link_moment_name(enum tn_link_moment moment);

/* The moment of a name; TN_LINK_NEVER: there is none, or name is NULL. */
enum tn_link_moment tn_link_moment_of(const char *name);

/* The name that SQL shows for a function ("malloc", "operator new"); "" for NONE or out of range. Static
 * storage. */
const char *tn_function_name(enum tn_function function);

#endif
