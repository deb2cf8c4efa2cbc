/* SPDX-License-Identifier: MIT */

/* TENURE_CHECK_STACKS: every new stack is compared with libunwind's own backtrace at the same point. That
 * runs on the program's stack and opens files and pipes: for tests, not for recordings that matter. Called by
 * stack_ids.c. */

#include "verify_stack.h"

#include "shim_modules.h"
#include "shim_thread.h"
#include "stack_region.h"
#include "sys.h"
#include "unwinder.h"

#include "tenure/event_body.h"

#include <dlfcn.h>
#include <string.h>
#include <sys/auxv.h>

#include "banned.h"

static int (*backtrace_of)(void **, int);

/* Room for this library's own frames, and for one more than a stack may have. */
#define EXTRA_FRAMES 64u

static bool open_unwinder(void)
{
    if (backtrace_of != NULL)
        return true;
    void *library = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);
    void *symbol = library != NULL ? dlsym(library, "unw_backtrace") : NULL;
    memcpy(&backtrace_of, &symbol, sizeof(symbol));
    return backtrace_of != NULL;
}

/* Remove this library's frames. Returns how many are left. */
static uint32_t keep_theirs(uintptr_t *pcs, uint32_t count)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++)
        if (!tn_is_own_code(pcs[i]) && pcs[i] >= 0x4000)
            pcs[kept++] = pcs[i];
    return kept;
}

/* Whether both have the same addresses. Below a signal frame libunwind gives the interrupted instruction, and
 * the shim what rules.h says; for Arm it gives the address before the return address everywhere. */
static bool is_same(const uint64_t *frames, uint32_t frame_count, const uintptr_t *pcs, uint32_t pc_count,
                    bool is_cut)
{
    if (is_cut ? frame_count > pc_count : frame_count != pc_count)
        return false;
    for (uint32_t i = 0; i < frame_count; i++) {
        uintptr_t pc = tn_frame_get(frames).pc;
        frames += tn_frame_words(*frames);
        if (pc != pcs[i] && pc != pcs[i] + 1 && pc != pcs[i] + TN_CODE_UNIT_BYTES)
            return false;
    }
    return true;
}

static void print_line(struct tn_shim_text *line)
{
    tn_shim_text_add(line, "\n");
    tn_sys3(SYS_write, 2, (long)line->text, (long)line->size);
    memset(line, 0, sizeof(*line));
}

static void print_difference(const uint64_t *frames, uint32_t frame_count, const uintptr_t *pcs,
                             uint32_t pc_count)
{
    struct tn_shim_text line;
    memset(&line, 0, sizeof(line));
    tn_shim_text_add(&line, "tenure: a stack differs: ours, libunwind's");
    print_line(&line);
    for (uint32_t i = 0; i < frame_count || i < pc_count; i++) {
        uintptr_t ours = i < frame_count ? tn_frame_get(frames).pc : 0;
        if (i < frame_count)
            frames += tn_frame_words(*frames);
        tn_shim_text_add_hex(&line, ours);
        tn_shim_text_add(&line, " ");
        tn_shim_text_add_hex(&line, i < pc_count ? pcs[i] : 0);
        tn_shim_text_add(&line, ours != 0 && i < pc_count && ours == pcs[i] ? "" : " *");
        print_line(&line);
    }
}

/* The loader releases memory while its own records are half changed: then libunwind's local form, which uses
 * thread-local memory that the loader manages, must not run. Its generic form walks by the shim's accessors.
 */
static bool is_loader(uintptr_t pc)
{
    struct tn_module module;
    return tn_modules_find(pc, &module) && module.low == getauxval(AT_BASE);
}

static uint32_t walk_remote(struct tn_thread *thread, const struct tn_caller *caller, uintptr_t *pcs,
                            uint32_t room)
{
    struct tn_caller at = *caller;
    uint32_t count = 0;
    int result = 1;
    while (count < room && result > 0) {
        pcs[count++] = at.pc;
        result = tn_unwinder_step(&at, 0, tn_region_high(thread, at.cfa));
    }
    return result == 0 ? count : 0;
}

static void compare(const uint64_t *frames, uint32_t frame_count, const uintptr_t *pcs, uint32_t pc_count,
                    bool is_cut)
{
    atomic_fetch_add_explicit(&tn_hot.header->stacks_checked, 1, memory_order_relaxed);
    if (is_same(frames, frame_count, pcs, pc_count, is_cut))
        return;
    atomic_fetch_add_explicit(&tn_hot.header->stacks_different, 1, memory_order_relaxed);
    if (tn_shim_process.options.check_stacks > 1)
        print_difference(frames, frame_count, pcs, pc_count);
}

void tn_verify_stack(struct tn_thread *thread, const struct tn_caller *caller, const uint64_t *frames,
                     uint32_t frame_count, bool is_cut)
{
    uint32_t room = tn_shim_process.options.depth_max + EXTRA_FRAMES;
    uintptr_t *pcs = open_unwinder() ? tn_map_pages(room * sizeof(*pcs)) : NULL;
    if (pcs == NULL)
        return;
    int count = is_loader(caller->pc) ? (int)walk_remote(thread, caller, pcs, room)
                                      : backtrace_of((void **)pcs, (int)room);
    uint32_t pc_count = keep_theirs(pcs, count > 0 ? (uint32_t)count : 0);
    if (count > 0)
        compare(frames, frame_count, pcs, pc_count, is_cut);
    tn_unmap_pages(pcs, room * sizeof(*pcs));
}
