/* SPDX-License-Identifier: MIT */

/* Gives the events of a log in time order: reads the rows of `chunk` one after the other, leaves out those
 * that no wanted allocation can be in, and unpacks the others. */

#include "cursor.h"

#include "tenure/chunk.h"
#include "tenure/sql.h"

#include <errno.h>
#include <sqlite3ext.h>
#include <stdlib.h>
SQLITE_EXTENSION_INIT3

#define BATCH_EVENTS 64u /* they stay in the first-level cache */

struct tn_event_cursor {
    struct sqlite3 *database;       /* borrowed */
    struct sqlite3_stmt *statement; /* owned; on the row of the current chunk */
    struct tn_cursor_range range;
    struct tn_unpack *unpack; /* owned */
    struct tn_chunk chunk;    /* of the current row; its codec and data are not kept */
    struct tn_log_event batch[BATCH_EVENTS];
    uint32_t batch_count, batch_index; /* events read, and of these given out */
    int64_t row_id;
    uint64_t births_before,
        bytes_before; /* births of the current process in chunks left out, and the bytes they asked for */
    uint64_t last_birth_id;   /* highest id born in the current process's rows so far; 0: none */
    uint64_t skip_process_id; /* its chunks are left out from now on; 0: none */
    bool is_in_range;         /* the current process has had its first wanted chunk */
    bool is_chunk_open;
};

#define CHUNK_COLUMNS                                                                                        \
    "SELECT id, process_id, first_id, last_id, first_ns, last_ns, births, deaths, birth_bytes, checksum,"    \
    " codec, data FROM \"%w\".chunk "

static int prepare_chunks(struct tn_event_cursor *cursor)
{
    const struct tn_cursor_range *range = &cursor->range;
    const char *sql = range->process_id != 0 ? CHUNK_COLUMNS "WHERE process_id = ?1 ORDER BY id"
                                             : CHUNK_COLUMNS "ORDER BY process_id, id";
    return tn_sql_prepare_in(cursor->database, sql, tn_cursor_schema(range), &cursor->statement);
}

int tn_event_cursor_open_range(struct sqlite3 *database, const struct tn_cursor_range *range,
                               struct tn_event_cursor **ret_cursor)
{
    struct tn_event_cursor *cursor = calloc(1, sizeof(*cursor));
    if (cursor == NULL)
        return -ENOMEM;
    cursor->database = database;
    cursor->range = *range;
    int r = prepare_chunks(cursor);
    cursor->unpack = r == 0 ? tn_unpack_create() : NULL;
    if (cursor->unpack == NULL) {
        tn_event_cursor_close(cursor);
        return r < 0 ? r : -ENOMEM;
    }
    if (range->process_id != 0)
        sqlite3_bind_int64(cursor->statement, 1, (sqlite3_int64)range->process_id);
    *ret_cursor = cursor;
    return 0;
}

int tn_event_cursor_open(struct sqlite3 *database, uint64_t process_id, struct tn_event_cursor **ret_cursor)
{
    struct tn_cursor_range range = tn_cursor_range_all(process_id);
    return tn_event_cursor_open_range(database, &range, ret_cursor);
}

/* Whether the chunk of the current row can follow the one before it. Ids and times rise from chunk to chunk
 * of a process; readers keep live blocks by their ids, and rely on it. */
static bool is_in_order(const struct tn_event_cursor *cursor, uint64_t before_id, uint64_t before_ns)
{
    const struct tn_chunk *chunk = &cursor->chunk;
    return chunk->first_ns >= before_ns && (chunk->births == 0 || chunk->first_id > before_id);
}

/* Read the numbers of the current row. Returns 0, or -EBADMSG: it cannot follow the row before it. */
static int read_row(struct tn_event_cursor *cursor)
{
    uint64_t numbers[10];
    for (int i = 0; i < 10; i++)
        numbers[i] = (uint64_t)sqlite3_column_int64(cursor->statement, i);
    uint64_t before_ns = cursor->chunk.last_ns;
    if (numbers[1] != cursor->chunk.process_id) {
        cursor->births_before = cursor->bytes_before = 0;
        cursor->is_in_range = false;
        before_ns = cursor->last_birth_id = 0;
    }
    cursor->row_id = (int64_t)numbers[0];
    cursor->chunk = (struct tn_chunk){
        .process_id = numbers[1],
        .first_id = numbers[2],
        .last_id = numbers[3],
        .first_ns = numbers[4],
        .last_ns = numbers[5],
        .births = numbers[6],
        .deaths = numbers[7],
        .birth_bytes = numbers[8],
        .checksum = numbers[9],
    };
    if (!is_in_order(cursor, cursor->last_birth_id, before_ns))
        return -EBADMSG;
    if (numbers[6] != 0)
        cursor->last_birth_id = numbers[3];
    return 0;
}

