/* SPDX-License-Identifier: MIT */
/* Roles of sites in words: the call of several on its line, or the callers, that tell a part of a site's
 * blocks from the rest. Called by reports, and where findings are saved. */
#include "tenure/finding.h"

#include <inttypes.h>
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

static const char *ordinal_ending(uint32_t number)
{
    static const char *const endings[] = {"th", "st", "nd", "rd"};
    bool is_teen = number / 10 % 10 == 1;
    return !is_teen && number % 10 < 4 ? endings[number % 10] : "th";
}

/* "in the 2nd call of malloc there (column 14)". Where no column is known, the order is that of addresses. */
static int print_call(const struct tn_finding_site *site, char *ret_text, size_t text_bytes)
{
    const struct tn_finding_call *call = &site->call;
    if (!call->is_told)
        return 0;
    if (call->number == 0)
        return snprintf(ret_text, text_bytes, "in the other calls of %s there", site->via);
    int length = snprintf(ret_text, text_bytes, "in the %" PRIu32 "%s call of %s there ", call->number,
                          ordinal_ending(call->number), site->via);
    if (length < 0 || (size_t)length >= text_bytes)
        return length;
    size_t left = text_bytes - (size_t)length;
    int place = call->column != 0
                    ? snprintf(ret_text + length, left, "(column %" PRIu32 ")", call->column)
                    : snprintf(ret_text + length, left, "(by address, +0x%" PRIx64 ")", call->offset_bytes);
    return length + place;
}

const char *tn_finding_role_print(const struct tn_finding_site *site, char *ret_text, size_t text_bytes)
{
    ret_text[0] = '\0';
    int call_length = print_call(site, ret_text, text_bytes);
    size_t length = call_length > 0 ? (size_t)call_length : 0;
    const char *first = length != 0 ? ", when called from " : "when called from ";
    for (size_t i = 0; i < site->caller_count && length + 1 < text_bytes; i++) {
        int printed =
            snprintf(&ret_text[length], text_bytes - length, "%s", i == 0 ? first : ", called from ");
        length += printed > 0 ? (size_t)printed : 0;
        if (length >= text_bytes)
            break;
        printed = print_caller(&site->callers[i], &ret_text[length], text_bytes - length);
        length += printed > 0 ? (size_t)printed : 0;
    }
    if (site->thread_id != 0 && length + 1 < text_bytes)
        snprintf(&ret_text[length], text_bytes - length, ", in one thread");
    return ret_text;
}
