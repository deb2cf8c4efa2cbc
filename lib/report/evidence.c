/* SPDX-License-Identifier: MIT */
#include "evidence.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

/* Behind the string that begins at a quote. */
static const char *skip_string(const char *at)
{
    for (at++; *at != '\0' && *at != '"'; at++)
        if (*at == '\\' && at[1] != '\0')
            at++;
    return *at == '"' ? at + 1 : at;
}

/* Behind the value that begins here, whatever it holds. */
static const char *skip_value(const char *at)
{
    size_t depth = 0;
    while (*at != '\0') {
        if (*at == '"') {
            at = skip_string(at);
        } else if (*at == '{' || *at == '[') {
            depth++;
            at++;
        } else if (depth > 0 && (*at == '}' || *at == ']')) {
            depth--;
            at++;
        } else if (depth == 0 && (*at == ',' || *at == '}' || *at == ']')) {
            return at;
        } else {
            at++;
        }
        if (depth == 0 && (at[-1] == '}' || at[-1] == ']' || at[-1] == '"'))
            return at;
    }
    return at;
}

const char *tn_evidence_next(const char *at, struct tn_evidence_member *ret_member)
{
    at += strspn(at, " \t\r\n{,");
    if (*at != '"')
        return NULL;
    const char *key = at + 1;
    at = skip_string(at);
    size_t length = (size_t)(at - key) - 1;
    if (length >= sizeof(ret_member->key))
        length = sizeof(ret_member->key) - 1;
    memcpy(ret_member->key, key, length);
    ret_member->key[length] = '\0';
    at = skip_blanks(at);
    if (*at != ':')
        return NULL;
    ret_member->value = skip_blanks(at + 1);
    at = skip_value(ret_member->value);
    ret_member->value_bytes = (size_t)(at - ret_member->value);
    return at;
}

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

static int print_number(const struct tn_evidence_member *member, struct tn_buffer *out)
{
    char text[TN_QUANTITY_TEXT_BYTES];
    bool is_negative = member->value[0] == '-';
    if (memchr(member->value, '.', member->value_bytes) != NULL ||
        memchr(member->value, 'e', member->value_bytes) != NULL)
        return tn_buffer_print(out, " %.*s", (int)member->value_bytes, member->value);
    uint64_t value = strtoull(member->value + is_negative, NULL, 10);
    if (ends_with(member->key, "_bytes") && value < 1024 * 1024)
        tn_print_count(text, value);
    else if (ends_with(member->key, "_bytes"))
        tn_print_bytes(text, value);
    else if (ends_with(member->key, "_ns"))
        tn_print_duration(text, value);
    else
        tn_print_count(text, value);
    bool needs_unit = ends_with(member->key, "_bytes") && value < 1024 * 1024;
    return tn_buffer_print(out, " %s%s%s", is_negative ? "-" : "", text, needs_unit ? " B" : "");
}

/* The text of a string without its quotes; escapes other than those of a quote and a backslash stay. */
static int print_string(const char *value, size_t value_bytes, struct tn_buffer *out)
{
    int r = 0;
    for (size_t i = 1; i + 1 < value_bytes && r == 0; i++) {
        if (value[i] == '\\' && (value[i + 1] == '"' || value[i + 1] == '\\' || value[i + 1] == '/'))
            i++;
        r = tn_buffer_append(out, &value[i], 1);
    }
    return r;
}

/* An object of function, file and line. */
static int print_place(const struct tn_evidence_member *place, struct tn_buffer *out)
{
    struct tn_evidence_member member, function = {0}, file = {0}, line = {0};
    const char *end = place->value + place->value_bytes;
    for (const char *at = place->value; (at = tn_evidence_next(at, &member)) != NULL && at <= end;)
        if (strcmp(member.key, "function") == 0)
            function = member;
        else if (strcmp(member.key, "file") == 0)
            file = member;
        else if (strcmp(member.key, "line") == 0)
            line = member;
    int r = tn_buffer_append(out, " ", 1);
    if (r == 0 && function.value_bytes > 2)
        r = print_string(function.value, function.value_bytes, out);
    if (r < 0 || file.value_bytes <= 2 || line.value_bytes == 0)
        return r;
    const char *name = file.value;
    for (const char *c = file.value; c < file.value + file.value_bytes; c++)
        if (*c == '/')
            name = c;
    r = tn_buffer_append(out, " (", 2);
    if (r == 0)
        r = print_string(name, file.value_bytes - (size_t)(name - file.value), out);
    return r == 0 ? tn_buffer_print(out, ":%.*s)", (int)line.value_bytes, line.value) : r;
}

/* Entries of a list: its outermost commas, and one more. */
static size_t count_entries(const struct tn_evidence_member *list)
{
    const char *at = skip_blanks(list->value + 1);
    size_t count = 0;
    while (*at != '\0' && *at != ']') {
        at = skip_blanks(skip_value(at));
        count++;
        if (*at == ',')
            at = skip_blanks(at + 1);
    }
    return count;
}

static int print_member(const struct tn_evidence_member *member, struct tn_buffer *out)
{
    int r = print_key(member->key, out);
    if (r < 0)
        return r;
    switch (member->value[0]) {
    case '"':
        r = tn_buffer_append(out, " ", 1);
        return r == 0 ? print_string(member->value, member->value_bytes, out) : r;
    case '{':
        return print_place(member, out);
    case '[':
        return tn_buffer_print(out, " %zu", count_entries(member));
    case 't':
        return tn_buffer_print(out, ": yes");
    case 'f':
        return tn_buffer_print(out, ": no");
    case 'n':
        return tn_buffer_print(out, " unknown");
    default:
        return print_number(member, out);
    }
}

int tn_evidence_print(const char *evidence, struct tn_buffer *out)
{
    struct tn_evidence_member member;
    bool is_first = true;
    int r = 0;
    for (const char *at = evidence; r == 0 && (at = tn_evidence_next(at, &member)) != NULL;) {
        if (!is_first)
            r = tn_buffer_append(out, ", ", 2);
        is_first = false;
        if (r == 0)
            r = print_member(&member, out);
    }
    return r;
}
