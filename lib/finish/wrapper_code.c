/* SPDX-License-Identifier: MIT */
/* Whether a function hands back what a call in it has returned, and whether it was given the size: by its
 * return type, by the way of the result to a return, and by where the size argument comes from. Each call is
 * looked at once. Called by find_wrappers.c. */
#include "wrapper_code.h"

#include "module_files.h"

#include "tenure/code.h"
#include "tenure/log.h"
#include "tenure/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A physical frame. */
struct code_frame {
    uint64_t module_id, offset_bytes;
    bool is_tail_call;
};

struct tn_wrapper_code {
    struct tn_finish_job *job;
    const struct tn_stack_use *uses;
    const struct tn_site_trie *trie;
    struct code_frame *frames; /* owned; by row id */
    size_t frame_count;
    struct tn_map answers;    /* twice the row id of a frame + is_last -> enum tn_site_code */
    struct tn_map parameters; /* row id of a frame in a wrapper -> index of the parameter that is the size */
};

static int add_frame(void *context, const struct tn_log_frame *frame)
{
    struct tn_wrapper_code *code = context;
    if (frame->id == frame->physical_id && frame->id < code->frame_count)
        code->frames[frame->id] =
            (struct code_frame){frame->module_id, frame->offset_bytes, frame->is_tail_call};
    return 0;
}

int tn_wrapper_code_open(struct tn_finish_job *job, const struct tn_stack_use *uses,
                         const struct tn_site_trie *trie, struct tn_wrapper_code **ret_code)
{
    struct tn_wrapper_code *code = calloc(1, sizeof(*code));
    if (code == NULL)
        return tn_finish_refuse(job, -ENOMEM, "cannot find wrappers");
    *code =
        (struct tn_wrapper_code){.job = job, .uses = uses, .trie = trie, .frame_count = trie->group_count};
    code->frames = calloc(code->frame_count + 1, sizeof(code->frames[0]));
    int r = code->frames != NULL ? tn_log_each_frame(job->database, add_frame, code) : -ENOMEM;
    if (r < 0) {
        tn_wrapper_code_close(code);
        return tn_finish_refuse(job, r, "cannot find wrappers");
    }
    *ret_code = code;
    return 0;
}

void tn_wrapper_code_close(struct tn_wrapper_code *code)
{
    if (code == NULL)
        return;
    free(code->frames);
    tn_map_finish(&code->answers);
    tn_map_finish(&code->parameters);
    free(code);
}

/* ---------------------------------------------------------------------------------------- sizes */

/* Which arguments of what is called are the size. */
struct size_arguments {
    unsigned indices[2];
    unsigned count;     /* 0: not known */
    bool returns_block; /* the call's result is the block */
    uint64_t callee;    /* an address in what is called, if it is in the same module; 0 */
};

static struct size_arguments of_allocator(enum tn_function function)
{
    switch (function) {
    case TN_FUNCTION_CALLOC:
        return (struct size_arguments){{0, 1}, 2, true, 0};
    case TN_FUNCTION_REALLOCARRAY:
        return (struct size_arguments){{1, 2}, 2, true, 0};
    case TN_FUNCTION_REALLOC:
    case TN_FUNCTION_ALIGNED_ALLOC:
    case TN_FUNCTION_MEMALIGN:
        return (struct size_arguments){{1}, 1, true, 0};
    case TN_FUNCTION_POSIX_MEMALIGN:
        return (struct size_arguments){0};
    default:
        return (struct size_arguments){{0}, 1, true, 0};
    }
}

/* The node below a stack's node, towards its innermost frame. */
static uint32_t node_below(const struct tn_wrapper_code *code, struct tn_site_call call)
{
    uint32_t node = call.stack;
    while (node != 0 && code->trie->nodes[node].caller_id != call.node)
        node = code->trie->nodes[node].caller_id;
    return node;
}

/* What is called from a function: an allocation function; a wrapper, whose size is known if it was looked at
 * before, and is the first argument of those in the table; or something else, of which nothing is known. */
static struct size_arguments arguments_of(const struct tn_wrapper_code *code, struct tn_site_call call)
{
    if (call.stack == call.node)
        return of_allocator((enum tn_function)code->uses[call.stack].function);
    uint32_t node = node_below(code, call);
    uint32_t frame_id = code->trie->nodes[node].frame_id;
    if (node == 0 || frame_id >= code->frame_count || code->trie->groups[frame_id] == 0)
        return (struct size_arguments){0};
    const struct tn_site_frame *frame = &code->trie->frames[code->trie->groups[frame_id] - 1];
    while (!frame->is_physical && frame + 1 < code->trie->frames + code->trie->frame_count)
        frame++;
    if (frame->class.kind == TN_SITE_RUNTIME)
        return (struct size_arguments){0};
    bool is_here =
        code->frames[frame_id].module_id == code->frames[code->trie->nodes[call.node].frame_id].module_id;
    struct size_arguments found = {.returns_block = true,
                                   .callee = is_here ? code->frames[frame_id].offset_bytes : 0};
    const uint64_t *known = tn_map_find(&code->parameters, frame_id);
    if (known != NULL)
        found.indices[0] = (unsigned)*known;
    found.count = known != NULL || frame->class.kind == TN_SITE_WRAPPER;
    return found;
}

