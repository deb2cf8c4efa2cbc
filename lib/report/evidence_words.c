/* SPDX-License-Identifier: MIT */

/* Evidence as words for people: the keys that its kind has phrases for, in the order of the kind's table,
 * each as before, value with its unit, after. All other keys are for the JSON report only. Called for each
 * card.
 */

#include "words.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define EXACT_BYTES_MAX (1024 * 1024) /* smaller sizes are exact: they go into source code */

static const char *quantity(struct tn_words *words, enum tn_unit unit, uint64_t value)
{
    if (unit == TN_UNIT_NS)
        return tn_words_duration(words, value);
    if (unit != TN_UNIT_BYTES)
        return tn_words_count(words, value);
    if (value >= EXACT_BYTES_MAX)
        return tn_words_bytes(words, value);
    return tn_words_print(words, "%s B", tn_words_count(words, value));
}

/* With no more digits than the JSON report has. */
static const char *real(struct tn_words *words, const struct tn_evidence *value)
{
    double rounded = strtod(tn_words_print(words, "%.*g", value->real_digits, value->real), NULL);
    if (rounded >= 1000 && rounded <= 1e15)
        return quantity(words, value->unit, (uint64_t)(rounded + 0.5));
    return tn_words_print(words, "%.4g%s", rounded, value->unit == TN_UNIT_BYTES ? " B" : "");
}

static const char *text_of(const struct tn_evidence_set *members, const char *key)
{
    const struct tn_evidence *value = tn_evidence_find(members, key);
    return value != NULL && value->type == TN_VALUE_TEXT ? value->text : "";
}

/* An object of function, file and line: "main (app.c:12)". */
static const char *source_position(struct tn_words *words, const struct tn_evidence_set *members)
{
    char name[TN_SHORT_NAME_BYTES];
    const char *file = text_of(members, "file");
    const char *function =
        tn_words_print(words, "%s", tn_function_short_name(text_of(members, "function"), name, sizeof(name)));
    const struct tn_evidence *line = tn_evidence_find(members, "line");
    if (file[0] == '\0' || line == NULL || line->type != TN_VALUE_COUNT)
        return function;
    const char *slash = strrchr(file, '/');
    return tn_words_print(words, "%s%s(%s:%" PRIu64 ")", function, function[0] != '\0' ? " " : "",
                          slash != NULL ? slash + 1 : file, line->count);
}

static const char *value_words(struct tn_words *words, const struct tn_evidence *value)
{
    switch (value->type) {
    case TN_VALUE_COUNT:
        return quantity(words, value->unit, value->count);
    case TN_VALUE_SIGNED:
        return value->number < 0
                   ? tn_words_print(words, "-%s", quantity(words, value->unit, -(uint64_t)value->number))
                   : quantity(words, value->unit, (uint64_t)value->number);
    case TN_VALUE_REAL:
        return real(words, value);
    case TN_VALUE_BOOL:
        return value->is_true ? "yes" : "no";
    case TN_VALUE_TEXT:
        return value->text;
    case TN_VALUE_OBJECT:
        return source_position(words, &value->members);
    case TN_VALUE_LIST:
        return tn_words_count(words, value->members.count);
    case TN_VALUE_NULL:
        break;
    }
    return "unknown";
}

static bool is_count(const struct tn_evidence *value, uint64_t count)
{
    return value->type == TN_VALUE_COUNT && value->count == count;
}

/* The words after a value; after 1, the first one loses its final s: "1 block seen". */
static const char *after(struct tn_words *words, const struct tn_evidence *value, const char *phrase)
{
    size_t word = strspn(phrase, " ");
    word += strcspn(phrase + word, " ");
    if (!is_count(value, 1) || word < 2 || phrase[word - 1] != 's')
        return phrase;
    return tn_words_print(words, "%.*s%s", (int)word - 1, phrase, phrase + word);
}

static bool is_shown(const struct tn_evidence_key *key, const struct tn_evidence_set *evidence)
{
    const struct tn_evidence *value = tn_evidence_find(evidence, key->key);
    if (value == NULL || key->before == NULL || (key->is_silent_at_zero && is_count(value, 0)))
        return false;
    const struct tn_evidence *other = key->unlike != NULL ? tn_evidence_find(evidence, key->unlike) : NULL;
    return other == NULL || !tn_evidence_is_equal(value, other);
}

const char *tn_words_evidence(struct tn_words *words, const struct tn_evidence_key *keys,
                              const struct tn_evidence_set *evidence, bool is_brief)
{
    const char *shown = "";
    for (; keys->key != NULL; keys++) {
        if (!is_shown(keys, evidence) || (is_brief && keys->is_detail))
            continue;
        const struct tn_evidence *value = tn_evidence_find(evidence, keys->key);
        shown = tn_words_print(words, "%s%s%s%s%s", shown, shown[0] != '\0' ? ", " : "", keys->before,
                               value_words(words, value), after(words, value, keys->after));
    }
    return shown;
}
