/* SPDX-License-Identifier: MIT */
#ifndef TN_REPORT_HTML_TEXTS_H
#define TN_REPORT_HTML_TEXTS_H

/* The names that a page's tables have, each once: functions, files and modules are numbers there. */

#include "tenure/base.h"
#include "tenure/map.h"

#include <stddef.h>

struct tn_json;

/* Zeroed but for length_max is empty; tn_html_texts_finish releases it. */
struct tn_html_texts {
    size_t length_max;   /* bytes of a text; longer ones lose their middle */
    char **items;        /* owned, also the strings */
    size_t count;        /* in items */
    size_t capacity;     /* room in items */
    struct tn_map index; /* hash of a text -> its number */
    int error;           /* 0, or -ENOMEM: all numbers are 0 then */
};

/* The number of a text, from 0.
 *
 * text  copied; NULL counts as "" */
size_t tn_html_text_number(struct tn_html_texts *texts, const char *text);

/* Write all texts as the member `key`, a list by number. */
void tn_html_texts_write(const struct tn_html_texts *texts, const char *key, struct tn_json *json);

/* Release all. */
void tn_html_texts_finish(struct tn_html_texts *texts);

#endif
