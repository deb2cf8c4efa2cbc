/* SPDX-License-Identifier: MIT */
#ifndef TN_LOG_WRITER_H
#define TN_LOG_WRITER_H

/* The inside of struct tn_log_writer, shared by the files that append to a log. */

#include "intern.h"
#include "spool.h"

#include "tenure/base.h"
#include "tenure/log_write.h"

#include <stddef.h>
#include <stdint.h>

struct sqlite3;
struct sqlite3_stmt;
struct tn_pack;
struct tn_compressor;

enum tn_writer_statement {
    TN_WRITER_BEGIN,
    TN_WRITER_COMMIT,
    TN_WRITER_META,
    TN_WRITER_TEXT_BYTES,
    TN_WRITER_PROCESS,
    TN_WRITER_PROCESS_NAME,
    TN_WRITER_PROCESS_END,
    TN_WRITER_THREAD,
    TN_WRITER_THREAD_END,
    TN_WRITER_THREAD_LOSS,
    TN_WRITER_MODULE,
    TN_WRITER_MAPPING,
    TN_WRITER_MAPPING_END,
    TN_WRITER_FRAME,
    TN_WRITER_STACK,
    TN_WRITER_FAILURE,
    TN_WRITER_MARK,
    TN_WRITER_LINK,
    TN_WRITER_LINK_LOOK,
    TN_WRITER_POOL,
    TN_WRITER_POOL_SIZE,
    TN_WRITER_POOL_BLOCK,
    TN_WRITER_POOL_BLOCK_END,
    TN_WRITER_CHUNK,
    TN_WRITER_STATEMENT_COUNT
};

struct tn_log_writer {
    struct sqlite3 *database; /* owned; a write transaction is open between two commits */
    struct sqlite3_stmt *statements[TN_WRITER_STATEMENT_COUNT]; /* owned */
    char *path;                                                 /* owned */
    struct tn_error error;    /* the first failure; code 0: the writer is alive */
    bool has_gaps;            /* tn_log_note_gaps was called */
    bool omits_command_lines; /* as tn_log_options */
    struct tn_intern intern;
    struct tn_pack **packs;           /* owned; the open chunk of process id - 1; NULL: none */
    struct tn_spool *spools;          /* owned; by process id - 1: the events of those that have no pack */
    size_t pack_capacity;             /* room in packs and spools */
    struct tn_pack *shared;           /* owned; packs what was in spools; made when first needed */
    struct tn_compressor *compressor; /* owned; made with the first chunk */
    uint64_t process_count, thread_count, mapping_count; /* rows, which are the ids given last */
    uint64_t link_count;                                 /* the same, of links */
    uint64_t pool_count, pool_block_count;               /* the same, of pools and their blocks */
    uint64_t allocation_count, death_count;              /* events accepted */
    uint64_t allocated_bytes;                            /* asked for by these allocations */
    uint64_t last_ns;                                    /* latest time seen in an event */
};

/* A statement, ready for binding; NULL when the writer is dead. */
struct sqlite3_stmt *tn_writer_statement(struct tn_log_writer *writer, enum tn_writer_statement which);

/* Run a statement that gives no rows, and make it ready again. Returns 0 or the writer's error. */
int tn_writer_step(struct tn_log_writer *writer, struct sqlite3_stmt *statement);

/* End the writer with an error. Returns code, or that of an earlier error. */
int tn_writer_fail(struct tn_log_writer *writer, int code);

/* Compress the open chunk of a process and insert it; does nothing without one. Returns 0 or the writer's
 * error. */
int tn_writer_flush(struct tn_log_writer *writer, uint64_t process_id);

/* The same, and release its memory: no event of that process is expected any more. */
int tn_writer_close_pack(struct tn_log_writer *writer, uint64_t process_id);

/* Release all packs and the compressor. */
void tn_writer_release_packs(struct tn_log_writer *writer);

/* Bind text from outside, NULL as "": what is no UTF-8 in it is escaped, and its bytes are kept in
 * text_bytes.
 *
 * index    from 1
 * text     borrowed until the statement is reset
 * Returns  0; an error that ended the writer */
int tn_writer_bind_text(struct tn_log_writer *writer, struct sqlite3_stmt *statement, int index,
                        const char *text);

#endif
