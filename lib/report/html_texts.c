/* SPDX-License-Identifier: MIT */

/* A text is found again by its hash; of two texts with one hash, the later one is added each time it comes,
 * so that no number ever means another text. */

#include "html_texts.h"

#include "tenure/json.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MARK       "\xe2\x80\xa6" /* stands for what was left out */
#define MARK_BYTES 3u

static uint64_t hash_of(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    hash = tn_mix(hash);
    return hash != 0 ? hash : 1;
}

static bool is_within_character(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/* Two thirds of what fits from the beginning, one from the end: names of C++ differ at both. */
static char *copy_cut(const char *text, size_t length_max)
{
    size_t length = strlen(text);
    if (length <= length_max)
        return strdup(text);
    size_t room = length_max - MARK_BYTES, head = room * 2 / 3, tail = length - (room - head);
    while (head > 0 && is_within_character(text[head]))
        head--;
    while (tail < length && is_within_character(text[tail]))
        tail++;
    char *copy = malloc(head + MARK_BYTES + (length - tail) + 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, text, head);
    memcpy(copy + head, MARK, MARK_BYTES);
    memcpy(copy + head + MARK_BYTES, text + tail, length - tail + 1);
    return copy;
}

static int make_room(struct tn_html_texts *texts)
{
    if (texts->count < texts->capacity)
        return 0;
    size_t capacity = texts->capacity != 0 ? 2 * texts->capacity : 256;
    char **items = realloc(texts->items, capacity * sizeof(items[0]));
    if (items == NULL)
        return -ENOMEM;
    texts->items = items;
    texts->capacity = capacity;
    return 0;
}

size_t tn_html_text_number(struct tn_html_texts *texts, const char *text)
{
    char *copy = copy_cut(text != NULL ? text : "", texts->length_max);
    if (copy == NULL || texts->error != 0 || make_room(texts) < 0)
        goto fail;
    uint64_t hash = hash_of(copy);
    const uint64_t *found = tn_map_find(&texts->index, hash);
    if (found != NULL && strcmp(texts->items[*found], copy) == 0) {
        free(copy);
        return (size_t)*found;
    }
    if (found == NULL && tn_map_put(&texts->index, hash, texts->count) < 0)
        goto fail;
    texts->items[texts->count] = copy;
    return texts->count++;
fail:
    free(copy);
    texts->error = -ENOMEM;
    return 0;
}

void tn_html_texts_write(const struct tn_html_texts *texts, const char *key, struct tn_json *json)
{
    tn_json_open_array(json, key);
    for (size_t i = 0; i < texts->count; i++)
        tn_json_text(json, NULL, texts->items[i]);
    tn_json_close_array(json);
}

void tn_html_texts_finish(struct tn_html_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++)
        free(texts->items[i]);
    free(texts->items);
    tn_map_finish(&texts->index);
    *texts = (struct tn_html_texts){0};
}
