/* SPDX-License-Identifier: MIT */

/* Appends births and deaths: each process has one open chunk, which is compressed and inserted when it is
 * full, when the writer commits, or when the process ends. */

#include "writer.h"

#include "tenure/chunk.h"
#include "tenure/sql.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

/* A pack of its own with fewer events than this at a commit is given up again. */
#define QUIET_EVENTS 256u

/* Make room for one more process. */
static int widen(struct tn_log_writer *writer, uint64_t process_id)
{
    size_t wider = writer->pack_capacity != 0 ? writer->pack_capacity : 16;
    while (wider < process_id)
        wider *= 2;
    struct tn_pack **packs = realloc(writer->packs, wider * sizeof(packs[0]));
    if (packs == NULL)
        return tn_writer_fail(writer, -ENOMEM);
    writer->packs = packs;
    struct tn_spool *spools = realloc(writer->spools, wider * sizeof(spools[0]));
    if (spools == NULL)
        return tn_writer_fail(writer, -ENOMEM);
    writer->spools = spools;
    memset(packs + writer->pack_capacity, 0, (wider - writer->pack_capacity) * sizeof(packs[0]));
    memset(spools + writer->pack_capacity, 0, (wider - writer->pack_capacity) * sizeof(spools[0]));
    writer->pack_capacity = wider;
    return 0;
}

static int check_process(struct tn_log_writer *writer, uint64_t process_id)
{
    if (writer->error.code != 0)
        return writer->error.code;
    if (process_id == 0 || process_id > writer->process_count)
        return -EINVAL;
    return process_id > writer->pack_capacity ? widen(writer, process_id) : 0;
}

/* The spool of a process without a pack; NULL: it has one, or cannot have a spool (open_pack tells why). */
static inline struct tn_spool *find_spool(struct tn_log_writer *writer, uint64_t process_id)
{
    if (process_id - 1 < writer->pack_capacity && writer->packs[process_id - 1] != NULL)
        return NULL;
    if (check_process(writer, process_id) < 0)
        return NULL;
    struct tn_spool *spool = &writer->spools[process_id - 1];
    if (spool->count == 0)
        spool->base_id = writer->allocation_count;
    return spool;
}

/* A pack of its own, with what the process's spool has. */
static int make_pack(struct tn_log_writer *writer, uint64_t process_id)
{
    int r = check_process(writer, process_id);
    if (r < 0)
        return r;
    struct tn_spool *spool = &writer->spools[process_id - 1];
    struct tn_pack *pack = tn_pack_create(process_id);
    if (pack == NULL)
        return tn_writer_fail(writer, -ENOMEM);
    writer->packs[process_id - 1] = pack;
    tn_pack_know_ids(pack, spool->count != 0 ? spool->base_id : writer->allocation_count);
    r = tn_spool_pour(spool, pack);
    tn_spool_finish(spool);
    return r < 0 ? tn_writer_fail(writer, r) : 0;
}

/* The open chunk of a process, with room for an event. */
static inline int open_pack(struct tn_log_writer *writer, uint64_t process_id, struct tn_pack **ret_pack)
{
    int r = 0;
    if (process_id - 1 >= writer->pack_capacity || writer->packs[process_id - 1] == NULL)
        r = make_pack(writer, process_id);
    else if (tn_pack_count(writer->packs[process_id - 1]) >= TN_CHUNK_EVENTS_MAX)
        r = tn_writer_flush(writer, process_id);
    if (__builtin_expect((r | writer->error.code) != 0, 0))
        return r != 0 ? r : writer->error.code;
    *ret_pack = writer->packs[process_id - 1];
    return 0;
}

static inline void note_time(struct tn_log_writer *writer, uint64_t time_ns)
{
    if (time_ns > writer->last_ns)
        writer->last_ns = time_ns;
}

static int append_birth(struct tn_log_writer *writer, const struct tn_birth *birth)
{
    struct tn_spool *spool = find_spool(writer, birth->process_id);
    if (spool != NULL && tn_spool_takes_birth(spool, birth))
        return tn_spool_birth(spool, birth, writer->allocation_count + 1);
    struct tn_pack *pack = NULL;
    int r = open_pack(writer, birth->process_id, &pack);
    return r == 0 ? tn_pack_birth(pack, birth, writer->allocation_count + 1) : r;
}

