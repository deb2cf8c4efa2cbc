/* SPDX-License-Identifier: MIT */
#ifndef TN_EXPORT_PROTOBUF_H
#define TN_EXPORT_PROTOBUF_H

/* The few things of Protocol Buffers' encoding that exports need
 * (https://protobuf.dev/programming-guides/encoding): fields with numbers, and fields with bytes, which are
 * strings, packed numbers and messages. Any thread. */

#include "tenure/base.h"

/* Append a field with a number; 0 is left out, as a reader takes it for granted. Returns 0 or -ENOMEM. */
int tn_protobuf_number(struct tn_buffer *out, unsigned field, uint64_t value);

/* Append a field with bytes. Returns 0 or -ENOMEM. */
int tn_protobuf_bytes(struct tn_buffer *out, unsigned field, const void *data, size_t size_bytes);

/* Append a field with text. Returns 0 or -ENOMEM. */
int tn_protobuf_text(struct tn_buffer *out, unsigned field, const char *text);

/* Append a field with a message, or packed numbers, and empty its buffer for the next one.
 *
 * Returns  0 or -ENOMEM */
int tn_protobuf_message(struct tn_buffer *out, unsigned field, struct tn_buffer *message);

/* Append a number of a packed field. Returns 0 or -ENOMEM. */
int tn_protobuf_packed(struct tn_buffer *packed, uint64_t value);

#endif
