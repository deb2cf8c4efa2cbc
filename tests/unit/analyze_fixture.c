/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analyze_fixture.h"

#include "tenure/json.h"
#include "tenure/kinds.h"

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void scene_begin(struct scene *scene, const char *name)
{
    *scene = (struct scene){.time_ns = 1000, .thread_id = 1, .address = 0x555500000000};
    fixture_path(scene->path, name);
    scene->writer = fixture_create(scene->path);
}

static uint64_t add_birth(struct scene *scene, uint64_t stack_id, uint64_t size_bytes, uint64_t previous_id)
{
    uint64_t id;
    struct tn_birth birth = {
        .process_id = 1,
        .thread_id = scene->thread_id,
        .stack_id = stack_id,
        .time_ns = scene->time_ns,
        .size_bytes = size_bytes,
        .usable_size_bytes = size_bytes <= 24 ? 24 : (size_bytes + 7) / 16 * 16 + 8,
        .address = scene->address += 0x100000,
        .depth_bytes = scene->depth_bytes,
        .previous_id = previous_id,
        .function = previous_id != 0 ? TN_FUNCTION_REALLOC : TN_FUNCTION_MALLOC,
        .left_depth_bytes = scene->left_depth_bytes,
    };
    scene->left_depth_bytes = 0;
    assert_int_equal(tn_log_add_birth(scene->writer, &birth, &id), 0);
    scene->time_ns += 10;
    if (id >= scene->stack_capacity) {
        scene->stack_capacity = 2 * (size_t)id + 1024;
        scene->stacks = realloc(scene->stacks, scene->stack_capacity * sizeof(scene->stacks[0]));
        assert_non_null(scene->stacks);
        scene->blocks = realloc(scene->blocks, scene->stack_capacity * sizeof(scene->blocks[0]));
        assert_non_null(scene->blocks);
    }
    scene->stacks[id] = stack_id;
    scene->blocks[id] = (struct scene_block){birth.address, tn_log_size_class(birth.usable_size_bytes)};
    return id;
}

static void add_death(struct scene *scene, uint64_t id, enum tn_function function)
{
    struct tn_death death = {.process_id = 1,
                             .allocation_id = id,
                             .thread_id = scene->thread_id,
                             .stack_id =
                                 scene->release_stack_id != 0 ? scene->release_stack_id : scene->stacks[id],
                             .time_ns = scene->time_ns,
                             .depth_bytes = scene->depth_bytes,
                             .function = function,
                             .left_depth_bytes = scene->left_depth_bytes,
                             .address = scene->blocks[id].address,
                             .size_class = scene->blocks[id].size_class};
    scene->left_depth_bytes = 0;
    assert_int_equal(tn_log_add_death(scene->writer, &death), 0);
    scene->time_ns += 10;
}

uint64_t scene_birth(struct scene *scene, uint64_t stack_id, uint64_t size_bytes)
{
    return add_birth(scene, stack_id, size_bytes, 0);
}

void scene_death(struct scene *scene, uint64_t id)
{
    add_death(scene, id, TN_FUNCTION_FREE);
}

uint64_t scene_realloc(struct scene *scene, uint64_t id, uint64_t size_bytes)
{
    add_death(scene, id, TN_FUNCTION_REALLOC);
    return add_birth(scene, scene->stacks[id], size_bytes, id);
}

uint64_t scene_stack(struct scene *scene, uint64_t stack_id, int64_t offset_bytes)
{
    uint64_t frame_id, made_id, offset = 0x1000 + 16 * stack_id + (uint64_t)offset_bytes;
    assert_int_equal(tn_log_intern_frame(scene->writer, 1, offset, &frame_id), 0);
    assert_int_equal(tn_log_intern_stack(scene->writer, frame_id, stack_id - 1, 48, false, &made_id), 0);
    return made_id;
}

void scene_mark(struct scene *scene, const char *text)
{
    assert_int_equal(tn_log_add_mark(scene->writer, 1, scene->time_ns, text), 0);
}

static void close_with(struct scene *scene, enum tn_exit_kind kind, int code)
{
    struct tn_error error = {0};
    assert_int_equal(tn_log_end_process(scene->writer, 1, scene->time_ns, kind, code), 0);
    assert_int_equal(tn_log_writer_close(scene->writer, scene->time_ns, &error), 0);
    scene->writer = NULL;
}

void scene_close(struct scene *scene)
{
    close_with(scene, TN_EXIT_EXIT, 0);
}

void scene_kill(struct scene *scene)
{
    close_with(scene, TN_EXIT_SIGNAL, 15);
}

/* ---------------------------------------------------------------------------------------- asking JSON */

/* The evidence as JSON; the caller frees it. */
static char *write_evidence(const struct tn_finding *finding)
{
    struct tn_buffer text = {0};
    struct tn_json json = {.out = &text};
    tn_evidence_write_json(&finding->evidence, NULL, &json);
    assert_int_equal(json.error, 0);
    assert_int_equal(tn_buffer_append(&text, "", 1), 0);
    return (char *)text.data;
}

