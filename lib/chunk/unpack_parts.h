/* SPDX-License-Identifier: MIT */
#ifndef TN_CHUNK_UNPACK_PARTS_H
#define TN_CHUNK_UNPACK_PARTS_H

/* The parts that unpack.c and unpack_counts.c share: numbers of columns, and the context of the next event.
 * All of it runs for each event; what is wrong is left in unpack->error. */

#include "unpack_state.h"

#include <errno.h>
#include <string.h>

#define TN_UNPACK_INLINE inline __attribute__((always_inline))

static TN_UNPACK_INLINE uint32_t tn_unpack_byte(struct tn_unpack *unpack, enum tn_column column)
{
    struct tn_column_in *in = &unpack->columns[column];
    if (__builtin_expect(in->low == in->low_end, 0)) {
        unpack->error = -EBADMSG;
        return 0;
    }
    return *in->low++;
}

/* unpack_rare.c: numbers that do not fit into the byte. */
uint64_t tn_unpack_varint(struct tn_unpack *unpack, enum tn_column column);
uint64_t tn_unpack_long_measure(struct tn_unpack *unpack, struct tn_column_in *in, uint32_t byte);

/* A number of a column with TN_WIDE_VARINT. */
static TN_UNPACK_INLINE uint64_t tn_unpack_number(struct tn_unpack *unpack, enum tn_column column)
{
    uint32_t byte = tn_unpack_byte(unpack, column);
    return __builtin_expect(byte != TN_VARINT_MARK, 1) ? byte : tn_unpack_varint(unpack, column);
}

/* The next bits of a second stream, up to 32. What lies behind the stream may be loaded
 * (TN_STREAM_MARGIN_BYTES), and is then an error. */
static TN_UNPACK_INLINE uint64_t tn_unpack_bits(struct tn_unpack *unpack, struct tn_column_in *in,
                                                uint32_t count)
{
    uint64_t word;
    if (__builtin_expect(in->bit + count > in->bit_end, 0)) {
        unpack->error = -EBADMSG;
        return 0;
    }
    memcpy(&word, in->wide + in->bit / 8, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    word >>= in->bit % 8;
    in->bit += count;
    return word & ~(~UINT64_C(0) << count);
}

/* A number of a column with TN_WIDE_BITS. */
static TN_UNPACK_INLINE uint64_t tn_unpack_wide_measure(struct tn_unpack *unpack, struct tn_column_in *in,
                                                        uint32_t byte)
{
    if (__builtin_expect(byte >= TN_LONG_MEASURE, 0))
        return tn_unpack_long_measure(unpack, in, byte);
    struct tn_measure measure = unpack->measures[byte];
    return (uint64_t)measure.mantissa << measure.bits | tn_unpack_bits(unpack, in, measure.bits);
}

/* A number of a column with TN_WIDE_BITS. */
static TN_UNPACK_INLINE uint64_t tn_unpack_measure(struct tn_unpack *unpack, enum tn_column column)
{
    uint32_t byte = tn_unpack_byte(unpack, column);
    return byte < TN_BITS_DIRECT ? byte : tn_unpack_wide_measure(unpack, &unpack->columns[column], byte);
}

/* What changes with each event, in registers while a run of events is read; predict has it in between. */
struct tn_unpack_hot {
    struct tn_actor actor; /* of the last event */
    uint64_t time_ns;
};

static TN_UNPACK_INLINE void tn_unpack_load(const struct tn_unpack *unpack, struct tn_unpack_hot *hot)
{
    hot->actor = unpack->predict.actors[unpack->predict.actor];
    hot->time_ns = unpack->predict.last_ns;
}

static TN_UNPACK_INLINE void tn_unpack_store(struct tn_unpack *unpack, const struct tn_unpack_hot *hot)
{
    unpack->predict.actors[unpack->predict.actor] = hot->actor;
    unpack->predict.last_ns = hot->time_ns;
}

/* The index of a context that is not new, by the number that tells it; it may be out of range. */
static TN_UNPACK_INLINE uint32_t tn_unpack_find_context(const struct tn_predict *predict,
                                                        const struct tn_actor *actor, const uint32_t *guess_1,
                                                        uint64_t number)
{
    if (number == TN_CONTEXT_EXPECTED)
        return tn_predict_context(predict, actor, guess_1);
    if (number == TN_CONTEXT_SECOND)
        return predict->contexts[actor->context].next;
    uint64_t aged = predict->context_count - 1 - (number - TN_CONTEXT_AGE);
    return aged < predict->context_count ? (uint32_t)aged : UINT32_MAX;
}

/* unpack_rare.c: the next event is another thread's; or it has a new context, whose index is the number of
 * contexts before. Return 0 or a negative errno. */
int tn_unpack_switch(struct tn_unpack *unpack);
int tn_unpack_add_context(struct tn_unpack *unpack);

/* The context of the next event; the thread moves to it. Returns NULL with unpack->error. */
static TN_UNPACK_INLINE struct tn_context *tn_unpack_context(struct tn_unpack *unpack,
                                                             struct tn_unpack_hot *hot)
{
    struct tn_predict *predict = &unpack->predict;
    uint64_t number = tn_unpack_measure(unpack, TN_COLUMN_CONTEXT);
    if (__builtin_expect(number == TN_CONTEXT_THREAD, 0)) {
        tn_unpack_store(unpack, hot);
        unpack->error = tn_unpack_switch(unpack);
        tn_unpack_load(unpack, hot);
        number = tn_unpack_measure(unpack, TN_COLUMN_CONTEXT);
    }
    uint32_t *guess_1 = tn_predict_guess(predict, &hot->actor);
    uint32_t index = tn_unpack_find_context(predict, &hot->actor, guess_1, number);
    if (__builtin_expect(number == TN_CONTEXT_NEW, 0)) {
        index = predict->context_count;
        unpack->error = tn_unpack_add_context(unpack);
    }
    if (__builtin_expect(index >= predict->context_count, 0))
        unpack->error = -EBADMSG;
    if (__builtin_expect(unpack->error != 0, 0))
        return NULL;
    tn_predict_move(&hot->actor, &predict->contexts[hot->actor.context], guess_1, index);
    return &predict->contexts[index];
}

#endif
