/* SPDX-License-Identifier: MIT */

/* Evidence as a sentence: the keys of which a kind's entry has words, in its order, each value with its unit.
 * Called for each finding that the text report tells at length. */

#include "evidence.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool ends_with(const char *key, const char *ending)
{
    size_t length = strlen(key), ending_length = strlen(ending);
    return length > ending_length && strcmp(key + length - ending_length, ending) == 0;
}

/* "frames_down" as "frames down"; the unit at the end is told by the value. */
static int print_key(const char *key, struct tn_buffer *out)
{
    size_t length = strlen(key);
    if (ends_with(key, "_bytes"))
        length -= 6;
    else if (ends_with(key, "_ns"))
        length -= 3;
    int r = 0;
    for (size_t i = 0; i < length && r == 0; i++)
        r = tn_buffer_append(out, key[i] == '_' ? " " : &key[i], 1);
    return r;
}

/* As exact as in JSON, and no more. */
static int print_real(const struct tn_evidence *real, struct tn_buffer *out)
{
    char digits[32], text[TN_QUANTITY_TEXT_BYTES];
    snprintf(digits, sizeof(digits), "%.*g", real->real_digits % 18, real->real);
    double value = strtod(digits, NULL);
    if (!(value >= 1000 && value <= 1e15))
        return tn_buffer_print(out, "%.4g", value);
    tn_print_count(text, (uint64_t)(value + 0.5));
    return tn_buffer_print(out, "%s", text);
}

static int print_count(enum tn_unit unit, uint64_t value, struct tn_buffer *out)
{
    char text[TN_QUANTITY_TEXT_BYTES];
    bool is_small = unit == TN_UNIT_BYTES && value < 1024 * 1024;
    if (unit == TN_UNIT_BYTES && !is_small)
        tn_print_bytes(text, value);
    else if (unit == TN_UNIT_NS)
        tn_print_duration(text, value);
    else
        tn_print_count(text, value);
    return tn_buffer_print(out, "%s%s", text, is_small ? " B" : "");
}

static int print_signed(enum tn_unit unit, int64_t value, struct tn_buffer *out)
{
    int r = value < 0 ? tn_buffer_append(out, "-", 1) : 0;
    return r == 0 ? print_count(unit, value < 0 ? -(uint64_t)value : (uint64_t)value, out) : r;
}

static const char *text_of(const struct tn_evidence_set *object, const char *key)
{
    const struct tn_evidence *value = tn_evidence_find(object, key);
    return value != NULL && value->type == TN_VALUE_TEXT ? value->text : "";
}

/* An object with function, file and line, as "main (app.c:12)". */
static int print_place(const struct tn_evidence_set *object, struct tn_buffer *out)
{
    const struct tn_evidence *line = tn_evidence_find(object, "line");
    const char *file = text_of(object, "file"), *slash = strrchr(file, '/');
    int r = tn_buffer_print(out, "%s", text_of(object, "function"));
    if (r < 0 || file[0] == '\0' || line == NULL)
        return r;
    return tn_buffer_print(out, " (%s:%" PRIu64 ")", slash != NULL ? slash + 1 : file, line->count);
}

/* The value alone, with its unit. */
static int print_value(const struct tn_evidence *value, struct tn_buffer *out)
{
    switch (value->type) {
    case TN_VALUE_NULL:
        return tn_buffer_print(out, "unknown");
    case TN_VALUE_COUNT:
        return print_count(value->unit, value->count, out);
    case TN_VALUE_SIGNED:
        return print_signed(value->unit, value->number, out);
    case TN_VALUE_REAL:
        return print_real(value, out);
    case TN_VALUE_BOOL:
        return tn_buffer_print(out, value->is_true ? "yes" : "no");
    case TN_VALUE_TEXT:
        return tn_buffer_print(out, "%s", value->text);
    case TN_VALUE_OBJECT:
        return print_place(&value->members, out);
    case TN_VALUE_LIST:
        return tn_buffer_print(out, "%zu", value->members.count);
    }
    return 0;
}

/* How many the value speaks of, for singular and silence; 2 where it is no number. */
static uint64_t number_of(const struct tn_evidence *value)
{
    return value->type == TN_VALUE_COUNT  ? value->count
           : value->type == TN_VALUE_LIST ? value->members.count
                                          : 2;
}

/* What stands behind a value; behind 1, the first word loses its s: "1 block seen". */
static int print_after(uint64_t number, const char *after, struct tn_buffer *out)
{
    size_t word = strspn(after, " ");
    word += strcspn(after + word, " ");
    if (number != 1 || word < 2 || after[word - 1] != 's')
        return tn_buffer_print(out, "%s", after);
    return tn_buffer_print(out, "%.*s%s", (int)word - 1, after, after + word);
}

static int print_phrase(const struct tn_evidence_key *key, const struct tn_evidence_set *evidence,
                        struct tn_buffer *out)
{
    const struct tn_evidence *value = tn_evidence_find(evidence, key->key);
    const struct tn_evidence *other = key->unlike != NULL ? tn_evidence_find(evidence, key->unlike) : NULL;
    if (value == NULL || key->before == NULL || (key->is_silent_at_zero && number_of(value) == 0) ||
        (other != NULL && tn_evidence_is_equal(value, other)))
        return 0;
    int r = out->size_bytes != 0 ? tn_buffer_append(out, ", ", 2) : 0;
    if (r == 0)
        r = tn_buffer_print(out, "%s", key->before);
    if (r == 0)
        r = print_value(value, out);
    return r == 0 ? print_after(number_of(value), key->after, out) : r;
}

/* Of a kind that is not known, all values by their keys. */
static int print_all(const struct tn_evidence_set *evidence, struct tn_buffer *out)
{
    int r = 0;
    for (size_t i = 0; i < evidence->count && r == 0; i++) {
        if (out->size_bytes != 0)
            r = tn_buffer_append(out, ", ", 2);
        if (r == 0)
            r = print_key(evidence->items[i].key, out);
        if (r == 0)
            r = tn_buffer_append(out, " ", 1);
        if (r == 0)
            r = print_value(&evidence->items[i], out);
    }
    return r;
}

int tn_evidence_print(const struct tn_kind *kind, const struct tn_evidence_set *evidence,
                      struct tn_buffer *out)
{
    if (kind == NULL)
        return print_all(evidence, out);
    int r = 0;
    for (const struct tn_evidence_key *key = kind->evidence; key->key != NULL && r == 0; key++)
        r = print_phrase(key, evidence, out);
    return r;
}
