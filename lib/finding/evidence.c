/* SPDX-License-Identifier: MIT */
/* Builds, reads and writes a finding's evidence. A set keeps its values in the order of adding, which is
 * their order in JSON, and remembers its first error, so that a kind adds all its values and asks once.
 * Functions here recurse over containers, which are nested two or three deep by the code of a kind, never by
 * input. */
#include "tenure/evidence.h"

#include "tenure/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------------------------------- building */

static bool reserve(struct tn_evidence_set *evidence)
{
    if (evidence->count < evidence->capacity)
        return true;
    size_t capacity = evidence->capacity != 0 ? evidence->capacity * 2 : 8;
    struct tn_evidence *items = realloc(evidence->items, capacity * sizeof(items[0]));
    if (items == NULL) {
        evidence->error = -ENOMEM;
        return false;
    }
    evidence->items = items;
    evidence->capacity = capacity;
    return true;
}

/* Returns the value in the set, or NULL. */
static struct tn_evidence *add(struct tn_evidence_set *evidence, struct tn_evidence value)
{
    if (evidence == NULL || evidence->error != 0 || !reserve(evidence))
        return NULL;
    evidence->items[evidence->count] = value;
    return &evidence->items[evidence->count++];
}

void tn_evidence_add_number(struct tn_evidence_set *evidence, const char *key, enum tn_unit unit,
                            uint64_t value)
{
    add(evidence, (struct tn_evidence){.key = key, .unit = unit, .type = TN_VALUE_COUNT, .count = value});
}

void tn_evidence_add_count(struct tn_evidence_set *evidence, const char *key, uint64_t count)
{
    tn_evidence_add_number(evidence, key, TN_UNIT_COUNT, count);
}

void tn_evidence_add_bytes(struct tn_evidence_set *evidence, const char *key, uint64_t bytes)
{
    tn_evidence_add_number(evidence, key, TN_UNIT_BYTES, bytes);
}

void tn_evidence_add_ns(struct tn_evidence_set *evidence, const char *key, uint64_t ns)
{
    tn_evidence_add_number(evidence, key, TN_UNIT_NS, ns);
}

void tn_evidence_add_signed(struct tn_evidence_set *evidence, const char *key, enum tn_unit unit,
                            int64_t value)
{
    add(evidence, (struct tn_evidence){.key = key, .unit = unit, .type = TN_VALUE_SIGNED, .number = value});
}

void tn_evidence_add_real(struct tn_evidence_set *evidence, const char *key, enum tn_unit unit, double value,
                          unsigned digits)
{
    add(evidence,
        (struct tn_evidence){
            .key = key, .unit = unit, .type = TN_VALUE_REAL, .real_digits = (uint8_t)digits, .real = value});
}

void tn_evidence_add_bool(struct tn_evidence_set *evidence, const char *key, bool value)
{
    add(evidence, (struct tn_evidence){.key = key, .type = TN_VALUE_BOOL, .is_true = value});
}

void tn_evidence_add_text(struct tn_evidence_set *evidence, const char *key, const char *text)
{
    if (text == NULL) {
        add(evidence, (struct tn_evidence){.key = key});
        return;
    }
    if (evidence == NULL || evidence->error != 0)
        return;
    char *copy = strdup(text);
    if (copy == NULL)
        evidence->error = -ENOMEM;
    else if (add(evidence, (struct tn_evidence){.key = key, .type = TN_VALUE_TEXT, .text = copy}) == NULL)
        free(copy);
}

struct tn_evidence_set *tn_evidence_add_object(struct tn_evidence_set *evidence, const char *key)
{
    struct tn_evidence *object = add(evidence, (struct tn_evidence){.key = key, .type = TN_VALUE_OBJECT});
    return object != NULL ? &object->members : NULL;
}

struct tn_evidence_set *tn_evidence_add_list(struct tn_evidence_set *evidence, const char *key)
{
    struct tn_evidence *list = add(evidence, (struct tn_evidence){.key = key, .type = TN_VALUE_LIST});
    return list != NULL ? &list->members : NULL;
}

static bool has_members(const struct tn_evidence *value)
{
    return value->type == TN_VALUE_OBJECT || value->type == TN_VALUE_LIST;
}

