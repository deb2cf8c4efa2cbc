/* SPDX-License-Identifier: MIT */
#include "tenure/base.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int tn_error_set(struct tn_error *error, int code, const char *format, ...)
{
    if (error == NULL)
        return code;
    error->code = code;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
    return code;
}

int tn_buffer_reserve(struct tn_buffer *buffer, size_t more_bytes)
{
    if (more_bytes <= buffer->capacity_bytes - buffer->size_bytes)
        return 0;
    if (more_bytes > SIZE_MAX / 4 - buffer->size_bytes)
        return -ENOMEM;
    size_t capacity = buffer->capacity_bytes != 0 ? buffer->capacity_bytes : 256;
    while (capacity < buffer->size_bytes + more_bytes)
        capacity *= 2;
    uint8_t *data = realloc(buffer->data, capacity);
    if (data == NULL)
        return -ENOMEM;
    buffer->data = data;
    buffer->capacity_bytes = capacity;
    return 0;
}

int tn_buffer_append(struct tn_buffer *buffer, const void *data, size_t size_bytes)
{
    if (size_bytes == 0)
        return 0;
    int r = tn_buffer_reserve(buffer, size_bytes);
    if (r < 0)
        return r;
    memcpy(buffer->data + buffer->size_bytes, data, size_bytes);
    buffer->size_bytes += size_bytes;
    return 0;
}

int tn_buffer_print(struct tn_buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0)
        return -EINVAL;
    int r = tn_buffer_reserve(buffer, (size_t)length + 1);
    if (r < 0)
        return r;
    va_start(arguments, format);
    vsnprintf((char *)buffer->data + buffer->size_bytes, (size_t)length + 1, format, arguments);
    va_end(arguments);
    buffer->size_bytes += (size_t)length;
    return 0;
}

void tn_buffer_finish(struct tn_buffer *buffer)
{
    if (buffer == NULL)
        return;
    free(buffer->data);
    *buffer = (struct tn_buffer){0};
}

size_t tn_varint_get(const uint8_t *in, const uint8_t *end, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (size_t i = 0; i < 10 && in + i < end; i++) {
        value |= (uint64_t)(in[i] & 0x7f) << (7 * i);
        if ((in[i] & 0x80) == 0) {
            *ret_value = value;
            return i + 1;
        }
    }
    return 0;
}
