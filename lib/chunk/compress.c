/* SPDX-License-Identifier: MIT */

/* Compresses an open chunk, column by column, and makes the row of it. Which columns are worth searching for
 * matches is tried out from time to time, because most of the time goes there. */

#include "encode.h"
#include "pack_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* For ZSTD_c_literalCompressionMode; all functions are those of every zstd. */
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

struct tn_compressor {
    struct ZSTD_CCtx_s *zstd; /* owned */
};

#define LEVEL     1
#define MATCH     7  /* bytes: a sixth less time than with what the level says, and no larger */
#define MIN_BYTES 48 /* below that a zstd frame is no smaller than what it holds */

/* Noise, such as times, is not searched for matches: that takes half to two thirds of the time, and the few
 * that are found mostly cost more than they save. Which columns are noise is tried out, the less often the
 * longer the answer has been the same. Matches must save more than one part in NOISE_WORTH, or the faster way
 * is taken. */
#define TRIAL_CHUNKS_MAX 15
#define TRIAL_BYTES      4096
#define NOISE_WORTH      32
#define NOISE_STEP       131072 /* a stride of the search so long that it finds nothing */

struct tn_compressor *tn_compressor_create(void)
{
    struct tn_compressor *compressor = malloc(sizeof(*compressor));
    if (compressor == NULL)
        return NULL;
    compressor->zstd = ZSTD_createCCtx();
    if (compressor->zstd != NULL)
        return compressor;
    free(compressor);
    return NULL;
}

void tn_compressor_destroy(struct tn_compressor *compressor)
{
    if (compressor == NULL)
        return;
    ZSTD_freeCCtx(compressor->zstd);
    free(compressor);
}

/* Compress to data, behind skip_bytes of room. Returns the size, which is that of the input where it does not
 * become smaller. An older zstd that cannot leave out the search refuses the parameters here. */
static size_t compress(struct ZSTD_CCtx_s *zstd, bool is_noise, const struct tn_buffer *data,
                       size_t skip_bytes, const uint8_t *bytes, size_t size_bytes)
{
    uint8_t *out = data->data + data->size_bytes + skip_bytes;
    size_t mode = ZSTD_CCtx_setParameter(zstd, ZSTD_c_literalCompressionMode, is_noise);
    size_t step = ZSTD_CCtx_setParameter(zstd, ZSTD_c_targetLength, is_noise ? NOISE_STEP : 0);
    if (is_noise && (ZSTD_isError(mode) || ZSTD_isError(step)))
        return size_bytes;
    size_t r = ZSTD_compress2(zstd, out, ZSTD_compressBound(size_bytes), bytes, size_bytes);
    return ZSTD_isError(r) || r > size_bytes ? size_bytes : r;
}

/* Compress both ways, keep the better result, and remember the choice for the next chunks. */
static size_t compress_both(struct tn_column_out *column, struct ZSTD_CCtx_s *zstd,
                            const struct tn_buffer *data, const uint8_t *bytes, size_t size_bytes)
{
    size_t skip_bytes = ZSTD_compressBound(size_bytes);
    size_t matched_bytes = compress(zstd, false, data, 0, bytes, size_bytes);
    size_t noise_bytes = compress(zstd, true, data, skip_bytes, bytes, size_bytes);
    bool was_noise = column->is_noise;
    uint32_t pause = column->trial_chunks * 2u + 1;
    column->is_noise = noise_bytes <= matched_bytes + matched_bytes / NOISE_WORTH;
    if (column->is_noise != was_noise)
        pause = 0;
    column->trial_chunks = (uint8_t)(pause < TRIAL_CHUNKS_MAX ? pause : TRIAL_CHUNKS_MAX);
    column->chunks_to_trial = column->trial_chunks;
    if (!column->is_noise)
        return matched_bytes;
    memmove(data->data + data->size_bytes, data->data + data->size_bytes + skip_bytes, noise_bytes);
    return noise_bytes;
}

static size_t compress_column(struct tn_column_out *column, struct ZSTD_CCtx_s *zstd,
                              const struct tn_buffer *data, const uint8_t *bytes, size_t size_bytes)
{
    if (size_bytes < TRIAL_BYTES)
        return compress(zstd, false, data, 0, bytes, size_bytes);
    if (column->chunks_to_trial == 0)
        return compress_both(column, zstd, data, bytes, size_bytes);
    column->chunks_to_trial--;
    return compress(zstd, column->is_noise, data, 0, bytes, size_bytes);
}

/* Append one stream to data, compressed if that is smaller, and its entry to codec. */
static int compress_stream(struct tn_pack *pack, struct ZSTD_CCtx_s *zstd, enum tn_column column,
                           bool is_wide, const uint8_t *bytes, size_t size_bytes)
{
    if (size_bytes == 0)
        return 0;
    int r = tn_buffer_reserve(&pack->data, 2 * ZSTD_compressBound(size_bytes));
    if (r < 0)
        return r;
    size_t stored_bytes = size_bytes;
    if (size_bytes >= MIN_BYTES && !is_wide)
        stored_bytes = compress_column(&pack->columns[column], zstd, &pack->data, bytes, size_bytes);
    else if (size_bytes >= MIN_BYTES && tn_column_wides[column] != TN_WIDE_BITS)
        stored_bytes = compress(zstd, false, &pack->data, 0, bytes, size_bytes);
    bool is_smaller = stored_bytes < size_bytes;
    if (!is_smaller)
        memcpy(pack->data.data + pack->data.size_bytes, bytes, size_bytes);
    pack->data.size_bytes += stored_bytes;
    return tn_buffer_print(&pack->codec, "%s%s%s:%s:%zu:%zu", pack->codec.size_bytes != 0 ? " " : "",
                           tn_column_names[column], is_wide ? "+" : "", is_smaller ? "zstd" : "raw",
                           size_bytes, stored_bytes);
}

static int compress_columns(struct tn_pack *pack, struct ZSTD_CCtx_s *zstd)
{
    int r = 0;
    pack->columns[TN_COLUMN_CONTEXT].low_end = tn_pack_context_end(pack);
    pack->columns[TN_COLUMN_BIRTH].low_end = tn_pack_birth_end(pack);
    pack->columns[TN_COLUMN_DEATH].low_end = tn_pack_death_end(pack);
    for (int i = 0; r == 0 && i < TN_COLUMN_COUNT; i++) {
        const struct tn_column_out *out = &pack->columns[i];
        /* The last byte, which is not full, has been stored behind the full ones. */
        size_t wide_bytes = (size_t)(out->wide_end - out->wide) + (out->bit_count != 0);
        r = compress_stream(pack, zstd, (enum tn_column)i, false, out->low,
                            (size_t)(out->low_end - out->low));
        if (r == 0)
            r = compress_stream(pack, zstd, (enum tn_column)i, true, out->wide, wide_bytes);
    }
    return r;
}

int tn_pack_compress(struct tn_pack *pack, struct tn_compressor *compressor, struct tn_chunk *ret_chunk)
{
    struct ZSTD_CCtx_s *zstd = compressor->zstd;
    if (pack->error != 0)
        return pack->error;
    if (pack->event_count == 0)
        return -ENODATA;
    pack->data.size_bytes = 0;
    pack->codec.size_bytes = 0;
    if (pack->birth_count != 0)
        tn_encode_number(pack, TN_COLUMN_ADDRESS_SUM, pack->predict.address_sum);
    if (pack->error != 0)
        return pack->error;
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, LEVEL);
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_minMatch, MATCH);
    int r = compress_columns(pack, zstd);
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
