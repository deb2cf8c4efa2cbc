/* SPDX-License-Identifier: MIT */

/* The life of an open chunk: its memory, its beginning, and the threads of its events. Columns grow fourfold,
 * so that a full chunk has grown a few times only. lib/log's writer keeps one pack for each process. */

#include "encode.h"
#include "pack_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SLOT_BITS_MIN 8

/* ---------------------------------------------------------------------------------------- life */

void tn_pack_begin(struct tn_pack *pack)
{
    /* A predicted field has the number 0, which these columns are filled with already. */
    if (pack->event_count != 0) {
        memset(pack->columns[TN_COLUMN_CONTEXT].low, 0, pack->event_count + pack->context_extra);
        memset(pack->columns[TN_COLUMN_BIRTH].low, 0, pack->birth_count);
    }
    pack->event_count = pack->event_room = 0;
    pack->birth_count = 0;
    pack->birth_bytes = pack->usable_bytes = pack->realloc_count = 0;
    pack->first_id = 0;
    pack->context_extra = pack->death_extra = 0;
    pack->has_gaps = false;
    pack->is_plain = true;
    for (int i = 0; i < TN_COLUMN_COUNT; i++) {
        struct tn_column_out *out = &pack->columns[i];
        out->low_end = out->low;
        out->wide_end = out->wide;
        out->bit_count = 0;
        out->bits = 0;
    }
    memset(pack->slots, 0, sizeof(pack->slots[0]) << pack->slot_bits);
    memset(pack->hints, 0, sizeof(pack->hints));
}

struct tn_pack *tn_pack_create(uint64_t process_id)
{
    struct tn_pack *pack = aligned_alloc(alignof(struct tn_pack), sizeof(*pack));
    if (pack == NULL)
        return NULL;
    memset(pack, 0, sizeof(*pack));
    pack->process_id = process_id;
    pack->slot_bits = SLOT_BITS_MIN;
    pack->slots = malloc(sizeof(pack->slots[0]) << pack->slot_bits);
    if (pack->slots == NULL) {
        free(pack);
        return NULL;
    }
    tn_pack_begin(pack);
    return pack;
}

void tn_pack_assign(struct tn_pack *pack, uint64_t process_id, uint64_t last_id)
{
    pack->process_id = process_id;
    pack->last_id = last_id;
}

void tn_pack_destroy(struct tn_pack *pack)
{
    if (pack == NULL)
        return;
    for (int i = 0; i < TN_COLUMN_COUNT; i++) {
        free(pack->columns[i].low);
        free(pack->columns[i].wide);
    }
    free(pack->owners);
    free(pack->ids);
    free(pack->slots);
    tn_predict_finish(&pack->predict);
    tn_buffer_finish(&pack->data);
    tn_buffer_finish(&pack->codec);
    free(pack);
}

void tn_pack_know_ids(struct tn_pack *pack, uint64_t last_id)
{
    if (pack->event_count == 0 && last_id > pack->last_id)
        pack->last_id = last_id;
}

uint32_t tn_pack_count(const struct tn_pack *pack)
{
    return pack->event_count;
}

struct tn_pack_totals tn_pack_totals(const struct tn_pack *pack)
{
    return (struct tn_pack_totals){pack->event_count, pack->birth_count, pack->birth_bytes};
}

static int widen(void **array, size_t count, size_t element_bytes)
{
    void *elements = realloc(*array, count * element_bytes);
    if (elements == NULL)
        return -ENOMEM;
    *array = elements;
    return 0;
}

/* Room for more events: at most two numbers for each in every column. */
static int make_room(struct tn_pack *pack)
{
    uint32_t capacity = pack->event_capacity != 0 ? pack->event_capacity * 4 : 2048;
    int r = 0;
    for (int i = 0; r == 0 && i < TN_COLUMN_COUNT; i++) {
        struct tn_column_out *out = &pack->columns[i];
        size_t used = (size_t)(out->low_end - out->low);
        r = widen((void **)&out->low, (size_t)capacity * 2, 1);
        if (r == 0 && (i == TN_COLUMN_CONTEXT || i == TN_COLUMN_BIRTH))
            memset(out->low + (size_t)pack->event_capacity * 2, 0,
                   ((size_t)capacity - pack->event_capacity) * 2);
        out->low_end = out->low + used;
    }
    if (r == 0)
        r = widen((void **)&pack->owners, capacity, sizeof(pack->owners[0]));
    if (r == 0)
        r = widen((void **)&pack->ids, capacity, sizeof(pack->ids[0]));
    if (r == 0)
        pack->event_capacity = capacity;
    return r;
}

int tn_pack_prepare(struct tn_pack *pack, uint64_t time_ns)
{
    if (pack->error != 0)
        return pack->error;
    int r = 0;
    if (pack->event_count == pack->event_capacity)
        r = make_room(pack);
    if (r == 0 && pack->event_count == 0) {
        pack->first_ns = time_ns;
        r = tn_predict_begin(&pack->predict, time_ns, pack->last_id);
        pack->actor = pack->predict.actors;
        if (r == 0)
            tn_encode_number(pack, TN_COLUMN_BASE, pack->last_id);
    }
    if (r == 0)
        pack->event_room = pack->event_capacity;
    return r;
}

/* ---------------------------------------------------------------------------------------- threads */

/* The index of a thread, or the next free one. */
static uint32_t find_actor(struct tn_pack *pack, uint64_t thread_id)
{
    struct tn_predict *predict = &pack->predict;
    uint32_t *hint_1 = &pack->actors_1[thread_id % TN_PACK_ACTORS];
    if (*hint_1 != 0 && *hint_1 <= predict->actor_count && predict->actors[*hint_1 - 1].id == thread_id)
        return *hint_1 - 1;
    uint32_t index = 0;
    while (index < predict->actor_count && predict->actors[index].id != thread_id)
        index++;
    *hint_1 = index + 1;
    return index;
}

void tn_pack_leave_plain(struct tn_pack *pack)
{
    if (!pack->is_plain)
        return;
    pack->is_plain = false;
    pack->predict.actors[0].births = pack->birth_count;
}

/* Up to the second thread, all births were the first thread's. */
static void own_births(struct tn_pack *pack)
{
    tn_pack_leave_plain(pack);
    for (uint32_t i = 0; i < pack->birth_count; i++)
        pack->owners[i] = (struct tn_packed_owner){0, i};
}

void tn_pack_switch_actor(struct tn_pack *pack, uint64_t thread_id)
{
    struct tn_predict *predict = &pack->predict;
    uint32_t index = find_actor(pack, thread_id);
    *tn_pack_context_end(pack) = TN_CONTEXT_THREAD;
    pack->context_extra++;
    tn_encode_number(pack, TN_COLUMN_THREAD, index);
    if (index == predict->actor_count) {
        tn_encode_number(pack, TN_COLUMN_THREAD_ID,
                         tn_zigzag((int64_t)(thread_id - predict->last_new_thread_id)));
        if (predict->actor_count == 1)
            own_births(pack);
        if (tn_predict_add_actor(predict, thread_id) < 0) {
            pack->error = -ENOMEM;
            return;
        }
    }
    predict->actor = index;
    pack->actor = &predict->actors[index];
}
