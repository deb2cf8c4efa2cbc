/* SPDX-License-Identifier: MIT */
#ifndef TENURE_JSON_H
#define TENURE_JSON_H

/* Write JSON (RFC 8259) into a buffer, member by member, without building a tree: the only state is whether a
 * comma is due. One thread at a time on one writer. */

#include "tenure/base.h"

#include <stdbool.h>
#include <stdint.h>

/* A writer. Begin with {.out = buffer}; what is in the buffer stays before it. */
struct tn_json {
    struct tn_buffer *out; /* borrowed */
    bool needs_comma;      /* the open object or array has a value already; written by these functions */
    int error;             /* 0, or -ENOMEM once the buffer could not grow: nothing more is written then */
};

/* In all functions, key is the member's name in an object, and NULL in an array and at the top. Text is
 * UTF-8; invalid bytes are written as U+FFFD, so that the result is JSON whatever a file is called. */

/* Open an object: `"key": {`. */
void tn_json_open_object(struct tn_json *json, const char *key);

/* Close the object. */
void tn_json_close_object(struct tn_json *json);

/* Open an array. */
void tn_json_open_array(struct tn_json *json, const char *key);

/* Close the array. */
void tn_json_close_array(struct tn_json *json);

/* A string; NULL is written as null. */
void tn_json_text(struct tn_json *json, const char *key, const char *text);

/* A signed integer. */
void tn_json_int(struct tn_json *json, const char *key, int64_t value);

/* An unsigned integer. */
void tn_json_uint(struct tn_json *json, const char *key, uint64_t value);

/* A number with a fraction, 6 significant digits or as many as `digits` says (1 to 17); NaN and infinity,
 * which JSON does not have, as null. */
void tn_json_real(struct tn_json *json, const char *key, double value, int digits);

/* true or false. */
void tn_json_bool(struct tn_json *json, const char *key, bool value);

/* null. */
void tn_json_null(struct tn_json *json, const char *key);

/* A value that is JSON already; it is not checked. */
void tn_json_raw(struct tn_json *json, const char *key, const char *value);

/* Append JSON that SQLite made of text from outside: bytes that are no UTF-8 become U+FFFD, and characters
 * that would steer a terminal are written as \u and their number.
 *
 * text     valid JSON but for such bytes in its strings
 * Returns  0; -ENOMEM */
int tn_json_mend(struct tn_buffer *out, const char *text);

#endif
