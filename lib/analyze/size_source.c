/* SPDX-License-Identifier: MIT */
/* Finds where sizes come from: asks the machine code of each call on the way from the allocator to the
 * function that may fix the size. Answers are kept, because many stacks end in the same calls. */
#include "call_argument.h"

#include "code_files.h"
#include "release_count.h"

#include "tenure/map.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARGUMENT_BITS 3u /* argument indices that keys of answers have room for */
#define CALLS_MAX     8u /* that pass a size on, from the allocator outwards */

/* Functions of the runtime whose blocks hold a text: its length is the size. */
static const char *const text_makers[] = {
    "strdup",   "strndup", "wcsdup",      "asprintf",          "vasprintf",    "getline",
    "getdelim", "getcwd",  "std::string", "std::basic_string", "std::wstring", "realpath",
};

struct tn_size_sources {
    struct tn_map index;              /* frame, callee's frame and argument -> 1 + index in answers */
    struct tn_code_argument *answers; /* owned */
    size_t count, capacity;
};

int tn_size_sources_open(struct tn_size_sources **ret_sources)
{
    *ret_sources = calloc(1, sizeof(**ret_sources));
    return *ret_sources != NULL ? 0 : -ENOMEM;
}

void tn_size_sources_close(struct tn_size_sources *sources)
{
    if (sources == NULL)
        return;
    tn_map_finish(&sources->index);
    free(sources->answers);
    free(sources);
}

/* ---------------------------------------------------------------------------------------- one call */

static uint32_t module_of(const struct tn_source_frames *frames, uint32_t frame_id)
{
    return frames->functions[frames->frames[frame_id].source.function].module_id;
}

/* Ask the code about an argument of the call at a frame; inner: the frame that was called, 0: the allocator.
 */
static int ask(const struct tn_pass *pass, const struct tn_source_frames *frames, uint32_t frame_id,
               uint32_t inner, unsigned index, struct tn_code_argument *ret_argument)
{
    struct tn_code *code = NULL;
    uint64_t callee = 0;
    *ret_argument = (struct tn_code_argument){.source = TN_CODE_NOT_KNOWN};
    uint32_t module_id = module_of(frames, frame_id);
    int r = tn_code_files_find(pass->code_files, pass, module_id, &code);
    if (r < 0 || code == NULL)
        return r;
    if (inner != 0 && module_of(frames, inner) == module_id)
        callee = frames->frames[inner].offset_bytes;
    return tn_code_argument(code, frames->frames[frame_id].offset_bytes, callee, index, ret_argument);
}

int tn_call_argument_find(const struct tn_pass *pass, const struct tn_source_frames *frames,
                          uint32_t frame_id, uint32_t inner, unsigned index,
                          struct tn_code_argument *ret_argument)
{
    struct tn_size_sources *sources = pass->size_sources;
    uint64_t key = (tn_mix(((uint64_t)frame_id << 32 | inner) + 1) << ARGUMENT_BITS | index) | UINT64_C(1)
                                                                                                   << 63;
    const uint64_t *known = tn_map_find(&sources->index, key);
    if (known != NULL) {
        *ret_argument = sources->answers[*known - 1];
        return 0;
    }
    int r = ask(pass, frames, frame_id, inner, index, ret_argument);
    if (r < 0)
        return r;
    if (sources->count == sources->capacity) {
        size_t capacity = sources->capacity * 2 + 64;
        void *answers = realloc(sources->answers, capacity * sizeof(sources->answers[0]));
        if (answers == NULL)
            return -ENOMEM;
        sources->answers = answers;
        sources->capacity = capacity;
    }
    sources->answers[sources->count++] = *ret_argument;
    return tn_map_put(&sources->index, key, sources->count);
}

/* ---------------------------------------------------------------------------------------- one stack */

/* Whether a physical frame stands for a function, its own or one inlined there. */
static bool holds(const struct tn_source_frames *frames, uint32_t frame_id, uint32_t function)
{
    for (uint32_t i = 0; i < tn_source_frames_count(frames, frame_id); i++)
        if (tn_source_frames_get(frames, frame_id, i)->function == function)
            return true;
    return false;
}