/* A value of the evidence. Released by sqlite3_value_free. */
static sqlite3_value *value_of(const struct tn_finding *finding, const char *path)
{
    sqlite3 *database;
    sqlite3_stmt *row;
    char *evidence = write_evidence(finding);
    assert_int_equal(sqlite3_open(":memory:", &database), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(database, "SELECT json_extract(?1, ?2)", -1, &row, NULL), SQLITE_OK);
    sqlite3_bind_text(row, 1, evidence, -1, SQLITE_STATIC);
    sqlite3_bind_text(row, 2, path, -1, SQLITE_STATIC);
    if (sqlite3_step(row) != SQLITE_ROW)
        fail_msg("%s: evidence is no JSON: %s", finding->kind, evidence);
    sqlite3_value *value = sqlite3_value_dup(sqlite3_column_value(row, 0));
    sqlite3_finalize(row);
    sqlite3_close(database);
    free(evidence);
    return value;
}

double scene_number(const struct tn_finding *finding, const char *path)
{
    sqlite3_value *value = value_of(finding, path);
    if (sqlite3_value_numeric_type(value) == SQLITE_NULL)
        fail_msg("%s: no %s in %s", finding->kind, path, write_evidence(finding));
    double number = sqlite3_value_double(value);
    sqlite3_value_free(value);
    return number;
}

char *scene_text(const struct tn_finding *finding, const char *path)
{
    sqlite3_value *value = value_of(finding, path);
    const char *text = (const char *)sqlite3_value_text(value);
    char *copy = text != NULL ? strdup(text) : NULL;
    sqlite3_value_free(value);
    return copy;
}

/* ---------------------------------------------------------------------------------------- findings */

static bool is_equal(sqlite3_value *found, sqlite3_value *expected)
{
    if (sqlite3_value_type(found) == SQLITE_TEXT || sqlite3_value_type(expected) == SQLITE_TEXT)
        return strcmp((const char *)sqlite3_value_text(found), (const char *)sqlite3_value_text(expected)) ==
               0;
    double a = sqlite3_value_double(found), b = sqlite3_value_double(expected);
    return sqlite3_value_type(expected) != SQLITE_NULL && fabs(a - b) <= 1e-5 * fabs(b);
}

static void check_query(sqlite3 *database, const struct tn_finding *finding)
{
    sqlite3_stmt *row;
    if (sqlite3_prepare_v2(database, finding->query, -1, &row, NULL) != SQLITE_OK)
        fail_msg("%s: %s: %s", finding->kind, sqlite3_errmsg(database), finding->query);
    assert_int_equal(sqlite3_step(row), SQLITE_ROW);
    assert_true(sqlite3_column_count(row) > 0);
    for (int i = 0; i < sqlite3_column_count(row); i++) {
        char path[128];
        snprintf(path, sizeof(path), "$.%s", sqlite3_column_name(row, i));
        sqlite3_value *expected = value_of(finding, path);
        if (!is_equal(sqlite3_column_value(row, i), expected))
            fail_msg("%s: %s is %s by %s, but %s in %s", finding->kind, path,
                     (const char *)sqlite3_column_text(row, i), finding->query,
                     (const char *)sqlite3_value_text(expected), write_evidence(finding));
        sqlite3_value_free(expected);
    }
    assert_int_equal(sqlite3_step(row), SQLITE_DONE);
    sqlite3_finalize(row);
}

void scene_analyze(struct scene *scene, const struct tn_analyze_options *options,
                   struct tn_findings *ret_findings)
{
    static const struct tn_analyze_options defaults;
    struct tn_log *log = fixture_open(scene->path);
    struct tn_error error = {0};
    if (tn_analyze(log, tn_kinds, options != NULL ? options : &defaults, ret_findings, &error) < 0)
        fail_msg("%s", error.text);
    for (size_t i = 0; i < ret_findings->count; i++) {
        const struct tn_finding *finding = &ret_findings->items[i];
        assert_non_null(finding->title);
        assert_non_null(finding->advice);
        assert_non_null(finding->tactic);
        const char *key = "";
        if (!tn_kind_declares(tn_kind_find(tn_kinds, finding->kind), &finding->evidence, &key))
            fail_msg("%s: evidence %s is not as declared", finding->kind, key);
        check_query(tn_log_database(log), finding);
    }
    tn_log_close(log);
}

const struct tn_finding *scene_find(const struct tn_findings *findings, const char *kind, uint64_t stack_id)
{
    const struct tn_finding *found = NULL;
    for (size_t i = 0; i < findings->count; i++) {
        const struct tn_finding *finding = &findings->items[i];
        if (strcmp(finding->kind, kind) != 0 || finding->site_count == 0 ||
            finding->sites[0].offset_bytes != 0x1000 + 16 * stack_id)
            continue;
        assert_null(found);
        found = finding;
    }
    return found;
}

void scene_end(struct scene *scene)
{
    tn_log_writer_abandon(scene->writer);
    fixture_remove(scene->path);
    free(scene->stacks);
    free(scene->blocks);
}

struct tn_findings scene_findings(struct scene *scene, const char *only)
{
    struct tn_findings findings;
    struct tn_analyze_options options = {.only = only};
    if (scene->writer != NULL)
        scene_close(scene);
    scene_analyze(scene, &options, &findings);
    return findings;
}

void scene_end_with(struct scene *scene, struct tn_findings *findings)
{
    tn_findings_finish(findings);
    scene_end(scene);
}

void scene_churn(struct scene *scene, size_t times)
{
    for (size_t i = 0; i < times; i++)
        scene_death(scene, scene_birth(scene, SCENE_CHURN_STACK, 48));
}