/* Where the size comes from. */
static int judge_size(struct tn_wrapper_code *code, struct tn_code *machine_code, uint32_t frame_id,
                      const struct size_arguments *arguments, enum tn_site_code *ret_code)
{
    unsigned number_count = 0;
    *ret_code = TN_SITE_CODE_HANDS;
    for (unsigned i = 0; i < arguments->count; i++) {
        struct tn_code_argument argument;
        int r = tn_code_argument(machine_code, code->frames[frame_id].offset_bytes, arguments->callee,
                                 arguments->indices[i], &argument);
        if (r < 0)
            return r;
        number_count += argument.source == TN_CODE_NUMBER;
        if (argument.source != TN_CODE_PARAMETER)
            continue;
        *ret_code = TN_SITE_CODE_PASSES;
        return tn_map_put(&code->parameters, frame_id, argument.parameter);
    }
    if (number_count != 0 && number_count == arguments->count)
        *ret_code = TN_SITE_CODE_CONSTANT;
    return 0;
}

/* ---------------------------------------------------------------------------------------- answers */

/* Whether the function hands the result back. A struct may hold the block in memory, where the code is not
 * searched for it; without debug information, a register may hold it by chance. */
static int judge_result(struct tn_code *machine_code, const struct code_frame *frame,
                        enum tn_symbol_result result, enum tn_site_code *ret_code)
{
    enum tn_code_hand_back back = TN_CODE_BACK_NOT_KNOWN;
    int r = 0;
    if (frame->is_tail_call)
        back = TN_CODE_BACK_SOMETIMES;
    else if (machine_code != NULL)
        r = tn_code_hands_back(machine_code, frame->offset_bytes, &back);
    *ret_code = TN_SITE_CODE_NOT_KNOWN;
    if (back == TN_CODE_BACK_NEVER && result != TN_SYMBOL_RESULT_OBJECT)
        *ret_code = TN_SITE_CODE_KEEPS;
    if (back == TN_CODE_BACK_SOMETIMES && result == TN_SYMBOL_RESULT_WORD)
        *ret_code = TN_SITE_CODE_HANDS;
    return r;
}

static int answer(struct tn_wrapper_code *code, struct tn_site_call call, uint32_t frame_id,
                  enum tn_site_code *ret_code)
{
    const struct code_frame *frame = &code->frames[frame_id];
    struct size_arguments arguments = arguments_of(code, call);
    struct tn_symbol_file *file;
    struct tn_code *machine_code = NULL;
    enum tn_symbol_result result = TN_SYMBOL_RESULT_UNKNOWN;
    *ret_code = TN_SITE_CODE_NOT_KNOWN;
    if (frame->module_id == 0)
        return 0;
    int r = tn_finish_files_get(code->job, frame->module_id, &file, NULL);
    if (r == 0 && file != NULL)
        r = tn_symbol_result_at(file, frame->offset_bytes, &result);
    if (r == 0 && result == TN_SYMBOL_RESULT_NOTHING) {
        *ret_code = TN_SITE_CODE_KEEPS;
        return 0;
    }
    /* without debug information a result in the register may be there by chance: the code can only deny */
    if (!arguments.returns_block || (result == TN_SYMBOL_RESULT_UNKNOWN && !call.is_last))
        return r;
    if (r == 0)
        r = tn_finish_files_code(code->job, frame->module_id, &machine_code);
    if (r == 0)
        r = judge_result(machine_code, frame, result, ret_code);
    if (r == 0 && *ret_code == TN_SITE_CODE_HANDS && machine_code != NULL)
        r = judge_size(code, machine_code, frame_id, &arguments, ret_code);
    return r;
}

int tn_wrapper_code_look(void *context, struct tn_site_call call, enum tn_site_code *ret_code)
{
    struct tn_wrapper_code *code = context;
    uint32_t frame_id = code->trie->nodes[call.node].frame_id;
    *ret_code = TN_SITE_CODE_NOT_KNOWN;
    if (frame_id >= code->frame_count)
        return 0;
    uint64_t key = (uint64_t)frame_id << 1 | call.is_last;
    const uint64_t *known = tn_map_find(&code->answers, key);
    if (known != NULL) {
        *ret_code = (enum tn_site_code) * known;
        return 0;
    }
    int r = answer(code, call, frame_id, ret_code);
    return r < 0 ? r : tn_map_put(&code->answers, key, *ret_code);
}
