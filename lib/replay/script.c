/* SPDX-License-Identifier: MIT */
/* A script of allocations as a source of events: parsed once into an array. Called by the command
 * `simulate --script` and by tests. */
#include "tenure/map.h"
#include "tenure/replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX     5
#define WORD_BYTES    64
#define ALIGNMENT_MAX (UINT64_C(1) << 30)

struct tn_replay_script {
    struct tn_replay_event *events; /* owned */
    size_t count, capacity;
    size_t position; /* of the source */
};

/* A parse under way. Ids are words, represented by a 64-bit hash: two words with the same one are not met in
 * practice. */
struct parser {
    const char *name;
    size_t line;
    struct tn_replay_script *script;
    struct tn_map live; /* id -> 1 */
    struct tn_error *error;
    char words[WORDS_MAX][WORD_BYTES];
    size_t word_count;
};

static uint64_t id_of(const char *word)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *word != '\0'; word++)
        hash = tn_mix(hash ^ (uint8_t)*word);
    return hash != 0 ? hash : 1;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Cut a line into words, up to a comment. */
static int split(struct parser *parser, const char *line, size_t bytes)
{
    parser->word_count = 0;
    for (size_t i = 0; i < bytes && line[i] != '#';) {
        if (is_blank(line[i])) {
            i++;
            continue;
        }
        size_t start = i;
        while (i < bytes && line[i] != '#' && !is_blank(line[i]))
            i++;
        if (parser->word_count == WORDS_MAX || i - start >= WORD_BYTES || memchr(line + start, 0, i - start))
            return tn_error_set(
                parser->error, -EBADMSG,
                "script %s, line %zu: too long: a line is 'A ID SIZE [ALIGN]', 'R ID SIZE' or 'F ID'",
                parser->name, parser->line);
        memcpy(parser->words[parser->word_count], line + start, i - start);
        parser->words[parser->word_count++][i - start] = '\0';
    }
    return 0;
}

static int append(struct parser *parser, const struct tn_replay_event *event)
{
    struct tn_replay_script *script = parser->script;
    if (script->count == script->capacity) {
        size_t capacity = script->capacity != 0 ? script->capacity * 2 : 256;
        struct tn_replay_event *events = realloc(script->events, capacity * sizeof(*events));
        if (events == NULL)
            return tn_error_set(parser->error, -ENOMEM, "cannot read script %s: out of memory", parser->name);
        script->events = events;
        script->capacity = capacity;
    }
    script->events[script->count++] = *event;
    return 0;
}

static int bad_number(struct parser *parser, const char *what, const char *word)
{
    return tn_error_set(parser->error, -EBADMSG, "script %s, line %zu: '%s' is no %s", parser->name,
                        parser->line, word, what);
}

static int read_numbers(struct parser *parser, struct tn_replay_event *event)
{
    if (event->kind != TN_REPLAY_RELEASE &&
        (tn_parse_bytes(parser->words[2], &event->size_bytes) < 0 || event->size_bytes > TN_HEAP_UNLIMITED))
        return bad_number(parser, "size", parser->words[2]);
    if (parser->word_count < 4)
        return 0;
    uint64_t align = 0;
    if (tn_parse_bytes(parser->words[3], &align) < 0 || align == 0 || (align & (align - 1)) != 0 ||
        align > ALIGNMENT_MAX)
        return bad_number(parser, "alignment: it is a power of two", parser->words[3]);
    event->alignment_bytes = align;
    return 0;
}

/* Only a live block may be resized or released, only one that is not live may be placed. */
static int check_life(struct parser *parser, const struct tn_replay_event *event)
{
    bool is_live = tn_map_find(&parser->live, event->id) != NULL;
    if (event->kind == TN_REPLAY_PLACE && is_live)
        return tn_error_set(parser->error, -EBADMSG,
                            "script %s, line %zu: block '%s' is placed twice without a release", parser->name,
                            parser->line, parser->words[1]);
    if (event->kind != TN_REPLAY_PLACE && !is_live)
        return tn_error_set(parser->error, -EBADMSG, "script %s, line %zu: block '%s' is not live",
                            parser->name, parser->line, parser->words[1]);
    int r = 0;
    if (event->kind == TN_REPLAY_PLACE)
        r = tn_map_put(&parser->live, event->id, 1);
    else if (event->kind == TN_REPLAY_RELEASE)
        tn_map_remove(&parser->live, event->id, NULL);
    if (r < 0)
        return tn_error_set(parser->error, r, "cannot read script %s: out of memory", parser->name);
    return 0;
}

static int parse_line(struct parser *parser, const char *line, size_t bytes)
{
    static const struct {
        const char *word;
        enum tn_replay_kind kind;
        size_t least, most; /* words */
    } forms[] = {
        {"A", TN_REPLAY_PLACE, 3, 4},
        {"R", TN_REPLAY_RESIZE, 3, 3},
        {"F", TN_REPLAY_RELEASE, 2, 2},
    };
    parser->line++;
    int r = split(parser, line, bytes);
    if (r < 0 || parser->word_count == 0)
        return r;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (strcmp(forms[i].word, parser->words[0]) != 0)
            continue;
        if (parser->word_count < forms[i].least || parser->word_count > forms[i].most)
            break;
        struct tn_replay_event event = {.kind = forms[i].kind, .id = id_of(parser->words[1])};
        event.time_ns = parser->script->count + 1;
        r = read_numbers(parser, &event);
        if (r == 0)
            r = check_life(parser, &event);
        return r < 0 ? r : append(parser, &event);
    }
    return tn_error_set(parser->error, -EBADMSG,
                        "script %s, line %zu: a line is 'A ID SIZE [ALIGN]', 'R ID SIZE' or 'F ID'",
                        parser->name, parser->line);
}

int tn_replay_script_parse(const char *name, const char *text, size_t text_bytes,
                           struct tn_replay_script **ret_script, struct tn_error *error)
{
    struct parser parser = {.name = name, .error = error, .script = calloc(1, sizeof(*parser.script))};
    if (parser.script == NULL)
        return tn_error_set(error, -ENOMEM, "cannot read script %s: out of memory", name);
    int r = 0;
    for (size_t i = 0; i < text_bytes && r == 0;) {
        const char *newline = memchr(text + i, '\n', text_bytes - i);
        size_t bytes = newline != NULL ? (size_t)(newline - text) - i : text_bytes - i;
        r = parse_line(&parser, text + i, bytes);
        i += bytes + 1;
    }
    if (r == 0 && parser.script->count == 0)
        r = tn_error_set(error, -EBADMSG, "script %s holds no event", name);
    tn_map_finish(&parser.live);
    if (r < 0)
        tn_replay_script_close(parser.script);
    else
        *ret_script = parser.script;
    return r;
}

static int next(void *state, struct tn_replay_event *ret_event, struct tn_error *error)
{
    struct tn_replay_script *script = state;
    (void)error;
    if (script->position == script->count)
        return 0;
    *ret_event = script->events[script->position++];
    return 1;
}

static int go_back(void *state, struct tn_error *error)
{
    struct tn_replay_script *script = state;
    (void)error;
    script->position = 0;
    return 0;
}

struct tn_replay_source tn_replay_script_source(struct tn_replay_script *script)
{
    return (struct tn_replay_source){.state = script, .next = next, .rewind = go_back};
}

void tn_replay_script_close(struct tn_replay_script *script)
{
    if (script == NULL)
        return;
    free(script->events);
    free(script);
}