/* Follow one argument outwards while functions were given it, up to the one that may fix it. */
static int follow(const struct tn_pass *pass, const struct tn_source_frames *frames, uint32_t node,
                  uint32_t limit, uint32_t function, unsigned index, struct tn_size_source *ret_source)
{
    uint64_t factor = 1, added = 0; /* the size: the argument that is followed times factor, plus added */
    uint32_t inner = 0;
    *ret_source = (struct tn_size_source){.kind = TN_SIZE_COMPUTED};
    for (unsigned calls = 0; node != 0 && calls < CALLS_MAX; calls++) {
        struct tn_code_argument argument;
        uint32_t frame_id = pass->nodes[node].frame_id;
        if (frame_id >= frames->frame_count)
            break;
        bool is_last = node == limit || (function != 0 && holds(frames, frame_id, function));
        int r = tn_call_argument_find(pass, frames, frame_id, inner, index, &argument);
        ret_source->frame_id = frame_id;
        if (r < 0)
            return r;
        if (argument.source == TN_CODE_NOT_KNOWN)
            ret_source->kind = TN_SIZE_NOT_KNOWN;
        if (argument.source == TN_CODE_NUMBER)
            *ret_source = (struct tn_size_source){TN_SIZE_FIXED, argument.number * factor + added, frame_id};
        bool is_given = argument.source == TN_CODE_PARAMETER || argument.source == TN_CODE_MULTIPLE;
        if (!is_given || is_last)
            return 0;
        added += argument.number * factor;
        factor *= argument.factor;
        index = argument.parameter;
        inner = frame_id;
        node = pass->nodes[node].caller_id;
    }
    return 0;
}

/* The arguments of an allocation function that its size is made of: a bit for each. */
static unsigned size_arguments(enum tn_function function)
{
    switch (function) {
    case TN_FUNCTION_CALLOC:
        return 1u << 0 | 1u << 1;
    case TN_FUNCTION_REALLOC:
    case TN_FUNCTION_ALIGNED_ALLOC:
    case TN_FUNCTION_MEMALIGN:
        return 1u << 1;
    case TN_FUNCTION_REALLOCARRAY:
        return 1u << 1 | 1u << 2;
    case TN_FUNCTION_POSIX_MEMALIGN:
        return 1u << 2;
    default:
        return 1u << 0;
    }
}

static int find_for_stack(const struct tn_pass *pass, const struct tn_source_frames *frames,
                          uint32_t stack_id, uint32_t limit, uint32_t function,
                          struct tn_size_source *ret_source)
{
    unsigned arguments = size_arguments((enum tn_function)pass->nodes[stack_id].function);
    int r = 0;
    uint64_t product = 1;
    *ret_source = (struct tn_size_source){.kind = TN_SIZE_FIXED};
    for (unsigned index = 0; index < 3 && r == 0; index++) {
        struct tn_size_source source;
        if ((arguments & 1u << index) == 0)
            continue;
        r = follow(pass, frames, stack_id, limit, function, index, &source);
        if (r == 0 && source.kind >= ret_source->kind)
            *ret_source = source;
        if (r == 0 && source.kind == TN_SIZE_FIXED)
            product *= source.fixed_bytes;
    }
    ret_source->fixed_bytes = ret_source->kind == TN_SIZE_FIXED ? product : 0;
    return r;
}

static bool is_text(const struct tn_finding_site *names)
{
    for (size_t i = 0; i < sizeof(text_makers) / sizeof(text_makers[0]); i++)
        if (strcmp(names->via, text_makers[i]) == 0)
            return true;
    return false;
}

/* ---------------------------------------------------------------------------------------- a site */

static void keep_worst(struct tn_size_source *worst, const struct tn_size_source *source)
{
    if (source->kind > worst->kind || (source->kind == TN_SIZE_FIXED && worst->kind == TN_SIZE_FIXED &&
                                       source->fixed_bytes > worst->fixed_bytes))
        *worst = *source;
}

