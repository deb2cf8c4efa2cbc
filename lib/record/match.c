/* SPDX-License-Identifier: MIT */
/* Applies one event at a time, all kinds: births, deaths, the two halves of a realloc, failures; others go
 * to thread_rows.c. It decides what is out of order (wait for the counterpart), what is unmatched, and what a
 * fork child inherited. order.c calls it for every event that fast_path.c does not take. */
#include "match.h"

#include "links.h"
#include "own_pools.h"
#include "thread_rows.h"

#include "tenure/event_body.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The shim gives ids in sequence; one this far above the others is damage. */
#define STACK_ID_LEAP (1u << 22)

static inline uint64_t event_ns(struct tn_matcher *matcher, uint64_t ticks)
{
    uint64_t ns = tn_clock_ns(matcher->clock, ticks);
    if (ns < matcher->last_ns)
        ns = matcher->last_ns;
    matcher->last_ns = ns;
    return ns;
}

static enum tn_function event_function(uint64_t head)
{
    uint32_t function = tn_event_function_of(head);
    return function < TN_FUNCTION_COUNT ? (enum tn_function)function : TN_FUNCTION_NONE;
}

static uint64_t event_stack(struct tn_matcher *matcher, uint64_t head)
{
    uint32_t id = tn_event_stack_of(head);
    if (id == 0)
        return 0;
    uint64_t row = id < matcher->stacks.count ? matcher->stacks.rows[id] : 0;
    matcher->totals->unknown_stacks += row == 0;
    return row;
}

static int write_death(struct tn_stream *stream, const struct tn_death *death)
{
    stream->matcher->totals->deaths++;
    return tn_log_add_death(stream->matcher->writer, death);
}

/* Keep what links need of a block that leaves the table: what dies may be held by what dies next. */
static void note_death(struct tn_matcher *matcher, const struct tn_address_table_entry *entry)
{
    if (matcher->dead == NULL)
        return;
    struct tn_address_table_note note = tn_address_table_note(entry);
    tn_dead_blocks_put(
        matcher->dead, tn_dead_block_place(tn_address_table_address(entry), matcher->process_id),
        entry->value & TN_MATCH_ID_MASK, tn_log_last_id(matcher->writer), note.stack_id, note.size_code);
}

static void note_birth(const struct tn_matcher *matcher, struct tn_address_table_entry *entry,
                       const struct tn_birth *birth)
{
    if (matcher->dead != NULL)
        tn_address_table_set_note(entry, (uint32_t)birth->stack_id, birth->size_bytes);
}

/* Take out of the table a block that dies. */
static void remove_entry(struct tn_matcher *matcher, struct tn_address_table_entry *entry)
{
    note_death(matcher, entry);
    tn_address_table_remove(&matcher->table, entry);
}

/* The LEAVE events since the thread's previous birth or death belong to this one. */
static inline uint64_t take_left(struct tn_stream *stream)
{
    uint64_t left_depth_bytes = stream->left_depth_bytes;
    stream->left_depth_bytes = 0;
    return left_depth_bytes;
}

static inline struct tn_death death_of(struct tn_stream *stream, const struct tn_address_table_entry *entry,
                                       uint32_t depth_bytes)
{
    return (struct tn_death){
        .process_id = stream->matcher->process_id,
        .allocation_id = entry->value & TN_MATCH_ID_MASK,
        .thread_id = stream->thread_id,
        .stack_id = event_stack(stream->matcher, stream->head),
        .time_ns = event_ns(stream->matcher, stream->stamp),
        .depth_bytes = depth_bytes,
        .left_depth_bytes = take_left(stream),
        .function = event_function(stream->head),
        .address = tn_address_table_address(entry),
        .size_class = entry->value >> TN_MATCH_CLASS_SHIFT & TN_MATCH_CLASS_MASK,
    };
}

/* Only one ring ever held an event: no counterpart can come from another. */
static bool is_alone(const struct tn_matcher *matcher)
{
    return matcher->stream_count <= 1;
}

static int open_realloc(struct tn_stream *stream, struct tn_address_table_entry *entry)
{
    struct tn_matcher *matcher = stream->matcher;
    if (matcher->open_realloc_count == matcher->open_realloc_capacity) {
        uint32_t capacity = matcher->open_realloc_capacity != 0 ? matcher->open_realloc_capacity * 2 : 8;
        struct tn_stream **grown = realloc(matcher->open_reallocs, capacity * sizeof(grown[0]));
        if (grown == NULL)
            return -ENOMEM;
        matcher->open_reallocs = grown;
        matcher->open_realloc_capacity = capacity;
    }
    matcher->open_reallocs[matcher->open_realloc_count++] = stream;
    entry->value |= TN_MATCH_REALLOC_OPEN;
    stream->realloc.is_open = true;
    return 0;
}

