/* SPDX-License-Identifier: MIT */
#include "tenure/json.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static void put(struct tn_json *json, const char *text, size_t length)
{
    if (json->error == 0 && tn_buffer_append(json->out, text, length) < 0)
        json->error = -ENOMEM;
}

static void put_escape(struct tn_json *json, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char plain[] = "\"\\\b\f\n\r\t";
    static const char letter[] = "\"\\bfnrt";
    const char *known = strchr(plain, c);
    char escape[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    if (known != NULL)
        escape[1] = letter[known - plain];
    put(json, escape, known != NULL ? 2 : sizeof(escape));
}

/* What would steer a terminal, in two or three bytes of UTF-8, as the number of its code point. */
static void put_code_point(struct tn_json *json, const unsigned char *c, size_t length)
{
    unsigned code = length == 2 ? (c[0] & 0x1fu) << 6 : (c[0] & 0x0fu) << 12 | (c[1] & 0x3fu) << 6;
    code |= c[length - 1] & 0x3fu;
    if (json->error == 0 && tn_buffer_print(json->out, "\\u%04x", code) < 0)
        json->error = -ENOMEM;
}

/* Characters from 0x7f on, and bytes that are none. Returns how many bytes were taken; 0: it is another
 * character. */
static size_t put_rare(struct tn_json *json, const unsigned char *c)
{
    size_t length = tn_utf8_bytes((const char *)c);
    if (length == 0)
        put(json, "\xef\xbf\xbd", 3);
    else if (*c == 0x7f)
        put_escape(json, *c);
    else if (length > 1 && tn_steering_bytes((const char *)c) != 0)
        put_code_point(json, c, length);
    else if (length > 1)
        put(json, (const char *)c, length);
    else
        return 0;
    return length != 0 ? length : 1;
}

static void put_string(struct tn_json *json, const char *text)
{
    put(json, "\"", 1);
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0';) {
        size_t length = put_rare(json, c);
        if (length == 0 && (*c < 0x20 || *c == '"' || *c == '\\'))
            put_escape(json, *c);
        else if (length == 0)
            put(json, (const char *)c, 1);
        c += length != 0 ? length : 1;
    }
    put(json, "\"", 1);
}

int tn_json_mend(struct tn_buffer *out, const char *text)
{
    struct tn_json json = {.out = out};
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0';) {
        size_t length = put_rare(&json, c);
        if (length == 0)
            put(&json, (const char *)c, 1);
        c += length != 0 ? length : 1;
    }
    return json.error;
}

/* What stands before every value. */
static void lead(struct tn_json *json, const char *key)
{
    if (json->needs_comma)
        put(json, ", ", 2);
    json->needs_comma = true;
    if (key == NULL)
        return;
    put_string(json, key);
    put(json, ": ", 2);
}

static void open_with(struct tn_json *json, const char *key, const char *bracket)
{
    lead(json, key);
    put(json, bracket, 1);
    json->needs_comma = false;
}

static void close_with(struct tn_json *json, const char *bracket)
{
    put(json, bracket, 1);
    json->needs_comma = true;
}

void tn_json_open_object(struct tn_json *json, const char *key)
{
    open_with(json, key, "{");
}

void tn_json_close_object(struct tn_json *json)
{
    close_with(json, "}");
}

void tn_json_open_array(struct tn_json *json, const char *key)
{
    open_with(json, key, "[");
}

void tn_json_close_array(struct tn_json *json)
{
    close_with(json, "]");
}

void tn_json_text(struct tn_json *json, const char *key, const char *text)
{
    if (text == NULL) {
        tn_json_null(json, key);
        return;
    }
    lead(json, key);
    put_string(json, text);
}

static void check(struct tn_json *json, int r)
{
    if (r < 0)
        json->error = r;
}

void tn_json_int(struct tn_json *json, const char *key, int64_t value)
{
    lead(json, key);
    if (json->error == 0)
        check(json, tn_buffer_print(json->out, "%lld", (long long)value));
}

void tn_json_uint(struct tn_json *json, const char *key, uint64_t value)
{
    lead(json, key);
    if (json->error == 0)
        check(json, tn_buffer_print(json->out, "%llu", (unsigned long long)value));
}

void tn_json_real(struct tn_json *json, const char *key, double value, int digits)
{
    if (!isfinite(value)) {
        tn_json_null(json, key);
        return;
    }
    lead(json, key);
    if (json->error == 0)
        check(json, tn_buffer_print(json->out, "%.*g", digits, value));
}

void tn_json_bool(struct tn_json *json, const char *key, bool value)
{
    tn_json_raw(json, key, value ? "true" : "false");
}

void tn_json_null(struct tn_json *json, const char *key)
{
    tn_json_raw(json, key, "null");
}

void tn_json_raw(struct tn_json *json, const char *key, const char *value)
{
    lead(json, key);
    put(json, value, strlen(value));
}
