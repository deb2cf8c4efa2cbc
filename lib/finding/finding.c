/* SPDX-License-Identifier: MIT */
/* Findings and lists of them, which own all that they point to. Kinds add findings, the engine and tools
 * order and release them. */
#include "tenure/finding.h"
#include "tenure/plan.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The condition stands in the first line that a reader sees. */
static int complete_title(const struct tn_finding *finding, char **ret_title)
{
    char *title = NULL;
    bool has_condition = finding->title != NULL && finding->condition.text != NULL;
    int r = has_condition ? tn_finding_set(&title, "%s, if %s", finding->title, finding->condition.text) : 0;
    *ret_title = title;
    return r;
}

int tn_findings_add(struct tn_findings *findings, const struct tn_finding *finding)
{
    char *title = NULL;
    int error = tn_evidence_error(&finding->evidence);
    if (error < 0)
        return error;
    if (findings->count == findings->capacity) {
        size_t capacity = findings->capacity != 0 ? findings->capacity * 2 : 32;
        struct tn_finding *items = realloc(findings->items, capacity * sizeof(items[0]));
        if (items == NULL)
            return -ENOMEM;
        findings->items = items;
        findings->capacity = capacity;
    }
    int r = complete_title(finding, &title);
    if (r < 0)
        return r;
    struct tn_finding *added = &findings->items[findings->count++];
    *added = *finding;
    if (title != NULL) {
        free(added->title);
        added->title = title;
    }
    return 0;
}

static void finish_site(struct tn_finding_site *site)
{
    for (size_t i = 0; i < site->caller_count; i++)
        tn_finding_line_finish(&site->callers[i]);
    free(site->callers);
    free(site->stacks);
    free(site->function);
    free(site->file);
    free(site->module);
    free(site->via);
}

void tn_finding_finish(struct tn_finding *finding)
{
    for (size_t i = 0; i < finding->site_count; i++)
        finish_site(&finding->sites[i]);
    for (size_t i = 0; i < finding->saving.heap_delta_count; i++)
        free(finding->saving.heap_deltas[i].policy);
    for (size_t i = 0; i < finding->condition.line_count; i++)
        tn_finding_line_finish(&finding->condition.lines[i]);
    for (size_t i = 0; i < finding->release_count; i++)
        tn_finding_line_finish(&finding->releases[i].line);
    free(finding->condition.lines);
    free(finding->condition.text);
    free(finding->releases);
    free(finding->sites);
    free(finding->saving.heap_deltas);
    free(finding->title);
    free(finding->advice);
    tn_evidence_finish(&finding->evidence);
    free(finding->query);
    free(finding->code);
    free(finding->notes);
    free(finding->alternatives);
    tn_refutation_finish(&finding->refuted_by);
    *finding = (struct tn_finding){0};
}

void tn_findings_finish(struct tn_findings *findings)
{
    if (findings == NULL)
        return;
    for (size_t i = 0; i < findings->count; i++)
        tn_finding_finish(&findings->items[i]);
    for (size_t i = 0; i < findings->aside_count; i++)
        tn_finding_finish(&findings->aside[i]);
    for (size_t i = 0; i < findings->refuted_count; i++)
        tn_finding_finish(&findings->refuted[i]);
    free(findings->refuted);
    tn_plan_free(findings->program_plan);
    free(findings->aside);
    free(findings->items);
    *findings = (struct tn_findings){0};
}

int tn_finding_set(char **field, const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0)
        return -ENOMEM;
    free(*field);
    *field = text;
    return 0;
}

const char *tn_finding_key_print(const struct tn_finding *finding, char *ret_text)
{
    snprintf(ret_text, TN_FINDING_KEY_BYTES, "%08" PRIx32, finding->key);
    return ret_text;
}

/* Whether a number or key of 8 digits is this finding's. */
static bool has_name(const struct tn_finding *finding, const char *name, size_t name_bytes)
{
    char text[TN_FINDING_KEY_BYTES] = "", *end;
    if (name_bytes == 0 || name_bytes >= sizeof(text) || !isxdigit((unsigned char)name[0]))
        return false;
    memcpy(text, name, name_bytes);
    bool is_key = name_bytes == TN_FINDING_KEY_BYTES - 1;
    unsigned long number = strtoul(text, &end, is_key ? 16 : 10);
    return *end == '\0' && (is_key ? finding->key : finding->rank) == number;
}

bool tn_finding_is_named(const struct tn_finding *finding, const char *names)
{
    while (*names != '\0') {
        size_t length = strcspn(names, ",");
        if (has_name(finding, names, length))
            return true;
        names += length + (names[length] == ',');
    }
    return false;
}

/* The first of count findings with this name; NULL: there is none. */
static const struct tn_finding *find_name(const struct tn_finding *items, size_t count, const char *name,
                                          size_t name_bytes)
{
    for (size_t i = 0; i < count; i++)
        if (has_name(&items[i], name, name_bytes))
            return &items[i];
    return NULL;
}

const struct tn_finding *tn_findings_find(const struct tn_findings *findings, const char *name,
                                          size_t name_bytes)
{
    return find_name(findings->items, findings->count, name, name_bytes);
}

const struct tn_finding *tn_findings_find_refuted(const struct tn_findings *findings, const char *name,
                                                  size_t name_bytes)
{
    return find_name(findings->refuted, findings->refuted_count, name, name_bytes);
}
