/* SPDX-License-Identifier: MIT */

/* The store that sentences are made in: a list of strings, newest first, that is released as a whole. Called
 * by words.c, evidence_words.c and the compose_*.c. */

#include "words_store.h"

#include "tenure/base.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct tn_words_node {
    struct tn_words_node *older; /* owned */
    char text[];
};

void tn_words_finish(struct tn_words *words)
{
    while (words->newest != NULL) {
        struct tn_words_node *node = words->newest;
        words->newest = node->older;
        free(node);
    }
    words->result = 0;
}

const char *tn_words_print(struct tn_words *words, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    struct tn_words_node *node =
        length >= 0 ? malloc(sizeof(struct tn_words_node) + (size_t)length + 1) : NULL;
    if (node != NULL) {
        vsnprintf(node->text, (size_t)length + 1, format, again);
        node->older = words->newest;
        words->newest = node;
    } else {
        words->result = -ENOMEM;
    }
    va_end(again);
    va_end(arguments);
    return node != NULL ? node->text : "";
}

const char *tn_words_count(struct tn_words *words, uint64_t count)
{
    return tn_words_print(words, "%s", tn_print_count((char[TN_QUANTITY_TEXT_BYTES]){0}, count));
}

const char *tn_words_bytes(struct tn_words *words, uint64_t size_bytes)
{
    return tn_words_print(words, "%s", tn_print_bytes((char[TN_QUANTITY_TEXT_BYTES]){0}, size_bytes));
}

const char *tn_words_duration(struct tn_words *words, uint64_t duration_ns)
{
    return tn_words_print(words, "%s", tn_print_duration((char[TN_QUANTITY_TEXT_BYTES]){0}, duration_ns));
}

const char *tn_words_share(struct tn_words *words, uint64_t part, uint64_t whole)
{
    if (part == 0 || whole == 0)
        return "0 %";
    if (part == whole)
        return "100 %";
    double share = 100.0 * (double)part / (double)whole;
    if (share < 0.1)
        return "<0.1 %";
    if (share > 99.9 && part < whole)
        return ">99.9 %";
    return tn_words_print(words, "%.1f %%", share);
}
