/* SPDX-License-Identifier: MIT */
/* The kinds as text for people and as JSON for tests and other tools: `tenure report --list-kinds`. JSON has
 * everything that an entry holds but the words around values; text has what a user decides by. */
#include "tenure/json.h"
#include "tenure/kind.h"

#include <string.h>

/* ---------------------------------------------------------------------------------------- text */

#define COLUMNS 100u
#define INDENT  17u

/* Append a label and words, wrapped at blanks. */
static int print_labelled(struct tn_buffer *out, const char *label, const char *words)
{
    size_t column = INDENT;
    int r = tn_buffer_print(out, "  %-*s", (int)INDENT - 2, label);
    while (*words != '\0' && r == 0) {
        size_t length = strcspn(words, " ");
        bool begins = column == INDENT;
        if (!begins && column + 1 + length > COLUMNS) {
            r = tn_buffer_print(out, "\n%*s", (int)INDENT, "");
            column = INDENT;
            begins = true;
        }
        if (r == 0)
            r = tn_buffer_print(out, "%s%.*s", begins ? "" : " ", (int)length, words);
        column += length + (begins ? 0 : 1);
        words += length;
        words += strspn(words, " ");
    }
    return r == 0 ? tn_buffer_append(out, "\n", 1) : r;
}

static int print_yields(struct tn_buffer *out, const struct tn_kind *kind)
{
    struct tn_buffer words = {0};
    int r = kind->yields_to[0] == NULL ? tn_buffer_print(&words, "none") : 0;
    for (size_t i = 0; kind->yields_to[i] != NULL && r == 0; i++)
        r = tn_buffer_print(&words, "%s%s", i != 0 ? ", " : "", kind->yields_to[i]);
    if (r == 0)
        r = print_labelled(out, "gives way to", (const char *)words.data);
    tn_buffer_finish(&words);
    return r;
}

static int print_evidence(struct tn_buffer *out, const struct tn_kind *kind)
{
    struct tn_buffer words = {0};
    int r = 0;
    for (size_t i = 0; kind->evidence[i].key != NULL && r == 0; i++)
        r = tn_buffer_print(&words, "%s%s", i != 0 ? ", " : "", kind->evidence[i].key);
    if (r == 0)
        r = print_labelled(out, "evidence", (const char *)words.data);
    tn_buffer_finish(&words);
    return r;
}

int tn_kinds_print(const struct tn_kind *const *kinds, struct tn_buffer *out)
{
    int r = 0;
    for (; *kinds != NULL && r == 0; kinds++) {
        r = tn_buffer_print(out, "%s: %s\n", (*kinds)->name, (*kinds)->summary);
        if (r == 0)
            r = print_labelled(out, "tactic", (*kinds)->tactic);
        if (r == 0)
            r = print_yields(out, *kinds);
        if (r == 0)
            r = print_evidence(out, *kinds);
        if (r == 0)
            r = print_labelled(out, "verify", (*kinds)->verify);
    }
    return r;
}

/* ---------------------------------------------------------------------------------------- JSON */

static void write_keys(const struct tn_evidence_key *keys, const char *name, struct tn_json *json)
{
    tn_json_open_array(json, name);
    for (; keys != NULL && keys->key != NULL; keys++) {
        tn_json_open_object(json, NULL);
        tn_json_text(json, "key", keys->key);
        tn_json_text(json, "type", tn_value_name(keys->type));
        tn_json_text(json, "unit", tn_unit_name(keys->unit));
        tn_json_bool(json, "is_required", keys->is_required);
        write_keys(keys->members, "members", json);
        tn_json_close_object(json);
    }
    tn_json_close_array(json);
}

static void write_thresholds(const struct tn_threshold *threshold, struct tn_json *json)
{
    tn_json_open_array(json, "thresholds");
    for (; threshold->name != NULL; threshold++) {
        tn_json_open_object(json, NULL);
        tn_json_text(json, "name", threshold->name);
        tn_json_real(json, "default", threshold->fallback, 6);
        tn_json_real(json, "min", threshold->min, 6);
        tn_json_real(json, "max", threshold->max, 6);
        tn_json_text(json, "summary", threshold->summary);
        tn_json_text(json, "source", threshold->source);
        tn_json_close_object(json);
    }
    tn_json_close_array(json);
}

static void write_kind(const struct tn_kind *kind, struct tn_json *json)
{
    tn_json_open_object(json, NULL);
    tn_json_text(json, "name", kind->name);
    tn_json_text(json, "summary", kind->summary);
    tn_json_text(json, "tactic", kind->tactic);
    tn_json_text(json, "verify", kind->verify);
    tn_json_text(json, "program_tactic", kind->program_tactic);
    tn_json_text(json, "program_verify", kind->program_verify);
    tn_json_real(json, "weight", kind->weight, 6);
    tn_json_open_array(json, "yields_to");
    for (const char *const *stronger = kind->yields_to; *stronger != NULL; stronger++)
        tn_json_text(json, NULL, *stronger);
    tn_json_close_array(json);
    write_keys(kind->evidence, "evidence", json);
    write_thresholds(kind->thresholds, json);
    tn_json_close_object(json);
}

void tn_kinds_write_json(const struct tn_kind *const *kinds, struct tn_json *json)
{
    tn_json_open_object(json, NULL);
    tn_json_open_array(json, "kinds");
    for (; *kinds != NULL; kinds++)
        write_kind(*kinds, json);
    tn_json_close_array(json);
    tn_json_close_object(json);
}
