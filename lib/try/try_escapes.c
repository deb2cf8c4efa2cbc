/* SPDX-License-Identifier: MIT */
/* Reads the evidence `escapes` of kind arena: lines whose blocks outlive the call, some of which it serves
 * all the same. */
#include "try_escapes.h"

#include "tenure/base.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define COUNTED_MAX 64 /* blocks that outlived, at once: arenas for more are not kept */

/* The list; NULL: the finding has none. */
static const struct tn_evidence_set *escapes_of(const struct tn_finding *finding)
{
    const struct tn_evidence *escapes = tn_evidence_find(&finding->evidence, "escapes");
    return finding->apply == TN_APPLY_ARENA && escapes != NULL && escapes->type == TN_VALUE_LIST
               ? &escapes->members
               : NULL;
}

static bool is_served(const struct tn_evidence *entry)
{
    const struct tn_evidence *served = tn_evidence_find(&entry->members, "is_served");
    return served != NULL && served->type == TN_VALUE_BOOL && served->is_true;
}

uint64_t tn_try_count_escapes(const struct tn_finding *finding)
{
    const struct tn_evidence_set *escapes = escapes_of(finding);
    uint64_t count = 0;
    for (size_t i = 0; escapes != NULL && i < escapes->count; i++) {
        const struct tn_evidence *blocks = tn_evidence_find(&escapes->items[i].members, "escapes");
        if (is_served(&escapes->items[i]) && blocks != NULL)
            count += blocks->count;
    }
    return count < COUNTED_MAX ? count : COUNTED_MAX;
}

/* "make_name (list.c:33)", as stacks have it. */
static void print_line(const struct tn_evidence *entry, char *ret_text, size_t text_bytes)
{
    const struct tn_evidence *function = tn_evidence_find(&entry->members, "function");
    const struct tn_evidence *file = tn_evidence_find(&entry->members, "file");
    const struct tn_evidence *line = tn_evidence_find(&entry->members, "line");
    const char *slash = file != NULL ? strrchr(file->text, '/') : NULL;
    ret_text[0] = '\0';
    if (function != NULL && file != NULL && line != NULL)
        snprintf(ret_text, text_bytes, "%s (%s:%" PRIu64 ")", function->text,
                 slash != NULL ? slash + 1 : file->text, line->count);
}

bool tn_try_is_escape(const struct tn_finding *finding, const char *birth)
{
    const struct tn_evidence_set *escapes = escapes_of(finding);
    char line[512];
    for (size_t i = 0; escapes != NULL && i < escapes->count; i++) {
        print_line(&escapes->items[i], line, sizeof(line));
        if (is_served(&escapes->items[i]) && line[0] != '\0' && strncmp(birth, line, strlen(line)) == 0)
            return true;
    }
    return false;
}
