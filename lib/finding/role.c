/* SPDX-License-Identifier: MIT */
/* Roles of sites in words: the callers that tell a part of a site's blocks from the rest. Called by reports,
 * and where findings are saved. */
#include "tenure/finding.h"

#include <stdio.h>
#include <string.h>

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

/* "receive (roles.c:11)", or as much of it as is known: a function alone is one that a thread began with. */
static int print_caller(const struct tn_finding_line *line, char *ret_text, size_t text_bytes)
{
    char place[320];
    if (line->line != 0 && line->function[0] != '\0')
        return snprintf(ret_text, text_bytes, "%s (%s:%u)", line->function, last_part(line->file),
                        (unsigned)line->line);
    if (line->offset_bytes != 0)
        return snprintf(ret_text, text_bytes, "%s", tn_finding_line_print(line, place, sizeof(place)));
    return snprintf(ret_text, text_bytes, "%s", line->function[0] != '\0' ? line->function : "elsewhere");
}

const char *tn_finding_role_print(const struct tn_finding_site *site, char *ret_text, size_t text_bytes)
{
    size_t length = 0;
    ret_text[0] = '\0';
    for (size_t i = 0; i < site->caller_count && length + 1 < text_bytes; i++) {
        int printed = snprintf(&ret_text[length], text_bytes - length, "%s",
                               i == 0 ? "when called from " : ", called from ");
        length += printed > 0 ? (size_t)printed : 0;
        if (length >= text_bytes)
            break;
        printed = print_caller(&site->callers[i], &ret_text[length], text_bytes - length);
        length += printed > 0 ? (size_t)printed : 0;
    }
    return ret_text;
}
