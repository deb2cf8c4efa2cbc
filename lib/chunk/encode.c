/* SPDX-License-Identifier: MIT */

/* The parts of encode.h that are out of the inlined path: varints, and numbers that need bits of the second
 * stream. */

#include "encode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What a number may take in a second stream, and what may be written behind its end. */
#define WIDE_BYTES 24

/* Make room for one more number in a second stream. Returns 0, or -ENOMEM, which is left in pack->error. */
static int widen(struct tn_pack *pack, struct tn_column_out *out)
{
    size_t used = (size_t)(out->wide_end - out->wide), capacity = used != 0 ? used * 2 : 1024;
    uint8_t *wide = realloc(out->wide, capacity + WIDE_BYTES);
    if (wide == NULL)
        return pack->error = -ENOMEM;
    out->wide = wide;
    out->wide_end = wide + used;
    out->wide_limit = wide + capacity;
    return 0;
}

void tn_encode_varint(struct tn_pack *pack, enum tn_column column, uint64_t number)
{
    struct tn_column_out *out = &pack->columns[column];
    tn_encode_byte(pack, column, TN_VARINT_MARK);
    if (out->wide_end < out->wide_limit || widen(pack, out) == 0)
        out->wide_end += tn_varint_put(out->wide_end, number - TN_VARINT_MARK);
}

/* Append up to 32 bits, lowest first. The word is always stored whole: there is room for it. */
static inline void encode_bits(struct tn_column_out *out, uint64_t bits, uint32_t count)
{
    uint64_t word = out->bits | bits << out->bit_count;
    uint32_t filled = out->bit_count + count;
    uint8_t *end = out->wide_end;
    out->wide_end = end + filled / 8;
    out->bits = word >> (filled & ~7u);
    out->bit_count = filled & 7;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    memcpy(end, &word, 8);
}

uint8_t tn_encode_rest(struct tn_pack *pack, enum tn_column column, uint64_t number)
{
    struct tn_column_out *out = &pack->columns[column];
    uint32_t count = 0;
    uint8_t code = tn_bits_code(number, &count);
    if (out->wide_end >= out->wide_limit && widen(pack, out) < 0)
        return code;
    if (count > 32) {
        encode_bits(out, number & UINT32_MAX, 32);
        number >>= 32;
        count -= 32;
    }
    encode_bits(out, number & ((UINT64_C(1) << count) - 1), count);
    return code;
}