static int append_death(struct tn_log_writer *writer, const struct tn_death *death)
{
    struct tn_spool *spool = find_spool(writer, death->process_id);
    if (spool != NULL && tn_spool_takes_death(spool, death))
        return tn_spool_death(spool, death);
    struct tn_pack *pack = NULL;
    int r = open_pack(writer, death->process_id, &pack);
    return r == 0 ? tn_pack_death(pack, death) : r;
}

int tn_log_add_birth(struct tn_log_writer *writer, const struct tn_birth *birth, uint64_t *ret_id)
{
    int r = append_birth(writer, birth);
    if (r < 0)
        return r == -EINVAL ? r : tn_writer_fail(writer, r);
    note_time(writer, birth->time_ns);
    writer->allocated_bytes += birth->size_bytes;
    *ret_id = ++writer->allocation_count;
    return 0;
}

int tn_log_add_death(struct tn_log_writer *writer, const struct tn_death *death)
{
    if (death->allocation_id == 0 || death->allocation_id > writer->allocation_count)
        return writer->error.code != 0 ? writer->error.code : -EINVAL;
    int r = append_death(writer, death);
    if (r < 0)
        return r == -EINVAL ? r : tn_writer_fail(writer, r);
    note_time(writer, death->time_ns);
    writer->death_count++;
    return 0;
}

uint64_t tn_log_last_id(const struct tn_log_writer *writer)
{
    return writer->allocation_count;
}

/* Append events for which the open chunk has room. The totals of the chunk tell how many were appended, also
 * when one is refused. */
static int add_to_chunk(struct tn_log_writer *writer, struct tn_pack *pack,
                        const struct tn_plain_event *events, uint32_t count)
{
    struct tn_pack_totals before = tn_pack_totals(pack);
    int r = tn_pack_batch(pack, events, count, writer->allocation_count + 1);
    struct tn_pack_totals after = tn_pack_totals(pack);
    uint32_t births = after.births - before.births, all = after.events - before.events;
    if (all != 0)
        note_time(writer, events[all - 1].time_ns);
    writer->allocation_count += births;
    writer->death_count += all - births;
    writer->allocated_bytes += after.birth_bytes - before.birth_bytes;
    return r < 0 && r != -EINVAL ? tn_writer_fail(writer, r) : r;
}

/* Ids that are not consecutive are for the pack to refuse. */
static bool are_consecutive(const struct tn_log_writer *writer, const struct tn_plain_event *events,
                            uint32_t count)
{
    uint64_t next_id = writer->allocation_count + 1;
    for (uint32_t i = 0; i < count; i++)
        if (events[i].is_birth ? events[i].allocation_id != next_id++
                               : events[i].allocation_id == 0 || events[i].allocation_id >= next_id)
            return false;
    return true;
}

static int add_to_spool(struct tn_log_writer *writer, struct tn_spool *spool,
                        const struct tn_plain_event *events, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        int r = tn_spool_plain(spool, &events[i]);
        if (r < 0)
            return tn_writer_fail(writer, r);
        writer->allocation_count += events[i].is_birth;
        writer->death_count += !events[i].is_birth;
        writer->allocated_bytes += events[i].size_bytes;
    }
    if (count != 0)
        note_time(writer, events[count - 1].time_ns);
    return 0;
}

int tn_log_add_plain(struct tn_log_writer *writer, uint64_t process_id, const struct tn_plain_event *events,
                     uint32_t count)
{
    struct tn_spool *spool = find_spool(writer, process_id);
    if (spool != NULL && tn_spool_takes_plain(spool, events, count) && are_consecutive(writer, events, count))
        return add_to_spool(writer, spool, events, count);
    while (count != 0) {
        struct tn_pack *pack = NULL;
        int r = open_pack(writer, process_id, &pack);
        if (r < 0)
            return r;
        uint32_t room = TN_CHUNK_EVENTS_MAX - tn_pack_count(pack);
        uint32_t part = count < room ? count : room;
        r = add_to_chunk(writer, pack, events, part);
        if (r < 0)
            return r;
        events += part;
        count -= part;
    }
    return 0;
}