int tn_evidence_error(const struct tn_evidence_set *evidence)
{
    int error = evidence->error;
    for (size_t i = 0; i < evidence->count && error == 0; i++)
        if (has_members(&evidence->items[i]))
            error = tn_evidence_error(&evidence->items[i].members);
    return error;
}

void tn_evidence_finish(struct tn_evidence_set *evidence)
{
    if (evidence == NULL)
        return;
    for (size_t i = 0; i < evidence->count; i++)
        if (has_members(&evidence->items[i]))
            tn_evidence_finish(&evidence->items[i].members);
        else if (evidence->items[i].type == TN_VALUE_TEXT)
            free(evidence->items[i].text);
    free(evidence->items);
    *evidence = (struct tn_evidence_set){0};
}

/* ---------------------------------------------------------------------------------------- reading */

const struct tn_evidence *tn_evidence_find(const struct tn_evidence_set *evidence, const char *key)
{
    for (size_t i = 0; evidence != NULL && i < evidence->count; i++)
        if (evidence->items[i].key != NULL && strcmp(evidence->items[i].key, key) == 0)
            return &evidence->items[i];
    return NULL;
}

bool tn_evidence_is_equal(const struct tn_evidence *left, const struct tn_evidence *right)
{
    if (left->type != right->type)
        return false;
    switch (left->type) {
    case TN_VALUE_NULL:
        return true;
    case TN_VALUE_COUNT:
        return left->count == right->count;
    case TN_VALUE_SIGNED:
        return left->number == right->number;
    case TN_VALUE_REAL:
        return !(left->real < right->real) && !(left->real > right->real);
    case TN_VALUE_BOOL:
        return left->is_true == right->is_true;
    case TN_VALUE_TEXT:
        return strcmp(left->text, right->text) == 0;
    case TN_VALUE_OBJECT:
    case TN_VALUE_LIST:
        return false;
    }
    return false;
}

const char *tn_unit_name(enum tn_unit unit)
{
    static const char *const names[] = {
        [TN_UNIT_NONE] = "", [TN_UNIT_COUNT] = "count", [TN_UNIT_BYTES] = "bytes",
        [TN_UNIT_NS] = "ns", [TN_UNIT_RATIO] = "ratio", [TN_UNIT_BYTES_PER_HOUR] = "bytes per hour",
    };
    return names[unit];
}

const char *tn_value_name(enum tn_value type)
{
    static const char *const names[] = {
        [TN_VALUE_NULL] = "null",     [TN_VALUE_COUNT] = "count", [TN_VALUE_SIGNED] = "signed",
        [TN_VALUE_REAL] = "real",     [TN_VALUE_BOOL] = "bool",   [TN_VALUE_TEXT] = "text",
        [TN_VALUE_OBJECT] = "object", [TN_VALUE_LIST] = "list",
    };
    return names[type];
}

/* ---------------------------------------------------------------------------------------- writing */

static void write_members(const struct tn_evidence_set *evidence, struct tn_json *json);

static void write_value(const struct tn_evidence *value, struct tn_json *json)
{
    switch (value->type) {
    case TN_VALUE_NULL:
        tn_json_null(json, value->key);
        return;
    case TN_VALUE_COUNT:
        tn_json_uint(json, value->key, value->count);
        return;
    case TN_VALUE_SIGNED:
        tn_json_int(json, value->key, value->number);
        return;
    case TN_VALUE_REAL:
        tn_json_real(json, value->key, value->real, value->real_digits);
        return;
    case TN_VALUE_BOOL:
        tn_json_bool(json, value->key, value->is_true);
        return;
    case TN_VALUE_TEXT:
        tn_json_text(json, value->key, value->text);
        return;
    case TN_VALUE_OBJECT:
        tn_evidence_write_json(&value->members, value->key, json);
        return;
    case TN_VALUE_LIST:
        tn_json_open_array(json, value->key);
        write_members(&value->members, json);
        tn_json_close_array(json);
        return;
    }
}

static void write_members(const struct tn_evidence_set *evidence, struct tn_json *json)
{
    for (size_t i = 0; i < evidence->count; i++)
        write_value(&evidence->items[i], json);
}

void tn_evidence_write_json(const struct tn_evidence_set *evidence, const char *key, struct tn_json *json)
{
    tn_json_open_object(json, key);
    write_members(evidence, json);
    tn_json_close_object(json);
}
