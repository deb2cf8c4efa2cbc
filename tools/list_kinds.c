/* SPDX-License-Identifier: MIT */

/* `tenure report --list-kinds` and `--list-thresholds`: print the table of kinds, for people and, with JSON,
 * for the tests. Called by cmd_report.c. */

#include "list_kinds.h"

#include "command.h"
#include "message.h"
#include "options.h"

#include "tenure/base.h"
#include "tenure/json.h"
#include "tenure/kinds.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Print what was written, unless it failed; the buffer is released. */
static int print(struct tn_buffer *text, int r, const char *what)
{
    int status = TN_STATUS_MACHINE;
    if (r == 0)
        status = tn_print_out(text);
    else
        tn_say("cannot list the %s: out of memory", what);
    tn_buffer_finish(text);
    return status;
}

int tn_list_kinds(bool is_json)
{
    struct tn_buffer text = {0};
    struct tn_json json = {.out = &text};
    if (!is_json)
        return print(&text, tn_kinds_print(tn_kinds, &text), "kinds");
    tn_kinds_write_json(tn_kinds, &json);
    int r = json.error == 0 ? tn_buffer_append(&text, "\n", 1) : json.error;
    return print(&text, r, "kinds");
}

int tn_list_thresholds(void)
{
    struct tn_buffer text = {0};
    int r = 0;
    for (const struct tn_kind *const *kind = tn_kinds; *kind != NULL && r == 0; kind++) {
        r = tn_buffer_print(&text, "%s: %s\n", (*kind)->name, (*kind)->summary);
        for (const struct tn_threshold *threshold = (*kind)->thresholds; threshold->name != NULL && r == 0;
             threshold++)
            r = tn_buffer_print(&text, "  %s=%g (%g to %g)\n      %s\n      default: %s\n", threshold->name,
                                threshold->fallback, threshold->min, threshold->max, threshold->summary,
                                threshold->source);
    }
    return print(&text, r, "thresholds");
}

/* Whether all letters of a word stand in a name in this order, the first one at its beginning: "stck". */
static bool is_shortened(const char *word, const char *name)
{
    if (word[0] == '\0' || word[0] != name[0])
        return false;
    for (; *word != '\0' && *name != '\0'; name++)
        word += *word == *name;
    return *word == '\0';
}

/* The kind that was meant; NULL: there is no telling. */
static const char *meant_kind(const char *word)
{
    const char *names[64];
    size_t count = 0;
    for (; tn_kinds[count] != NULL && count < sizeof(names) / sizeof(names[0]); count++)
        names[count] = tn_kinds[count]->name;
    const char *nearest = tn_nearest_word(word, names, count, sizeof(names[0]));
    for (size_t i = 0; i < count && nearest == NULL; i++)
        if (is_shortened(word, names[i]))
            nearest = names[i];
    return nearest;
}

int tn_check_kinds(const char *option, const char *list, struct tn_error *error)
{
    for (const char *at = list; at != NULL; at = *at == ',' ? at + 1 : NULL) {
        char word[64];
        size_t length = strcspn(at, ",");
        snprintf(word, sizeof(word), "%.*s", (int)(length < sizeof(word) ? length : sizeof(word) - 1), at);
        at += length;
        if (strcmp(word, "all") == 0 || tn_kind_find(tn_kinds, word) != NULL)
            continue;
        const char *meant = meant_kind(word);
        if (meant != NULL)
            return tn_error_set(
                error, -EINVAL,
                "%s: '%s' is no kind of finding: did you mean '%s'? 'tenure report --list-kinds' "
                "lists them",
                option, word, meant);
        return tn_error_set(error, -EINVAL,
                            "%s: '%s' is no kind of finding; 'tenure report --list-kinds' lists them", option,
                            word);
    }
    return 0;
}
