/* SPDX-License-Identifier: MIT */
#include "pack_parts.h"
#include "put.h"

#include <errno.h>
#include <string.h>
#include <zstd.h>

#define ZSTD_LEVEL     1
#define ZSTD_MATCH     7  /* bytes: a sixth less time than with what the level says, and no larger */
#define ZSTD_MIN_BYTES 48 /* below that a zstd frame is no smaller than what it holds */

/* Append one stream to data, compressed if that is smaller, and its entry to codec. */
static int seal_stream(struct tn_pack *pack, struct ZSTD_CCtx_s *zstd, enum tn_column column, bool is_wide,
                       const uint8_t *bytes, size_t size_bytes)
{
    if (size_bytes == 0)
        return 0;
    int r = tn_buffer_reserve(&pack->data, ZSTD_compressBound(size_bytes));
    if (r < 0)
        return r;
    uint8_t *out = pack->data.data + pack->data.size_bytes;
    size_t stored_bytes = size_bytes;
    if (size_bytes >= ZSTD_MIN_BYTES && !(is_wide && tn_column_wides[column] == TN_WIDE_BITS))
        stored_bytes = ZSTD_compress2(zstd, out, ZSTD_compressBound(size_bytes), bytes, size_bytes);
    if (ZSTD_isError(stored_bytes))
        return -ENOMEM;
    bool is_smaller = stored_bytes < size_bytes;
    if (!is_smaller) {
        memcpy(out, bytes, size_bytes);
        stored_bytes = size_bytes;
    }
    pack->data.size_bytes += stored_bytes;
    return tn_buffer_print(&pack->codec, "%s%s%s:%s:%zu:%zu", pack->codec.size_bytes != 0 ? " " : "",
                           tn_column_names[column], is_wide ? "+" : "", is_smaller ? "zstd" : "raw",
                           size_bytes, stored_bytes);
}

static int seal_columns(struct tn_pack *pack, struct ZSTD_CCtx_s *zstd)
{
    int r = 0;
    pack->columns[TN_COLUMN_PLACE].low_end = tn_pack_place_end(pack);
    pack->columns[TN_COLUMN_BIRTH].low_end = tn_pack_birth_end(pack);
    pack->columns[TN_COLUMN_DEATH].low_end = tn_pack_death_end(pack);
    for (int i = 0; r == 0 && i < TN_COLUMN_COUNT; i++) {
        const struct tn_column_out *out = &pack->columns[i];
        /* The byte that is not full stands behind the full ones already. */
        size_t wide_bytes = (size_t)(out->wide_end - out->wide) + (out->bit_count != 0);
        r = seal_stream(pack, zstd, (enum tn_column)i, false, out->low, (size_t)(out->low_end - out->low));
        if (r == 0)
            r = seal_stream(pack, zstd, (enum tn_column)i, true, out->wide, wide_bytes);
    }
    return r;
}

int tn_pack_seal(struct tn_pack *pack, struct ZSTD_CCtx_s *zstd, struct tn_chunk *ret_chunk)
{
    if (pack->error != 0)
        return pack->error;
    if (pack->event_count == 0)
        return -ENODATA;
    pack->data.size_bytes = 0;
    pack->codec.size_bytes = 0;
    if (pack->birth_count != 0)
        tn_put_number(pack, TN_COLUMN_ADDRESS_SUM, pack->predict.address_sum);
    if (pack->error != 0)
        return pack->error;
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL);
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_minMatch, ZSTD_MATCH);
    int r = seal_columns(pack, zstd);
    if (r < 0)
        return r;
    *ret_chunk = (struct tn_chunk){
        .process_id = pack->process_id,
        .first_id = pack->first_id,
        .last_id = pack->birth_count != 0 ? pack->predict.last_id : 0,
        .first_ns = pack->first_ns,
        .last_ns = pack->predict.last_ns,
        .births = pack->birth_count,
        .deaths = pack->event_count - pack->birth_count,
        .reallocs = pack->realloc_count,
        .birth_bytes = pack->birth_bytes,
        .usable_bytes = pack->usable_bytes,
        .codec = (const char *)pack->codec.data,
        .checksum = tn_chunk_checksum(pack->data.data, pack->data.size_bytes),
        .data = pack->data.data,
        .data_bytes = pack->data.size_bytes,
    };
    if (pack->birth_count != 0)
        pack->last_id = pack->predict.last_id;
    tn_pack_begin(pack);
    return 0;
}