/* How far out a size may be fixed: a role is made by its callers, so that theirs is fixed, too. */
static uint32_t role_limit(const struct tn_pass *pass, const struct tn_source_frames *frames, uint32_t site,
                           struct tn_source_cursor at)
{
    const struct tn_pass_role *role = tn_pass_role(pass, site);
    for (uint32_t i = 0; role != NULL && !role->is_outermost && i < role->caller_count; i++) {
        struct tn_source_cursor caller = tn_source_cursor_outwards(frames, pass, at);
        if (caller.node == 0)
            break;
        at = caller;
    }
    return at.node;
}

int tn_size_source_find(const struct tn_pass *pass, uint32_t site, const struct tn_finding_site *names,
                        const uint32_t *stacks, size_t stack_count, struct tn_size_range range,
                        struct tn_size_source *ret_source)
{
    const struct tn_source_frames *frames;
    struct tn_size_source worst = {.kind = TN_SIZE_FIXED};
    size_t end = stacks != NULL ? stack_count : pass->node_count;
    int r = tn_pass_frames(pass, &frames);
    if (is_text(names)) {
        *ret_source = (struct tn_size_source){.kind = TN_SIZE_TEXT};
        return r;
    }
    for (size_t i = 0; i < end && r == 0; i++) {
        struct tn_source_cursor inside;
        struct tn_size_source source;
        uint32_t stack_id = stacks != NULL ? stacks[i] : (uint32_t)i;
        if (pass->nodes[stack_id].site != site || pass->nodes[stack_id].function == 0 ||
            !tn_release_stack_is_known(pass, frames, stack_id))
            continue;
        struct tn_source_cursor at = tn_source_cursor_find_site(frames, pass, names, stack_id, &inside);
        uint32_t limit = role_limit(pass, frames, site, at);
        r = find_for_stack(pass, frames, stack_id, range.function == 0 ? limit : 0, range.function, &source);
        if (r == 0)
            keep_worst(&worst, &source);
    }
    *ret_source = worst;
    return r;
}

int tn_size_source_add_condition(const struct tn_pass *pass, const struct tn_size_source *source,
                                 const struct tn_finding_site *names, const char *what, uint64_t max_bytes,
                                 struct tn_finding *finding)
{
    static const char *const kinds[] = {"", "size-unknown", "size-computed", "text-length"};
    static const char *const words[] = {"", "what makes it could not be read in the machine code",
                                        "it is computed at run time", "it is the length of a text"};
    struct tn_finding_line line = {.function = names->function,
                                   .file = names->file,
                                   .line = names->line,
                                   .module = names->module,
                                   .offset_bytes = names->offset_bytes};
    struct tn_finding_line computed = {0};
    if (source->kind == TN_SIZE_FIXED)
        return 0;
    int r = source->frame_id != 0 ? tn_pass_line(pass, source->frame_id, &computed) : 0;
    if (r == 0)
        r = tn_finding_add_condition(finding, kinds[source->kind], source->frame_id != 0 ? &computed : &line,
                                     1, "%s has a limit, %s B for instance: %s",
                                     what != NULL ? what : "its size", tn_count_text(max_bytes).text,
                                     words[source->kind]);
    tn_finding_line_finish(&computed);
    return r;
}

int tn_size_source_add_computed(const struct tn_pass *pass, const uint32_t *sites, size_t site_count,
                                uint64_t max_bytes, struct tn_finding *finding)
{
    for (size_t i = 0; i < site_count; i++) {
        struct tn_size_source source;
        int r = tn_size_source_find(pass, sites[i], &finding->sites[i], NULL, 0, (struct tn_size_range){0},
                                    &source);
        if (r < 0)
            return r;
        if (source.kind >= TN_SIZE_COMPUTED)
            return tn_size_source_add_condition(pass, &source, &finding->sites[i], NULL, max_bytes, finding);
    }
    return 0;
}
