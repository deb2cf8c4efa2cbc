/* SPDX-License-Identifier: MIT */
/* Names frames where there is debug information and memory for it: the second allocator tells modules and
 * offsets. */
#include "try_names.h"

#include "tenure/base.h"
#include "tenure/symbol.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TOLD_FRAMES 8

/* A stack that is being printed. */
struct names {
    struct tn_buffer out;
    unsigned printed;
    bool is_over; /* main was named: what called it says nothing */
};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static int print_frame(struct names *names, const struct tn_symbol_frame *frame)
{
    int r = tn_buffer_print(&names->out, "%s", names->printed++ == 0 ? "" : " < ");
    if (r == 0)
        r = tn_buffer_show(&names->out, frame->function, "");
    if (r == 0 && frame->file != NULL && frame->line != 0) {
        r = tn_buffer_print(&names->out, " (");
        if (r == 0)
            r = tn_buffer_show(&names->out, base_name(frame->file), "");
        if (r == 0)
            r = tn_buffer_print(&names->out, ":%u)", frame->line);
    }
    names->is_over = strcmp(frame->function, "main") == 0;
    return r;
}

static int print_nameless(struct names *names, const char *path, uint64_t offset_bytes)
{
    int r = tn_buffer_print(&names->out, "%s", names->printed++ == 0 ? "" : " < ");
    if (r == 0)
        r = tn_buffer_show(&names->out, base_name(path), "");
    return r == 0 ? tn_buffer_print(&names->out, "+0x%llx", (unsigned long long)offset_bytes) : r;
}

/* The functions at an address, innermost first. */
static int print_address(struct names *names, const char *path, uint64_t offset_bytes)
{
    struct tn_symbol_file *file = NULL;
    const struct tn_symbol_frame *frames = NULL;
    unsigned count = 0, named = 0;
    int r = tn_symbol_open(path, -1, "", &file, NULL);
    if (r == 0)
        r = tn_symbol_look_up(file, offset_bytes, &frames, &count);
    for (unsigned i = 0; r == 0 && i < count && names->printed < TOLD_FRAMES && !names->is_over; i++)
        if (frames[i].function != NULL) {
            r = print_frame(names, &frames[i]);
            named++;
        }
    tn_symbol_close(file);
    if (r == -ENOMEM)
        return r;
    return named == 0 ? print_nameless(names, path, offset_bytes) : 0;
}

int tn_try_name_stack(const struct tn_trial_head *head, const struct tn_inject_stack *stack,
                      const char *program, char **ret_text)
{
    struct names names = {.printed = 0};
    int r = tn_buffer_print(&names.out, "%s", "");
    for (uint32_t i = 0; i < stack->count && i < TN_INJECT_FRAMES_MAX && r == 0; i++) {
        uint32_t module = stack->modules[i];
        if (names.printed >= TOLD_FRAMES || names.is_over)
            break;
        if (module >= TN_INJECT_SEEN_MAX)
            continue;
        const char *path = head->seen[module].path;
        r = print_address(&names, path[0] != '\0' ? path : program, stack->frames[i]);
    }
    if (r < 0) {
        tn_buffer_finish(&names.out);
        return r;
    }
    free(*ret_text);
    *ret_text = (char *)names.out.data;
    return 0;
}