/* Whether the chunk of the current row can be left out. */
static bool is_left_out(struct tn_event_cursor *cursor)
{
    const struct tn_chunk *chunk = &cursor->chunk;
    if (chunk->process_id == cursor->skip_process_id)
        return true;
    if (cursor->range.need != TN_NEED_ALL && chunk->births == 0)
        return true;
    if (cursor->is_in_range)
        return false;
    bool is_before = chunk->births == 0 || chunk->last_id < cursor->range.first_id ||
                     chunk->last_ns < cursor->range.first_birth_ns;
    /* A chunk without births says nothing about the range; with no bound at all nothing is left out. */
    if (!is_before || (cursor->range.first_id == 0 && cursor->range.first_birth_ns == 0)) {
        cursor->is_in_range = true;
        return false;
    }
    cursor->births_before += chunk->births;
    cursor->bytes_before += chunk->birth_bytes;
    return true;
}

/* Open the next chunk that is not left out: 1; 0 at the end; or a negative errno. */
static int open_chunk(struct tn_event_cursor *cursor)
{
    do {
        int rc = sqlite3_step(cursor->statement);
        if (rc != SQLITE_ROW)
            return rc == SQLITE_DONE ? 0 : tn_sql_errno(cursor->database, rc);
        int r = read_row(cursor);
        if (r < 0)
            return r;
    } while (is_left_out(cursor));
    struct tn_chunk chunk = cursor->chunk;
    chunk.codec = (const char *)sqlite3_column_text(cursor->statement, 10);
    chunk.data = sqlite3_column_blob(cursor->statement, 11);
    chunk.data_bytes = (size_t)sqlite3_column_bytes(cursor->statement, 11);
    int r = cursor->range.need == TN_NEED_ALL
                ? tn_unpack_open(cursor->unpack, &chunk)
                : tn_unpack_open_births(cursor->unpack, &chunk, cursor->range.need == TN_NEED_BIRTHS);
    if (r < 0)
        return r;
    cursor->is_chunk_open = true;
    return 1;
}

int tn_event_cursor_read(struct tn_event_cursor *cursor, struct tn_log_event *events, uint32_t capacity)
{
    for (;;) {
        if (cursor->is_chunk_open) {
            int r = cursor->range.need == TN_NEED_ALL
                        ? tn_unpack_read(cursor->unpack, events, capacity)
                        : tn_unpack_read_births(cursor->unpack, events, capacity);
            if (r != 0)
                return r;
            cursor->is_chunk_open = false;
        }
        int r = open_chunk(cursor);
        if (r <= 0)
            return r;
    }
}

/* Not inlined into tn_event_cursor_next, which is called for each event. */
static __attribute__((noinline)) int read_batch(struct tn_event_cursor *cursor)
{
    cursor->batch_index = cursor->batch_count = 0;
    int r = tn_event_cursor_read(cursor, cursor->batch, BATCH_EVENTS);
    if (r > 0)
        cursor->batch_count = (uint32_t)r;
    return r;
}

int tn_event_cursor_next(struct tn_event_cursor *cursor, const struct tn_log_event **ret_event)
{
    if (__builtin_expect(cursor->batch_index == cursor->batch_count, 0)) {
        int r = read_batch(cursor);
        if (r <= 0)
            return r;
    }
    *ret_event = &cursor->batch[cursor->batch_index++];
    return 1;
}

int64_t tn_event_cursor_position(const struct tn_event_cursor *cursor)
{
    return cursor->row_id;
}

uint64_t tn_event_cursor_births_before(const struct tn_event_cursor *cursor)
{
    return cursor->births_before;
}

uint64_t tn_event_cursor_bytes_before(const struct tn_event_cursor *cursor)
{
    return cursor->bytes_before;
}

bool tn_event_cursor_is_past_range(const struct tn_event_cursor *cursor)
{
    if (!tn_unpack_is_done(cursor->unpack) || cursor->batch_index != cursor->batch_count)
        return false;
    /* Ids and times rise from chunk to chunk of a process. */
    return (cursor->chunk.births != 0 && cursor->chunk.last_id >= cursor->range.last_id) ||
           cursor->chunk.last_ns > cursor->range.last_birth_ns;
}

void tn_event_cursor_skip_process(struct tn_event_cursor *cursor)
{
    cursor->skip_process_id = cursor->chunk.process_id;
    cursor->is_chunk_open = false;
    cursor->batch_index = cursor->batch_count = 0;
}

void tn_event_cursor_close(struct tn_event_cursor *cursor)
{
    if (cursor == NULL)
        return;
    sqlite3_finalize(cursor->statement);
    tn_unpack_destroy(cursor->unpack);
    free(cursor);
}
