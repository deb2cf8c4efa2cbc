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

static int print_real(double value, struct tn_buffer *out)
{
    char text[TN_QUANTITY_TEXT_BYTES];
    if (value < 1000 || value > 1e15)
        return tn_buffer_print(out, "%.4g", value);
    tn_print_count(text, (uint64_t)(value + 0.5));
    return tn_buffer_print(out, "%s", text);
}

static int print_number(const struct tn_evidence_member *member, struct tn_buffer *out)
{
    char text[TN_QUANTITY_TEXT_BYTES];
    bool is_negative = member->value[0] == '-';
    if (memchr(member->value, '.', member->value_bytes) != NULL ||
        memchr(member->value, 'e', member->value_bytes) != NULL)
        return print_real(strtod(member->value, NULL), out);
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
    return tn_buffer_print(out, "%s%s%s", is_negative ? "-" : "", text, needs_unit ? " B" : "");
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
    int r = 0;
    if (function.value_bytes > 2)
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

/* The value alone, with its unit. */
static int print_value(const struct tn_evidence_member *member, struct tn_buffer *out)
{
    switch (member->value[0]) {
    case '"':
        return print_string(member->value, member->value_bytes, out);
    case '{':
        return print_place(member, out);
    case '[':
        return tn_buffer_print(out, "%zu", count_entries(member));
    case 't':
        return tn_buffer_print(out, "yes");
    case 'f':
        return tn_buffer_print(out, "no");
    case 'n':
        return tn_buffer_print(out, "unknown");
    default:
        return print_number(member, out);
    }
}

/* ---------------------------------------------------------------------------------------- words by kind */

/* What carries the statement of a kind, in the order of telling; the rest is in the JSON report. A value of 0
 * is left out where silence says the same. */
static const struct phrase {
    const char *kind, *key, *before, *after;
    bool is_silent_at_zero;
    const char *unlike; /* silent when the value is that of this key, too; NULL: always told */
} phrases[] = {
    {"stack-buffer", "instances", "", " blocks seen", false, NULL},
    {"stack-buffer", "min_size_bytes", "at least ", "", false, "buffer_bytes"},
    {"stack-buffer", "buffer_bytes", "at most ", "", false, NULL},
    {"stack-buffer", "exceptions", "", " exceptions", false, NULL},
    {"stack-buffer", "max_live_count", "at most ", " at once", false, NULL},
    {"stack-buffer", "owner", "all gone before the return of ", "", false, NULL},
    {"stack-buffer", "frames_down", "asked for ", " calls below it", true, NULL},
    {"stack-buffer", "stack_depth_after_bytes", "the stack is then at most ", " deep", true, NULL},
    {"combine", "relation", "relation ", "", false, NULL},
    {"combine", "groups", "", " groups seen", false, NULL},
    {"combine", "exceptions", "", " exceptions", false, NULL},
    {"combine", "members", "", " members", false, NULL},
    {"combine", "combined_bytes", "", " together", false, NULL},
    {"combine", "peak_groups", "at most ", " groups at once", false, NULL},
    {"combine", "header_saved_bytes", "", " of headers saved", true, NULL},
    {"combine", "unused_bytes", "", " unused where a member is not needed", true, NULL},
    {"pool", "pool_count", "", " pools", false, NULL},
    {"pool", "block_count", "", " blocks", false, NULL},
    {"pool", "size_bytes", "every block asked for has ", "", false, NULL},
    {"pool", "alignment_bytes", "aligned to ", "", false, NULL},
    {"pool", "pool_bytes", "", " in all", false, NULL},
    {"pool", "waste_bytes", "", " of that unused even when most is in use", true, NULL},
    {"pool", "mean_live_count", "on average ", " in use", false, NULL},
    {"preallocate", "peak_count", "", " live at once", false, NULL},
    {"preallocate", "times_at_peak", "", " times", false, NULL},
    {"preallocate", "erlang_count", "Erlang's formula asks for ", "", false, NULL},
    {"preallocate", "probability", "to refuse at most a share of ", "", false, NULL},
    {"preallocate", "buffer_bytes", "of ", " each", false, NULL},
    {"permanent", "count", "", " blocks", false, NULL},
    {"permanent", "total_bytes", "", " together", false, NULL},
    {"permanent", "class", "class ", "", false, NULL},
    {"fixed-maximum", "observations", "", " sizes seen", false, NULL},
    {"fixed-maximum", "distinct_sizes", "", " different", false, NULL},
    {"fixed-maximum", "p50_bytes", "half up to ", "", false, NULL},
    {"fixed-maximum", "p99_bytes", "99 % up to ", "", false, NULL},
    {"fixed-maximum", "max_bytes", "all up to ", "", false, NULL},
    {"fixed-maximum", "at_maximum", "", " of just that", false, NULL},
    {"fixed-maximum", "still_growing", "still growing: ", "", false, NULL},
    {"presize", "chains", "", " buffers grown", false, NULL},
    {"presize", "growth_steps", "in ", " steps", false, NULL},
    {"presize", "final_bytes", "up to ", "", false, NULL},
    {"presize", "median_final_bytes", "half up to ", "", false, NULL},
    {"presize", "copied_bytes", "", " copied on the way", true, NULL},
    {"pinning", "pinned_mean_bytes", "", " of free space kept apart on average", false, NULL},
    {"pinning", "pinned_peak_bytes", "at most ", "", false, NULL},
    {"pinning", "peak_count", "", " blocks live at once", false, NULL},
    {"overhead", "allocations", "", " allocations", false, NULL},
    {"overhead", "payload_bytes", "of ", " together", false, NULL},
    {"overhead", "overhead_bytes", "header and rounding ", "", false, NULL},
    {"overhead", "peak_count", "", " live at once", false, NULL},
    {"growth", "live_at_end", "", " live at the end", true, NULL},
    {"growth", "live_bytes_at_end", "of ", " B together", true, NULL},
    {"growth", "first_count", "", " at least in the first part of the run", false, NULL},
    {"growth", "last_count", "", " in the last", false, NULL},
    {"growth", "rising_windows", "more than in the part before it ", " times", false, NULL},
    {"growth", "risen_bytes", "", " more in all", true, NULL},
};

#define PHRASE_COUNT (sizeof(phrases) / sizeof(phrases[0]))

static bool find_member(const char *evidence, const char *key, struct tn_evidence_member *ret_member)
{
    for (const char *at = evidence; (at = tn_evidence_next(at, ret_member)) != NULL;)
        if (strcmp(ret_member->key, key) == 0)
            return true;
    return false;
}

/* What stands behind a value; behind 1, the first word loses its s: "1 block seen". */
static int print_after(const struct tn_evidence_member *member, const char *after, struct tn_buffer *out)
{
    bool is_one = member->value_bytes == 1 && member->value[0] == '1';
    size_t word = strspn(after, " ");
    word += strcspn(after + word, " ");
    if (!is_one || word < 2 || after[word - 1] != 's')
        return tn_buffer_print(out, "%s", after);
    return tn_buffer_print(out, "%.*s%s", (int)word - 1, after, after + word);
}

static int print_phrase(const struct phrase *phrase, const char *evidence, struct tn_buffer *out)
{
    struct tn_evidence_member member, other;
    if (!find_member(evidence, phrase->key, &member))
        return 0;
    if (phrase->is_silent_at_zero && member.value_bytes == 1 && member.value[0] == '0')
        return 0;
    if (phrase->unlike != NULL && find_member(evidence, phrase->unlike, &other) &&
        member.value_bytes == other.value_bytes && memcmp(member.value, other.value, other.value_bytes) == 0)
        return 0;
    int r = out->size_bytes != 0 ? tn_buffer_append(out, ", ", 2) : 0;
    if (r == 0)
        r = tn_buffer_print(out, "%s", phrase->before);
    if (r == 0)
        r = print_value(&member, out);
    return r == 0 ? print_after(&member, phrase->after, out) : r;
}

/* A kind without phrases tells all it has. */
static int print_all(const char *evidence, struct tn_buffer *out)
{
    struct tn_evidence_member member;
    int r = 0;
    for (const char *at = evidence; r == 0 && (at = tn_evidence_next(at, &member)) != NULL;) {
        if (out->size_bytes != 0)
            r = tn_buffer_append(out, ", ", 2);
        if (r == 0)
            r = print_key(member.key, out);
        if (r == 0)
            r = tn_buffer_append(out, " ", 1);
        if (r == 0)
            r = print_value(&member, out);
    }
    return r;
}

int tn_evidence_print(const char *kind, const char *evidence, struct tn_buffer *out)
{
    bool is_known = false;
    int r = 0;
    for (size_t i = 0; i < PHRASE_COUNT && r == 0; i++) {
        if (strcmp(phrases[i].kind, kind) != 0)
            continue;
        is_known = true;
        r = print_phrase(&phrases[i], evidence, out);
    }
    return r == 0 && !is_known ? print_all(evidence, out) : r;
}
