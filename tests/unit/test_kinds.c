/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tenure/base.h"
#include "tenure/json.h"
#include "tenure/kinds.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The registry: each entry has all that a kind must have, and keys, names and precedence fit together. */

static const char *page; /* docs/analyses.md */

static bool is_said(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static void every_kind_has_all_fields(void **state)
{
    (void)state;
    for (const struct tn_kind *const *at = tn_kinds; *at != NULL; at++) {
        const struct tn_kind *kind = *at;
        if (!is_said(kind->name) || !is_said(kind->summary) || !is_said(kind->tactic) ||
            !is_said(kind->verify) || kind->yields_to == NULL || kind->evidence == NULL ||
            kind->thresholds == NULL || kind->analysis == NULL)
            fail_msg("%s: a field is missing", is_said(kind->name) ? kind->name : "a kind without a name");
        if (!(kind->weight > 0 && kind->weight <= 1))
            fail_msg("%s: weight %g", kind->name, kind->weight);
        if (kind->name[strspn(kind->name, "abcdefghijklmnopqrstuvwxyz-")] != '\0')
            fail_msg("%s: names have lower-case letters and hyphens", kind->name);
        assert_ptr_equal(tn_kind_find(tn_kinds, kind->name), kind);
        if (kind->verify[strlen(kind->verify) - 1] != '.')
            fail_msg("%s: how to verify it is told in sentences", kind->name);
    }
}

/* So that those it gives way to have been settled before. */
static void kinds_stand_after_those_they_yield_to(void **state)
{
    (void)state;
    for (size_t i = 0; tn_kinds[i] != NULL; i++)
        for (const char *const *stronger = tn_kinds[i]->yields_to; *stronger != NULL; stronger++) {
            size_t j = 0;
            while (j < i && strcmp(tn_kinds[j]->name, *stronger) != 0)
                j++;
            if (j == i)
                fail_msg("%s yields to %s, which does not stand before it", tn_kinds[i]->name, *stronger);
        }
}

/* ---------------------------------------------------------------------------------------- evidence keys */

static bool ends_with(const char *text, const char *ending)
{
    size_t length = strlen(text), ending_length = strlen(ending);
    return length > ending_length && strcmp(text + length - ending_length, ending) == 0;
}

static void check_unit(const char *kind, const struct tn_evidence_key *key)
{
    bool is_number =
        key->type == TN_VALUE_COUNT || key->type == TN_VALUE_SIGNED || key->type == TN_VALUE_REAL;
    if (!is_number && key->unit != TN_UNIT_NONE)
        fail_msg("%s: %s is no number, but has a unit", kind, key->key);
    if (is_number && key->unit == TN_UNIT_NONE && strcmp(key->key, "line") != 0 &&
        strcmp(key->key, "tier") != 0)
        fail_msg("%s: %s has no unit", kind, key->key);
    if (ends_with(key->key, "_bytes") != (key->unit == TN_UNIT_BYTES) && strcmp(key->key, "bytes") != 0 &&
        strcmp(key->key, "live_bytes_at_end") != 0)
        fail_msg("%s: key %s does not agree with its unit, '%s'", kind, key->key, tn_unit_name(key->unit));
    if (ends_with(key->key, "_ns") != (key->unit == TN_UNIT_NS))
        fail_msg("%s: key %s does not agree with its unit, '%s'", kind, key->key, tn_unit_name(key->unit));
}

static void check_key(const char *kind, const struct tn_evidence_key *keys, const struct tn_evidence_key *key)
{
    bool has_members = key->type == TN_VALUE_OBJECT || key->type == TN_VALUE_LIST;
    if (key->type == TN_VALUE_NULL || has_members != (key->members != NULL))
        fail_msg("%s: %s has the wrong type, or no members", kind, key->key);
    if ((key->before == NULL) != (key->after == NULL) ||
        (key->before == NULL && (key->is_silent_at_zero || key->unlike != NULL)))
        fail_msg("%s: %s has words on one side only, or none to keep silent about", kind, key->key);
    if (key->unlike != NULL && tn_evidence_key_find(keys, key->unlike) == NULL)
        fail_msg("%s: %s is compared with %s, which is not declared", kind, key->key, key->unlike);
    if (tn_evidence_key_find(keys, key->key) != key)
        fail_msg("%s: %s is declared twice", kind, key->key);
    check_unit(kind, key);
}

/* All keys, and those of their members. */
static void for_each_key(void (*check)(const char *kind, const struct tn_evidence_key *keys,
                                       const struct tn_evidence_key *key))
{
    for (const struct tn_kind *const *kind = tn_kinds; *kind != NULL; kind++) {
        const struct tn_evidence_key *levels[4] = {(*kind)->evidence}, *starts[4] = {(*kind)->evidence};
        size_t depth = 0;
        while (depth != SIZE_MAX) {
            const struct tn_evidence_key *key = levels[depth];
            if (key->key == NULL) {
                depth--;
                continue;
            }
            check((*kind)->name, starts[depth], key);
            levels[depth]++;
            if (key->members != NULL && depth < 3) {
                depth++;
                starts[depth] = levels[depth] = key->members;
            }
        }
    }
}

static void keys_have_types_and_units(void **state)
{
    (void)state;
    for_each_key(check_key);
}

/* Something is always told: what every finding has. */
static void every_kind_tells_a_required_number(void **state)
{
    (void)state;
    for (const struct tn_kind *const *kind = tn_kinds; *kind != NULL; kind++) {
        bool is_told = false;
        for (const struct tn_evidence_key *key = (*kind)->evidence; key->key != NULL; key++)
            is_told = is_told || (key->is_required && key->before != NULL);
        if (!is_told)
            fail_msg("%s: the text report may have no evidence of it", (*kind)->name);
    }
}

/* ---------------------------------------------------------------------------------------- documents */

/* The page's section of a kind; the caller frees it. */
static char *read_section(const char *kind)
{
    struct tn_buffer heading = {0};
    assert_int_equal(tn_buffer_print(&heading, "\n## %s\n", kind), 0);
    const char *start = strstr(page, (const char *)heading.data);
    if (start == NULL)
        fail_msg("docs/analyses.md has no section '%s'", kind);
    start += heading.size_bytes;
    const char *end = strstr(start, "\n## ");
    tn_buffer_finish(&heading);
    char *section = strndup(start, end != NULL ? (size_t)(end - start) : strlen(start));
    assert_non_null(section);
    return section;
}

static void check_key_told(const char *kind, const struct tn_evidence_key *keys,
                           const struct tn_evidence_key *key)
{
    (void)keys;
    char *section = read_section(kind);
    struct tn_buffer code = {0};
    assert_int_equal(tn_buffer_print(&code, "`%s`", key->key), 0);
    if (strstr(section, (const char *)code.data) == NULL)
        fail_msg("docs/analyses.md, %s: evidence `%s` is not there", kind, key->key);
    tn_buffer_finish(&code);
    free(section);
}

static void every_key_is_documented(void **state)
{
    (void)state;
    for_each_key(check_key_told);
}

/* A threshold belongs to its kind, is in range, and says where it comes from; the page tells of it. */
static void thresholds_have_a_range_and_a_source(void **state)
{
    (void)state;
    for (const struct tn_kind *const *kind = tn_kinds; *kind != NULL; kind++) {
        char *section = read_section((*kind)->name);
        size_t length = strlen((*kind)->name);
        assert_non_null((*kind)->thresholds[0].name);
        for (const struct tn_threshold *at = (*kind)->thresholds; at->name != NULL; at++) {
            if (strncmp(at->name, (*kind)->name, length) != 0 || at->name[length] != '.')
                fail_msg("%s: threshold %s bears another name", (*kind)->name, at->name);
            if (!(at->min <= at->fallback && at->fallback <= at->max) || !is_said(at->summary) ||
                !is_said(at->source))
                fail_msg("%s: default out of range, or a text is missing", at->name);
            if (strstr(section, at->name) == NULL)
                fail_msg("docs/analyses.md, %s: threshold %s is not there", (*kind)->name, at->name);
        }
        free(section);
    }
}

/* ---------------------------------------------------------------------------------------- declarations */

static const struct tn_evidence_key part_keys[] = {{TN_KEY("line", COUNT, NONE), .is_required = true}, {0}};
static const struct tn_evidence_key all_keys[] = {{TN_KEY("size_bytes", COUNT, BYTES), .is_required = true},
                                                  {TN_KEY("owner", OBJECT, NONE), .members = part_keys},
                                                  {TN_KEY("parts", LIST, NONE), .members = part_keys},
                                                  {0}};
static const struct tn_kind made_up = {.name = "made-up", .evidence = all_keys};

static void expect_undeclared(struct tn_evidence_set *evidence, const char *expected)
{
    const char *key = NULL;
    bool is_declared = tn_kind_declares(&made_up, evidence, &key);
    assert_int_equal(is_declared, expected == NULL);
    if (expected != NULL)
        assert_string_equal(key, expected);
    assert_int_equal(tn_evidence_error(evidence), 0);
    tn_evidence_finish(evidence);
}

static void undeclared_evidence_is_found(void **state)
{
    (void)state;
    struct tn_evidence_set evidence = {0};
    expect_undeclared(&evidence, "size_bytes"); /* it is required */
    tn_evidence_add_count(&evidence, "size_bytes", 1);
    expect_undeclared(&evidence, "size_bytes"); /* another unit */
    tn_evidence_add_real(&evidence, "size_bytes", TN_UNIT_BYTES, 1, 6);
    expect_undeclared(&evidence, "size_bytes"); /* another type */
    tn_evidence_add_bytes(&evidence, "size_bytes", 1);
    tn_evidence_add_bool(&evidence, "is_odd", true);
    expect_undeclared(&evidence, "is_odd");
    tn_evidence_add_bytes(&evidence, "size_bytes", 1);
    tn_evidence_add_object(&evidence, "owner");
    expect_undeclared(&evidence, "line");
    tn_evidence_add_bytes(&evidence, "size_bytes", 1);
    tn_evidence_add_object(tn_evidence_add_list(&evidence, "parts"), NULL);
    expect_undeclared(&evidence, "line");
    tn_evidence_add_bytes(&evidence, "size_bytes", 1);
    struct tn_evidence_set *part = tn_evidence_add_object(tn_evidence_add_list(&evidence, "parts"), NULL);
    tn_evidence_add_number(part, "line", TN_UNIT_NONE, 7);
    tn_evidence_add_text(&evidence, "owner", NULL); /* not known */
    expect_undeclared(&evidence, NULL);
}

/* ---------------------------------------------------------------------------------------- evidence */

static void evidence_is_written_as_json(void **state)
{
    (void)state;
    struct tn_evidence_set evidence = {0};
    tn_evidence_add_count(&evidence, "count", UINT64_MAX);
    tn_evidence_add_signed(&evidence, "delta_bytes", TN_UNIT_BYTES, -5);
    tn_evidence_add_real(&evidence, "share", TN_UNIT_RATIO, 1.0 / 3, 3);
    tn_evidence_add_bool(&evidence, "is_odd", false);
    tn_evidence_add_text(&evidence, "name", "a \"b\"");
    tn_evidence_add_text(&evidence, "none", NULL);
    tn_evidence_add_ns(tn_evidence_add_object(&evidence, "inner"), "age_ns", 3);
    struct tn_evidence_set *list = tn_evidence_add_list(&evidence, "list");
    tn_evidence_add_bytes(list, NULL, 4);
    tn_evidence_add_object(list, NULL);
    struct tn_buffer text = {0};
    struct tn_json json = {.out = &text};
    tn_evidence_write_json(&evidence, NULL, &json);
    assert_int_equal(json.error + tn_evidence_error(&evidence), 0);
    assert_int_equal(tn_buffer_append(&text, "", 1), 0);
    assert_string_equal((const char *)text.data,
                        "{\"count\": 18446744073709551615, \"delta_bytes\": -5, \"share\": 0.333, "
                        "\"is_odd\": false, \"name\": \"a \\\"b\\\"\", \"none\": null, "
                        "\"inner\": {\"age_ns\": 3}, \"list\": [4, {}]}");
    tn_buffer_finish(&text);
    tn_evidence_finish(&evidence);
}

static void errors_are_remembered_at_any_depth(void **state)
{
    (void)state;
    struct tn_evidence_set evidence = {0};
    struct tn_evidence_set *inner = tn_evidence_add_object(tn_evidence_add_list(&evidence, "list"), NULL);
    assert_int_equal(tn_evidence_error(&evidence), 0);
    inner->error = -12;
    assert_null(tn_evidence_add_object(inner, "more"));
    tn_evidence_add_count(NULL, "nothing", 1);
    assert_int_equal(inner->count, 0);
    assert_int_equal(tn_evidence_error(&evidence), -12);
    tn_evidence_finish(&evidence);
    assert_int_equal(tn_evidence_error(&evidence), 0);
}

static char *read_page(const char *path)
{
    struct tn_buffer text = {0};
    FILE *file = fopen(path, "r");
    char part[4096];
    size_t length;
    while (file != NULL && (length = fread(part, 1, sizeof(part), file)) > 0)
        if (tn_buffer_append(&text, part, length) < 0)
            return NULL;
    if (file == NULL || tn_buffer_append(&text, "", 1) < 0)
        return NULL;
    fclose(file);
    return (char *)text.data;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_all_fields),
        cmocka_unit_test(kinds_stand_after_those_they_yield_to),
        cmocka_unit_test(keys_have_types_and_units),
        cmocka_unit_test(every_kind_tells_a_required_number),
        cmocka_unit_test(every_key_is_documented),
        cmocka_unit_test(thresholds_have_a_range_and_a_source),
        cmocka_unit_test(undeclared_evidence_is_found),
        cmocka_unit_test(evidence_is_written_as_json),
        cmocka_unit_test(errors_are_remembered_at_any_depth),
    };
    char *text = argc == 2 ? read_page(argv[1]) : NULL;
    if (text == NULL)
        return 2;
    page = text;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(text);
    return failed;
}
