/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "contain_fixture.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t stack_at(struct scene *scene, const uint64_t *places, size_t count)
{
    uint64_t stack_id = 0, frame_id;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(tn_log_intern_frame(scene->writer, 1, places[i], &frame_id), 0);
        assert_int_equal(
            tn_log_intern_stack(scene->writer, frame_id, stack_id, FRAME_BYTES, false, &stack_id), 0);
    }
    scene->depth_bytes = ROOT_BYTES + FRAME_BYTES * count;
    return stack_id;
}

uint64_t birth(struct scene *scene, uint64_t size_bytes, const uint64_t *places, size_t count)
{
    return scene_birth(scene, stack_at(scene, places, count), size_bytes);
}

void death(struct scene *scene, uint64_t id, const uint64_t *places, size_t count)
{
    scene->release_stack_id = stack_at(scene, places, count);
    scene_death(scene, id);
    scene->release_stack_id = 0;
}

/* Something else happens at a place. */
void event(struct scene *scene, const uint64_t *places, size_t count)
{
    death(scene, birth(scene, 7, places, count), places, count);
}

void begin(struct scene *scene)
{
    scene_begin(scene, "contain");
}

/* Close, name the places, analyse both kinds. */
void analyze(struct scene *scene, const char *only, struct tn_findings *ret_findings)
{
    sqlite3 *database;
    struct tn_analyze_options options = {.only = only};
    scene_close(scene);
    assert_int_equal(sqlite3_open(scene->path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database,
                                  "UPDATE frame SET function = 'f' || (offset_bytes / 4096 - 256),"
                                  " file = 'made/up.c', line = offset_bytes % 4096,"
                                  " is_tail_call = offset_bytes % 4096 >= 4000 WHERE offset_bytes >= 1048576",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(database);
    scene_analyze(scene, &options, ret_findings);
}

const struct tn_finding *find(const struct tn_findings *findings, const char *kind, uint32_t function,
                              uint32_t line)
{
    char name[16];
    snprintf(name, sizeof(name), "f%u", function);
    for (size_t i = 0; i < findings->count; i++)
        for (size_t k = 0; k < findings->items[i].site_count; k++)
            if (strcmp(findings->items[i].kind, kind) == 0 && findings->items[i].sites[k].line == line &&
                strcmp(findings->items[i].sites[k].function, name) == 0)
                return &findings->items[i];
    return NULL;
}

void check_text(const struct tn_finding *finding, const char *path, const char *expected)
{
    char *text = scene_text(finding, path);
    assert_string_equal(text, expected);
    free(text);
}

const struct tn_finding *check_buffer(const struct tn_findings *findings, uint32_t function, uint32_t line,
                                      const char *owner, unsigned frames_down)
{
    const struct tn_finding *finding = find(findings, "stack-buffer", function, line);
    assert_non_null(finding);
    /* all that is missing is the program's code, which would tell where the size comes from */
    assert_int_equal(finding->confidence, TN_CONFIDENCE_CONDITIONAL);
    assert_non_null(finding->condition.kind);
    check_text(finding, "$.owner.function", owner);
    assert_int_equal(scene_number(finding, "$.frames_down"), frames_down);
    assert_int_equal(scene_number(finding, "$.exceptions"), 0);
    return finding;
}

bool is_claimed(const struct tn_findings *findings, const char *kind, uint32_t function, uint32_t line)
{
    const struct tn_finding *finding = find(findings, kind, function, line);
    return finding != NULL && finding->confidence != TN_CONFIDENCE_WEAK;
}

void end(struct scene *scene, struct tn_findings *findings)
{
    tn_findings_finish(findings);
    scene_end(scene);
}
