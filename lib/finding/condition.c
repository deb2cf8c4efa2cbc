/* SPDX-License-Identifier: MIT */
/* What decides whether a finding holds in other runs, and where its blocks are released: the lines of the
 * program that both name, and how they are written as JSON, for the report and for the log alike. */
#include "tenure/finding.h"
#include "tenure/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

const char *tn_finding_line_print(const struct tn_finding_line *line, char *ret_text, size_t text_bytes)
{
    const char *module = line->module[0] != '\0' ? last_part(line->module) : "unknown";
    char name[TN_SHORT_NAME_BYTES];
    if (line->line != 0)
        snprintf(ret_text, text_bytes, "%s:%" PRIu32, last_part(line->file), line->line);
    else if (line->function[0] != '\0')
        snprintf(ret_text, text_bytes, "%s (%s+0x%" PRIx64 ")",
                 tn_function_short_name(line->function, name, sizeof(name)), module, line->offset_bytes);
    else
        snprintf(ret_text, text_bytes, "%s+0x%" PRIx64, module, line->offset_bytes);
    return ret_text;
}

int tn_finding_line_copy(const struct tn_finding_line *line, struct tn_finding_line *ret_line)
{
    *ret_line = (struct tn_finding_line){.function = strdup(line->function),
                                         .file = strdup(line->file),
                                         .line = line->line,
                                         .module = strdup(line->module),
                                         .offset_bytes = line->offset_bytes};
    bool has_all = ret_line->function != NULL && ret_line->file != NULL && ret_line->module != NULL;
    return has_all ? 0 : -ENOMEM;
}

void tn_finding_line_finish(struct tn_finding_line *line)
{
    free(line->function);
    free(line->file);
    free(line->module);
    *line = (struct tn_finding_line){0};
}

static int add_lines(struct tn_finding_condition *condition, const struct tn_finding_line *lines,
                     size_t count)
{
    if (count == 0)
        return 0;
    void *room = realloc(condition->lines, (condition->line_count + count) * sizeof(condition->lines[0]));
    if (room == NULL)
        return -ENOMEM;
    condition->lines = room;
    int r = 0;
    for (size_t i = 0; i < count && r == 0; i++)
        r = tn_finding_line_copy(&lines[i], &condition->lines[condition->line_count++]);
    return r;
}

int tn_finding_add_condition(struct tn_finding *finding, const char *kind,
                             const struct tn_finding_line *lines, size_t line_count, const char *format, ...)
{
    struct tn_finding_condition *condition = &finding->condition;
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0)
        return -ENOMEM;
    int r = condition->text == NULL
                ? tn_finding_set(&condition->text, "%s", text)
                : tn_finding_set(&condition->text, "%s; and if %s", condition->text, text);
    free(text);
    if (condition->kind == NULL)
        condition->kind = kind;
    if (finding->confidence > TN_CONFIDENCE_CONDITIONAL)
        finding->confidence = TN_CONFIDENCE_CONDITIONAL;
    return r < 0 ? r : add_lines(condition, lines, line_count);
}

static void write_line(const struct tn_finding_line *line, struct tn_json *json)
{
    tn_json_text(json, "function", line->function);
    tn_json_text(json, "file", line->file);
    tn_json_uint(json, "line", line->line);
    tn_json_text(json, "module", line->module);
    tn_json_uint(json, "offset_bytes", line->offset_bytes);
}

void tn_finding_write_condition(const struct tn_finding *finding, const char *key, struct tn_json *json)
{
    const struct tn_finding_condition *condition = &finding->condition;
    if (condition->kind == NULL) {
        tn_json_null(json, key);
        return;
    }
    tn_json_open_object(json, key);
    tn_json_text(json, "kind", condition->kind);
    tn_json_text(json, "text", condition->text);
    tn_json_open_array(json, "sites");
    for (size_t i = 0; i < condition->line_count; i++) {
        tn_json_open_object(json, NULL);
        write_line(&condition->lines[i], json);
        tn_json_close_object(json);
    }
    tn_json_close_array(json);
    tn_json_close_object(json);
}

void tn_finding_write_releases(const struct tn_finding *finding, const char *key, struct tn_json *json)
{
    tn_json_open_array(json, key);
    for (size_t i = 0; i < finding->release_count; i++) {
        const struct tn_finding_release *release = &finding->releases[i];
        tn_json_open_object(json, NULL);
        write_line(&release->line, json);
        tn_json_uint(json, "count", release->count);
        tn_json_real(json, "share", release->share, 4);
        tn_json_uint(json, "other_sites", release->other_sites);
        tn_json_close_object(json);
    }
    tn_json_close_array(json);
}
