/* SPDX-License-Identifier: MIT */
/* Collects results, and names the frames of crashes: a stack comes as modules and offsets, and the names are
 * looked up here, where there is debug information and memory for it. */
#include "tenure/fail.h"

#include "tenure/site.h"
#include "tenure/symbol.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TOLD_FRAMES 4 /* that are named: where it happened, and who called that */

/* The name of a file, without its folders. */
static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static int print_frame(struct tn_buffer *out, const struct tn_symbol_frame *frame)
{
    int r = tn_buffer_show(out, frame->function, "");
    if (r == 0 && frame->file != NULL && frame->line != 0) {
        r = tn_buffer_print(out, " (");
        if (r == 0)
            r = tn_buffer_show(out, base_name(frame->file), "");
        if (r == 0)
            r = tn_buffer_print(out, ":%u)", frame->line);
    }
    return r;
}

/* Append the functions at an address, innermost first. Returns how many, or a negative errno. */
static int name_address(struct tn_buffer *out, const char *path, uint64_t offset_bytes, int printed)
{
    struct tn_symbol_file *file = NULL;
    const struct tn_symbol_frame *frames = NULL;
    unsigned count = 0;
    int r = tn_symbol_open(path, -1, "", &file, NULL);
    if (r == 0)
        r = tn_symbol_look_up(file, offset_bytes, &frames, &count);
    int named = 0;
    for (unsigned i = 0; r == 0 && i < count && printed + named < TOLD_FRAMES; i++) {
        r = tn_buffer_print(out, "%s", printed + named == 0 ? "" : ", called from ");
        if (r == 0 && frames[i].function != NULL)
            r = print_frame(out, &frames[i]);
        else if (r == 0)
            r = tn_buffer_print(out, "%s+0x%llx", base_name(path), (unsigned long long)offset_bytes);
        named++;
    }
    tn_symbol_close(file);
    return r == -ENOMEM ? r : named;
}

/* The path of a frame's module; NULL: it lies in none. */
static const char *path_of(const struct tn_inject_head *head, const struct tn_inject_stack *stack,
                           uint32_t frame)
{
    uint32_t module = stack->modules[frame];
    return module < TN_INJECT_SEEN_MAX ? head->seen[module].path : NULL;
}

/* This tool's own, in which nothing but the call of the next allocator happens. */
static bool is_ours(const char *path)
{
    return path != NULL && strstr(path, "libtenure_inject.so") != NULL;
}

static bool is_program(const char *path)
{
    return path != NULL && !tn_site_is_runtime_module(path) && !is_ours(path);
}

/* The frame that the telling begins with: of a run of frames in libraries the outermost, which the program
 * called (abort, free); 0 where none of the program's comes behind. */
static uint32_t first_frame(const struct tn_inject_head *head, const struct tn_inject_stack *stack)
{
    for (uint32_t i = 0; i < stack->count; i++)
        if (is_program(path_of(head, stack, i)))
            return i > 0 && !is_ours(path_of(head, stack, i - 1)) ? i - 1 : i;
    return 0;
}

/* program   path of what was executed
 * is_exact  the first frame is an instruction, not a return address */
static char *name_stack(const struct tn_inject_head *head, const struct tn_inject_stack *stack,
                        const char *program, bool is_exact)
{
    struct tn_buffer out = {0};
    int printed = 0, r = tn_buffer_print(&out, "%s", "");
    for (uint32_t i = first_frame(head, stack); i < stack->count && printed < TOLD_FRAMES && r >= 0; i++) {
        const char *path = path_of(head, stack, i);
        /* What called main says nothing. */
        if (i > 0 && is_program(path_of(head, stack, i - 1)) && !is_program(path))
            break;
        if (path == NULL)
            continue;
        /* The look-up takes return addresses, and looks at the byte before. */
        r = name_address(&out, path[0] != '\0' ? path : program, stack->frames[i] + (is_exact && i == 0),
                         printed);
        printed += r > 0 ? r : 0;
    }
    if (r < 0) {
        tn_buffer_finish(&out);
        return NULL;
    }
    return (char *)out.data;
}

static char *copy(const char *text)
{
    return strdup(text != NULL ? text : "");
}

static void finish_result(struct tn_fail_result *result)
{
    free(result->place);
    free(result->via);
    free(result->key);
    free(result->message);
    free(result->crash);
    free(result->leaks);
}

static int signal_of(const struct tn_fail_outcome *outcome)
{
    if (outcome->head.crash.is_taken != 0)
        return (int)outcome->head.crash.signal;
    return WIFSIGNALED(outcome->status) ? WTERMSIG(outcome->status) : 0;
}

static int reserve(struct tn_fail_results *results)
{
    if (results->count < results->capacity)
        return 0;
    size_t capacity = results->capacity == 0 ? 64 : results->capacity * 2;
    struct tn_fail_result *items = realloc(results->items, capacity * sizeof(*items));
    if (items == NULL)
        return -ENOMEM;
    results->items = items;
    results->capacity = capacity;
    return 0;
}

int tn_fail_results_add(struct tn_fail_results *results, const struct tn_fail_subject *subject,
                        const char *program, uint64_t occurrence, enum tn_fail_class class,
                        uint64_t leaked_count, const struct tn_fail_outcome *outcome)
{
    bool is_crash = class == TN_FAIL_CRASHED || class == TN_FAIL_CORRUPTED;
    if (reserve(results) < 0)
        return -ENOMEM;
    struct tn_fail_result result = {
        .subject_id = subject != NULL ? subject->id : 0,
        .occurrence = occurrence,
        .class = class,
        .place = subject != NULL ? copy(subject->place)
                                 : name_stack(&outcome->head, &outcome->head.failure, program, false),
        .via = copy(subject != NULL ? subject->via : NULL),
        .key = copy(subject != NULL ? subject->key : NULL),
        .status = outcome->status,
        .signal = is_crash ? signal_of(outcome) : 0,
        .duration_ns = outcome->duration_ns,
        .matches = outcome->head.matches,
        .failed = outcome->head.failed,
        .leaked_count = leaked_count,
        .message = copy(outcome->message),
        .crash = is_crash ? name_stack(&outcome->head, &outcome->head.crash, program, true) : copy(NULL),
    };
    if (result.place == NULL || result.via == NULL || result.key == NULL || result.message == NULL ||
        result.crash == NULL) {
        finish_result(&result);
        return -ENOMEM;
    }
    results->items[results->count++] = result;
    return 0;
}

int tn_fail_results_take(struct tn_fail_results *results, const struct tn_fail_result *result)
{
    if (reserve(results) < 0)
        return -ENOMEM;
    results->items[results->count++] = *result;
    return 0;
}

static int compare(const void *a, const void *b)
{
    const struct tn_fail_result *left = a, *right = b;
    if (left->class != right->class)
        return left->class > right->class ? -1 : 1;
    /* Who ends by abort has noticed. */
    if ((left->signal == SIGABRT) != (right->signal == SIGABRT))
        return left->signal == SIGABRT ? 1 : -1;
    return left->subject_id < right->subject_id ? -1 : left->subject_id > right->subject_id;
}

void tn_fail_results_sort(struct tn_fail_results *results)
{
    if (results->count > 0)
        qsort(results->items, results->count, sizeof(*results->items), compare);
}

void tn_fail_results_finish(struct tn_fail_results *results)
{
    for (size_t i = 0; i < results->count; i++)
        finish_result(&results->items[i]);
    free(results->items);
    *results = (struct tn_fail_results){0};
}