static int insert_chunk(struct tn_log_writer *writer, const struct tn_chunk *chunk)
{
    struct sqlite3_stmt *statement = tn_writer_statement(writer, TN_WRITER_CHUNK);
    if (statement == NULL)
        return writer->error.code;
    tn_sql_bind_id(statement, 1, chunk->process_id);
    tn_sql_bind_id(statement, 2, chunk->first_id);
    tn_sql_bind_id(statement, 3, chunk->last_id);
    const uint64_t numbers[] = {chunk->first_ns, chunk->last_ns,     chunk->births,      chunk->deaths,
                                chunk->reallocs, chunk->birth_bytes, chunk->usable_bytes};
    for (int i = 0; i < 7; i++)
        tn_sql_bind_count(statement, 4 + i, numbers[i]);
    tn_sql_bind_text(statement, 11, chunk->codec);
    tn_sql_bind_count(statement, 12, chunk->checksum);
    sqlite3_bind_blob64(statement, 13, chunk->data, chunk->data_bytes, SQLITE_STATIC);
    return tn_writer_step(writer, statement);
}

static int compress(struct tn_log_writer *writer, struct tn_pack *pack)
{
    if (writer->compressor == NULL)
        writer->compressor = tn_compressor_create();
    if (writer->compressor == NULL)
        return tn_writer_fail(writer, -ENOMEM);
    struct tn_chunk chunk;
    int r = tn_pack_compress(pack, writer->compressor, &chunk);
    if (r == -ENODATA)
        return 0;
    return r < 0 ? tn_writer_fail(writer, r) : insert_chunk(writer, &chunk);
}

/* A process without events since the last commit keeps no memory. */
static int flush_spool(struct tn_log_writer *writer, uint64_t process_id)
{
    struct tn_spool *spool = &writer->spools[process_id - 1];
    if (spool->count == 0) {
        tn_spool_finish(spool);
        return 0;
    }
    if (writer->shared == NULL)
        writer->shared = tn_pack_create(process_id);
    if (writer->shared == NULL)
        return tn_writer_fail(writer, -ENOMEM);
    tn_pack_assign(writer->shared, process_id, spool->base_id);
    int r = tn_spool_pour(spool, writer->shared);
    return r < 0 ? tn_writer_fail(writer, r) : compress(writer, writer->shared);
}

int tn_writer_flush(struct tn_log_writer *writer, uint64_t process_id)
{
    if (writer->error.code != 0)
        return writer->error.code;
    if (process_id == 0 || process_id > writer->pack_capacity)
        return 0;
    struct tn_pack *pack = writer->packs[process_id - 1];
    if (pack == NULL)
        return flush_spool(writer, process_id);
    bool is_quiet = tn_pack_count(pack) < QUIET_EVENTS;
    int r = compress(writer, pack);
    if (is_quiet) {
        tn_pack_destroy(pack);
        writer->packs[process_id - 1] = NULL;
    }
    return r;
}

int tn_writer_close_pack(struct tn_log_writer *writer, uint64_t process_id)
{
    int r = tn_writer_flush(writer, process_id);
    if (r == 0 && process_id != 0 && process_id <= writer->pack_capacity) {
        tn_pack_destroy(writer->packs[process_id - 1]);
        writer->packs[process_id - 1] = NULL;
        tn_spool_finish(&writer->spools[process_id - 1]);
    }
    return r;
}

void tn_writer_release_packs(struct tn_log_writer *writer)
{
    for (size_t i = 0; i < writer->pack_capacity; i++) {
        tn_pack_destroy(writer->packs[i]);
        tn_spool_finish(&writer->spools[i]);
    }
    tn_pack_destroy(writer->shared);
    free(writer->packs);
    free(writer->spools);
    tn_compressor_destroy(writer->compressor);
}