static void close_realloc(struct tn_stream *stream)
{
    struct tn_matcher *matcher = stream->matcher;
    stream->realloc.is_open = false;
    for (uint32_t i = 0; i < matcher->open_realloc_count; i++)
        if (matcher->open_reallocs[i] == stream) {
            matcher->open_reallocs[i] = matcher->open_reallocs[--matcher->open_realloc_count];
            return;
        }
}

/* The release that an open realloc announced has happened: the block dies. Its COMMIT then finds the realloc
 * closed, but still knows the id.
 */
static int complete_realloc(struct tn_stream *stream)
{
    struct tn_matcher *matcher = stream->matcher;
    struct tn_open_realloc *open = &stream->realloc;
    close_realloc(stream);
    struct tn_address_table_entry *entry = tn_address_table_find(&matcher->table, open->address);
    if (entry != NULL && (entry->value & TN_MATCH_ID_MASK) == open->allocation_id)
        remove_entry(matcher, entry);
    uint64_t ns = open->time_ns > matcher->last_ns ? open->time_ns : matcher->last_ns;
    matcher->last_ns = ns;
    struct tn_death death = {
        .process_id = matcher->process_id,
        .allocation_id = open->allocation_id,
        .thread_id = stream->thread_id,
        .stack_id = open->stack_id,
        .time_ns = ns,
        .depth_bytes = open->depth_bytes,
        .left_depth_bytes = open->left_depth_bytes,
        .function = open->function,
        .address = open->address,
        .size_class = open->size_class,
    };
    return write_death(stream, &death);
}

/* A birth at the address of a block that is being reallocated: the allocator gave the address away, so the
 * realloc has released it. */
static int complete_realloc_at(struct tn_matcher *matcher, uint64_t address)
{
    for (uint32_t i = 0; i < matcher->open_realloc_count; i++)
        if (matcher->open_reallocs[i]->realloc.address == address)
            return complete_realloc(matcher->open_reallocs[i]);
    return 0;
}

/* The address of a birth is still live. Returns DONE when it has been freed. */
static int free_address(struct tn_stream *stream, struct tn_address_table_entry *entry, bool is_forced)
{
    struct tn_matcher *matcher = stream->matcher;
    if ((entry->value & TN_MATCH_REALLOC_OPEN) != 0)
        return complete_realloc_at(matcher, tn_address_table_address(entry));
    if (!is_forced && !is_alone(matcher))
        return TN_VERDICT_PARK;
    matcher->totals->unmatched_births++;
    tn_address_table_remove(&matcher->table, entry);
    return TN_VERDICT_DONE;
}

static void fill_birth(struct tn_stream *stream, const struct tn_event_block *block, struct tn_birth *birth)
{
    struct tn_matcher *matcher = stream->matcher;
    birth->process_id = matcher->process_id;
    birth->thread_id = stream->thread_id;
    birth->stack_id = event_stack(matcher, stream->head);
    birth->time_ns = event_ns(matcher, stream->stamp);
    birth->address = block->address;
    birth->size_bytes = block->size_bytes;
    birth->usable_size_bytes = block->usable_size_bytes;
    birth->alignment_bytes = block->alignment_bytes;
    birth->depth_bytes = block->depth_bytes;
    birth->left_depth_bytes = take_left(stream);
    birth->previous_id = stream->previous_id;
    birth->function = event_function(stream->head);
}

static int apply_birth(struct tn_stream *stream, bool is_forced)
{
    struct tn_matcher *matcher = stream->matcher;
    struct tn_event_block block;
    struct tn_birth birth;
    if (!tn_event_get_block(stream->next, stream->head, stream->words, &block) || block.address == 0)
        return -EBADMSG;
    struct tn_address_table_entry *entry = tn_address_table_claim(&matcher->table, block.address);
    if (entry == NULL)
        return -ENOMEM;
    if (entry->value != 0) {
        int r = free_address(stream, entry, is_forced);
        if (r != TN_VERDICT_DONE)
            return r;
        entry = tn_address_table_claim(&matcher->table, block.address);
        if (entry == NULL)
            return -ENOMEM;
    }
    fill_birth(stream, &block, &birth);
    stream->previous_id = 0;
    matcher->totals->births++;
    matcher->totals->birth_bytes += birth.size_bytes;
    note_birth(matcher, entry, &birth);
    int r = tn_log_add_birth(matcher->writer, &birth, &entry->value);
    if (r == 0)
        entry->value |= (uint64_t)tn_log_size_class(birth.usable_size_bytes) << TN_MATCH_CLASS_SHIFT;
    return r;
}

