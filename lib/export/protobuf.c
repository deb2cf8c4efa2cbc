/* SPDX-License-Identifier: MIT */
/* Protocol Buffers' encoding; see protobuf.h. A tag is the field's number and the kind of what follows: 0 a
 * number, 2 a length and so many bytes. Called by pprof.c and perfetto.c. */
#include "protobuf.h"

#include <string.h>

enum wire_kind {
    KIND_NUMBER = 0,
    KIND_BYTES = 2,
};

int tn_protobuf_packed(struct tn_buffer *packed, uint64_t value)
{
    uint8_t bytes[10];
    return tn_buffer_append(packed, bytes, tn_varint_put(bytes, value));
}

int tn_protobuf_number(struct tn_buffer *out, unsigned field, uint64_t value)
{
    if (value == 0)
        return 0;
    int r = tn_protobuf_packed(out, (uint64_t)field << 3 | KIND_NUMBER);
    return r == 0 ? tn_protobuf_packed(out, value) : r;
}

int tn_protobuf_bytes(struct tn_buffer *out, unsigned field, const void *data, size_t size_bytes)
{
    int r = tn_protobuf_packed(out, (uint64_t)field << 3 | KIND_BYTES);
    if (r == 0)
        r = tn_protobuf_packed(out, size_bytes);
    return r == 0 ? tn_buffer_append(out, data, size_bytes) : r;
}

int tn_protobuf_text(struct tn_buffer *out, unsigned field, const char *text)
{
    return tn_protobuf_bytes(out, field, text, strlen(text));
}

int tn_protobuf_message(struct tn_buffer *out, unsigned field, struct tn_buffer *message)
{
    int r = tn_protobuf_bytes(out, field, message->data, message->size_bytes);
    message->size_bytes = 0;
    return r;
}
