/* SPDX-License-Identifier: MIT */
#ifndef TENURE_BASE_H
#define TENURE_BASE_H

/* What everything outside the shim is built on: errors with their explanation, growable buffers,
 * variable-length integers, printing of quantities. No global state; every function may be called from any
 * thread on its own data. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TN_ERROR_TEXT_BYTES 512

/* An explanation of a failure for people: what failed, on what, why, and what to do. Filled by the function
 * that failed, printed by tools only. */
struct tn_error {
    int code;                       /* negative errno, 0 while nothing failed */
    char text[TN_ERROR_TEXT_BYTES]; /* one line, no newline, no "tenure:" */
};

/* Fill an error.
 *
 * error    may be NULL: then only the code is returned
 * code     negative errno
 * format   as of printf: the explanation, one line; what exceeds TN_ERROR_TEXT_BYTES is cut
 * Returns  code, so that `return tn_error_set(...)` reads well */
int tn_error_set(struct tn_error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Growable byte buffer. Zeroed is empty. Invariant: size_bytes <= capacity_bytes. */
struct tn_buffer {
    uint8_t *data;         /* owned; NULL while capacity_bytes is 0 */
    size_t size_bytes;     /* used */
    size_t capacity_bytes; /* allocated */
};

/* Make room for more bytes behind what is used.
 *
 * Returns  0; -ENOMEM (buffer unchanged)
 * Cost     O(1), amortised */
int tn_buffer_reserve(struct tn_buffer *buffer, size_t more_bytes);

/* Append bytes.
 *
 * data     size_bytes of them; may be NULL if there are none
 * Returns  0; -ENOMEM (buffer unchanged) */
int tn_buffer_append(struct tn_buffer *buffer, const void *data, size_t size_bytes);

/* Append formatted text, followed by a NUL that size_bytes does not count.
 *
 * Returns  0; -ENOMEM; -EINVAL: the format cannot be printed (what was in the buffer is unchanged) */
int tn_buffer_print(struct tn_buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Append text that came from outside as UTF-8: each byte that is none as `\xHH`.
 *
 * Returns  how many bytes were written so; a negative errno as tn_buffer_print */
int tn_buffer_append_utf8(struct tn_buffer *buffer, const char *text);

/* Append text that came from outside, so that a terminal only shows it: each byte of what tn_steering_bytes
 * finds as `\xHH`.
 *
 * kept     control characters of one byte that stay as they are; "" for none, "\n\t" for text of several
 * lines
 * Returns  as tn_buffer_print */
int tn_buffer_show(struct tn_buffer *buffer, const char *text, const char *kept);

/* Append text that came from outside as content or as the value of an attribute of XML or HTML; what is no
 * character there becomes U+FFFD.
 *
 * Returns  as tn_buffer_append */
int tn_buffer_append_xml(struct tn_buffer *buffer, const char *text);

/* Release the memory; the buffer is empty again. NULL and zeroed are fine. */
void tn_buffer_finish(struct tn_buffer *buffer);

/* Append v as a base-128 varint, low group first (at most 10 bytes).
 *
 * out      room for 10 bytes
 * Returns  bytes written */
static inline size_t tn_varint_put(uint8_t *out, uint64_t v)
{
    size_t n = 0;
    while (v > 0x7f) {
        out[n++] = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    out[n++] = (uint8_t)v;
    return n;
}

/* Read a varint.
 *
 * in, end  its first byte, and the end of what may be read
 * Returns  bytes read; 0 if it is cut or longer than 10 bytes (ret_value unchanged) */
size_t tn_varint_get(const uint8_t *in, const uint8_t *end, uint64_t *ret_value);

/* A signed number as an unsigned one that is small if the magnitude is: 0, -1, 1, -2 become 0, 1, 2, 3. */
static inline uint64_t tn_zigzag(int64_t v)
{
    return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

/* The inverse of tn_zigzag. */
static inline int64_t tn_unzigzag(uint64_t v)
{
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

/* Bytes of the well-formed UTF-8 sequence that text starts with; 0: it starts with none. NUL is one. */
size_t tn_utf8_bytes(const char *text);

/* Bytes at the start of text that do more to a terminal than show a character: a control character (C0, DEL,
 * C1), one that turns the direction of what follows (U+202A to U+202E, U+2066 to U+2069), or a byte that is
 * no UTF-8. 0: none, or the end of text. */
size_t tn_steering_bytes(const char *text);

#define TN_QUANTITY_TEXT_BYTES 32

/* A count with thousands separators: "12,345,678".
 *
 * text     at least TN_QUANTITY_TEXT_BYTES
 * Returns  text */
const char *tn_print_count(char *text, uint64_t count);

struct tn_quantity_text {
    char text[TN_QUANTITY_TEXT_BYTES];
};

/* The same by value, for a sentence: tn_count_text(count).text lives to the end of the call that it is an
 * argument of. */
struct tn_quantity_text tn_count_text(uint64_t count);

/* Bytes in the unit that leaves three or four digits: "512 B", "1.50 KiB", "3.2 GiB". As tn_print_count. */
const char *tn_print_bytes(char *text, uint64_t size_bytes);

/* A duration: "850 ns", "1.20 us", "3.4 ms", "12.3 s", "2 h 13 min". As tn_print_count. */
const char *tn_print_duration(char *text, uint64_t duration_ns);

/* Parse a duration: digits, which may have a fraction, and s, m, h, d, w or y; up to 100 years.
 *
 * Returns  0; -EINVAL: the text is no such duration (ret_ns unchanged) */
int tn_parse_duration(const char *text, uint64_t *ret_ns);

/* Parse a size option: digits and an optional K, M or G (1024-based; "KiB" and the like too).
 *
 * Returns  0; -EINVAL: the text is no size, or one beyond 64 bits (ret_bytes unchanged) */
int tn_parse_bytes(const char *text, uint64_t *ret_bytes);

#endif