/* A fork child may release what its parent allocated, and a process that was paused what was born meanwhile;
 * in any other process an unknown release means a birth was not seen. */
static void count_unknown_release(struct tn_matcher *matcher)
{
    if (matcher->was_paused)
        matcher->totals->unrecorded_frees++;
    else if (matcher->is_fork_child)
        matcher->totals->inherited_frees++;
    else
        matcher->totals->unmatched_frees++;
}

/* Whether the birth that a release belongs to may still come, from another ring. */
static bool may_be_early(const struct tn_stream *stream)
{
    uint64_t paused_ticks = stream->matcher->paused_ticks;
    return !is_alone(stream->matcher) && (paused_ticks == 0 || stream->stamp <= paused_ticks);
}

static int apply_unknown_death(struct tn_stream *stream, bool is_forced)
{
    struct tn_matcher *matcher = stream->matcher;
    if (!is_forced && may_be_early(stream))
        return TN_VERDICT_PARK;
    count_unknown_release(matcher);
    return TN_VERDICT_DONE;
}

static int apply_death(struct tn_stream *stream, bool is_forced)
{
    struct tn_matcher *matcher = stream->matcher;
    uint64_t address;
    uint32_t depth_bytes;
    if (!tn_event_get_release(stream->next, stream->words, &address, &depth_bytes))
        return -EBADMSG;
    struct tn_address_table_entry *entry = tn_address_table_find(&matcher->table, address);
    if (entry == NULL || (entry->value & TN_MATCH_REALLOC_OPEN) != 0)
        return apply_unknown_death(stream, is_forced);
    struct tn_death death = death_of(stream, entry, depth_bytes);
    remove_entry(matcher, entry);
    return write_death(stream, &death);
}

/* The COMMIT nearly always follows the BEGIN directly: then the outcome is known now, and the death is
 * written in its exact order. Otherwise the realloc stays open until the COMMIT comes. */
static int begin_realloc(struct tn_stream *stream, struct tn_address_table_entry *entry, uint32_t depth_bytes)
{
    uint64_t after = tn_stream_next_head(stream);
    bool is_known = tn_event_kind_of(after) == TN_EVENT_REALLOC_COMMIT;
    struct tn_death death = death_of(stream, entry, depth_bytes);
    stream->realloc = (struct tn_open_realloc){
        .address = tn_address_table_address(entry),
        .allocation_id = death.allocation_id,
        .time_ns = death.time_ns,
        .stack_id = death.stack_id,
        .depth_bytes = death.depth_bytes,
        .left_depth_bytes = death.left_depth_bytes,
        .function = death.function,
        .size_class = death.size_class,
    };
    if (!is_known)
        return open_realloc(stream, entry);
    if ((tn_event_flags_of(after) & TN_EVENT_FLAG_FAILED) != 0)
        return 0;
    remove_entry(stream->matcher, entry);
    return write_death(stream, &death);
}

static int apply_begin(struct tn_stream *stream, bool is_forced)
{
    struct tn_matcher *matcher = stream->matcher;
    uint64_t address;
    uint32_t depth_bytes;
    if (!tn_event_get_release(stream->next, stream->words, &address, &depth_bytes))
        return -EBADMSG;
    if (stream->realloc.is_open)
        close_realloc(stream);
    struct tn_address_table_entry *entry = tn_address_table_find(&matcher->table, address);
    if (entry != NULL && (entry->value & TN_MATCH_REALLOC_OPEN) == 0)
        return begin_realloc(stream, entry, depth_bytes);
    if (!is_forced && may_be_early(stream))
        return TN_VERDICT_PARK;
    stream->realloc = (struct tn_open_realloc){0};
    if ((tn_event_flags_of(tn_stream_next_head(stream)) & TN_EVENT_FLAG_FAILED) != 0)
        return TN_VERDICT_DONE;
    count_unknown_release(matcher);
    return TN_VERDICT_DONE;
}

static int commit_failed(struct tn_stream *stream)
{
    struct tn_matcher *matcher = stream->matcher;
    if (stream->realloc.is_open) {
        close_realloc(stream);
        struct tn_address_table_entry *entry =
            tn_address_table_find(&matcher->table, stream->realloc.address);
        if (entry != NULL)
            entry->value &= ~TN_MATCH_REALLOC_OPEN;
    }
    stream->realloc = (struct tn_open_realloc){0};
    return TN_VERDICT_DONE;
}

static int apply_commit(struct tn_stream *stream, bool is_forced)
{
    uint32_t flags = tn_event_flags_of(stream->head);
    if ((flags & TN_EVENT_FLAG_FAILED) != 0)
        return commit_failed(stream);
    if (stream->realloc.is_open) {
        int r = complete_realloc(stream);
        if (r < 0)
            return r;
    }
    if (stream->realloc.allocation_id != 0)
        stream->previous_id = stream->realloc.allocation_id;
    stream->realloc = (struct tn_open_realloc){0};
    if ((flags & TN_EVENT_FLAG_RELEASED) == 0)
        return apply_birth(stream, is_forced);
    stream->previous_id = 0;
    return TN_VERDICT_DONE;
}

static int apply_failure(struct tn_stream *stream)
{
    struct tn_matcher *matcher = stream->matcher;
    uint64_t size_bytes;
    if (!tn_event_get_failure(stream->next, stream->words, &size_bytes))
        return -EBADMSG;
    return tn_log_add_failure(matcher->writer, matcher->process_id, stream->thread_id,
                              event_stack(matcher, stream->head), event_function(stream->head), size_bytes,
                              event_ns(matcher, stream->stamp));
}

static int apply_pool(struct tn_stream *stream, bool is_forced)
{
    int r = tn_pools_apply(stream, event_stack(stream->matcher, stream->head),
                           !is_forced && may_be_early(stream));
    return r == TN_POOLS_WAIT ? (int)TN_VERDICT_PARK : r;
}

static int apply_other(struct tn_stream *stream, uint32_t kind, bool is_forced)
{
    switch (kind) {
    case TN_EVENT_REALLOC_BEGIN:
        return apply_begin(stream, is_forced);
    case TN_EVENT_REALLOC_COMMIT:
        return apply_commit(stream, is_forced);
    case TN_EVENT_FAILURE:
        return apply_failure(stream);
    case TN_EVENT_LINKS:
        return tn_links_apply(stream);
    case TN_EVENT_POOL_BIRTH:
    case TN_EVENT_POOL_DEATH:
    case TN_EVENT_POOL_RESET:
    case TN_EVENT_POOL_NAME:
        return apply_pool(stream, is_forced);
    default:
        return tn_thread_apply(stream);
    }
}

int tn_match_apply(struct tn_stream *stream, bool is_forced)
{
    uint32_t kind = tn_event_kind_of(stream->head);
    if (stream->thread_id == 0 && kind != TN_EVENT_THREAD_BEGIN) {
        int r = tn_thread_add_unannounced(stream);
        if (r < 0)
            return r;
    }
    if (kind == TN_EVENT_BIRTH)
        return apply_birth(stream, is_forced);
    if (kind == TN_EVENT_DEATH)
        return apply_death(stream, is_forced);
    return apply_other(stream, kind, is_forced);
}

int tn_match_set_stack(struct tn_matcher *matcher, uint32_t shim_id, uint64_t row)
{
    struct tn_stack_rows *stacks = &matcher->stacks;
    if (shim_id == 0 || row > UINT32_MAX || shim_id / 2 > stacks->count + STACK_ID_LEAP)
        return -EBADMSG;
    if (shim_id >= stacks->count) {
        uint32_t count = shim_id < 512 ? 1024 : shim_id * 2;
        uint32_t *rows = realloc(stacks->rows, count * sizeof(rows[0]));
        if (rows == NULL)
            return -ENOMEM;
        memset(rows + stacks->count, 0, (count - stacks->count) * sizeof(rows[0]));
        stacks->rows = rows;
        stacks->count = count;
    }
    stacks->rows[shim_id] = (uint32_t)row;
    return 0;
}

int tn_match_inherit(struct tn_matcher *matcher, const struct tn_matcher *parent)
{
    size_t bytes = parent->stacks.count * sizeof(parent->stacks.rows[0]);
    if (bytes == 0)
        return 0;
    uint32_t *rows = malloc(bytes);
    if (rows == NULL)
        return -ENOMEM;
    memcpy(rows, parent->stacks.rows, bytes);
    free(matcher->stacks.rows);
    matcher->stacks = (struct tn_stack_rows){rows, parent->stacks.count};
    return 0;
}

void tn_match_finish(struct tn_matcher *matcher)
{
    tn_address_table_finish(&matcher->table);
    tn_links_close(matcher->links);
    matcher->links = NULL;
    tn_pools_close(matcher->pools);
    matcher->pools = NULL;
    free(matcher->stacks.rows);
    free(matcher->open_reallocs);
    matcher->stacks = (struct tn_stack_rows){0};
    matcher->open_reallocs = NULL;
    matcher->open_realloc_count = 0;
    matcher->open_realloc_capacity = 0;
}
