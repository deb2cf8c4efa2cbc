/* SPDX-License-Identifier: MIT */

/* The life of a recorded process: its first event starts it, a fork child starts again, tn_stop ends it.
 * Invariant: tn_hot.generation is 0 unless rings, recorder, rules and unwinder are ready. Called by
 * shim_thread.c. */

#include "arena.h"
#include "control_ring.h"
#include "enter.h"
#include "real.h"
#include "rules.h"
#include "shim_modules.h"
#include "shim_session.h"
#include "sys.h"
#include "unwinder.h"

#include "tenure/event_body.h"

#include <link.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "banned.h"

#define STACK_COUNT_START UINT64_C(4096)

union tn_hot_page tn_hot_page __attribute__((aligned(4096)));
struct tn_shim_process tn_shim_process;

/* Where this library is mapped. */
static int find_own_text(struct dl_phdr_info *info, size_t size_bytes, void *context)
{
    (void)size_bytes;
    uintptr_t self = (uintptr_t)context;
    uintptr_t high = 0;
    bool is_here = false;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        uintptr_t low = info->dlpi_addr + header->p_vaddr;
        if (header->p_type != PT_LOAD)
            continue;
        is_here = is_here || self - low < header->p_memsz;
        high = low + header->p_memsz;
    }
    if (!is_here)
        return 0;
    tn_shim_process.text_low = info->dlpi_addr;
    tn_shim_process.text_high = high;
    return 1;
}

static void complain(const char *what, const char *more, long code)
{
    struct tn_shim_text line;
    memset(&line, 0, sizeof(line));
    tn_shim_text_add(&line, "tenure: cannot record: ");
    tn_shim_text_add(&line, what);
    tn_shim_text_add(&line, more);
    if (code < 0) {
        tn_shim_text_add(&line, ": ");
        tn_shim_text_add(&line, tn_error_name((int)-code));
    }
    tn_shim_text_add(&line, "; the program runs unrecorded\n");
    tn_sys3(SYS_write, 2, (long)line.text, (long)line.size);
}

/* Open a session and let threads write events. Returns as tn_session_open. */
static int begin_recording(enum tn_hello_reason reason, struct tn_thread *thread, const char **ret_what)
{
    int result = tn_session_open(reason, ret_what);
    if (result != 0)
        return result;
    *ret_what = "memory for stacks";
    result = tn_id_table_open(&tn_hot.stacks, STACK_COUNT_START);
    if (result != 0)
        return result;
    tn_modules_forget();
    tn_modules_scan(thread);
    atomic_store_explicit(&tn_hot.generation, ++tn_shim_process.generations, memory_order_release);
    return 0;
}

/* Give a fork child rings of its own, before the program runs on. Unwind rules stay valid; locks are dropped
 * whose holders do not exist here. */
static void begin_child(struct tn_thread *thread)
{
    const char *what;
    memset(&tn_hot_page, 0, sizeof(tn_hot_page));
    tn_lock_drop(&tn_control_lock);
    tn_arena_recover();
    thread->generation = TN_GENERATION_NONE;
    thread->slot_generation = TN_GENERATION_NONE;
    thread->nested_count = 0;
    if (atomic_load(&tn_shim_process.state) != TN_STATE_RUNNING)
        return;
    tn_own_begin(thread);
    if (!tn_shim_process.options.has_children || begin_recording(TN_HELLO_FORK, thread, &what) != 0)
        atomic_store(&tn_shim_process.state, TN_STATE_OFF);
    tn_own_end(thread);
}

static void before_fork(void)
{
    tn_own_begin(&tn_thread);
    tn_unwinder_hold();
}

static void after_fork_in_parent(void)
{
    tn_unwinder_release();
    tn_own_end(&tn_thread);
}

static void after_fork_in_child(void)
{
    tn_unwinder_release();
    begin_child(&tn_thread);
    tn_own_end(&tn_thread);
}

static int prepare(struct tn_thread *thread, const char **ret_what)
{
    *ret_what = "memory";
    if (tn_sys3(SYS_madvise, (long)&tn_hot_page, sizeof(tn_hot_page), MADV_WIPEONFORK) != 0)
        tn_shim_process.options.has_children = false;
    int result = tn_rules_open(&tn_shim_process.rules);
    if (result != 0)
        return result;
    *ret_what = "libunwind (package libunwind8) cannot be loaded";
    if (!tn_unwinder_open())
        return 2;
    tn_thread_prepare();
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
    return begin_recording(TN_HELLO_START, thread, ret_what);
}

/* Initialise, at the first call that the shim sees: a library's constructor may allocate before the shim's
 * runs. */
static bool begin_process(struct tn_thread *thread)
{
    const char *what = NULL;
    tn_own_begin(thread);
    tn_shim_process.main_tid = (uint32_t)tn_sys0(SYS_getpid);
    tn_real_find();
    tn_operators_find();
    dl_iterate_phdr(find_own_text, (void *)(uintptr_t)tn_real_find);
    tn_options_read(&tn_shim_process.options);
    int result = 2;
    const char *bypass = tn_real_bypass();
    if (bypass == NULL)
        result = prepare(thread, &what);
    if (bypass != NULL)
        complain(bypass, " brings a malloc of its own, which calls nobody here", 0);
    else if (result < 0 || result == 2)
        complain(what, "", result);
    atomic_store_explicit(&tn_shim_process.state, result == 0 ? TN_STATE_RUNNING : TN_STATE_OFF,
                          memory_order_release);
    tn_own_end(thread);
    return result == 0;
}

bool tn_start(struct tn_thread *thread)
{
    uint32_t state = atomic_load_explicit(&tn_shim_process.state, memory_order_acquire);
    uint32_t expected = TN_STATE_NEW;
    if (state == TN_STATE_OFF)
        return false;
    if (state == TN_STATE_NEW &&
        atomic_compare_exchange_strong(&tn_shim_process.state, &expected, TN_STATE_STARTING))
        begin_process(thread);
    while ((state = atomic_load_explicit(&tn_shim_process.state, memory_order_acquire)) == TN_STATE_STARTING)
        tn_sys0(SYS_sched_yield);
    if (state == TN_STATE_OFF)
        return false;
    /* 0 although the state is RUNNING: this is a child of a fork that called no handlers. */
    if (atomic_load_explicit(&tn_hot.generation, memory_order_relaxed) == 0) {
        tn_unwinder_recover();
        begin_child(thread);
    }
    uint32_t generation = atomic_load_explicit(&tn_hot.generation, memory_order_relaxed);
    if (generation == 0)
        return false;
    return thread->slot_generation == generation || tn_thread_claim(thread);
}

void tn_stop(void)
{
    atomic_store_explicit(&tn_hot.header->is_stopped, 1, memory_order_release);
    atomic_store_explicit(&tn_shim_process.state, TN_STATE_OFF, memory_order_release);
    atomic_store_explicit(&tn_hot.generation, 0, memory_order_release);
}

void tn_mark(struct tn_thread *thread, const char *text)
{
    uint32_t text_bytes = (uint32_t)tn_length(text);
    uint32_t pad;
    if (text_bytes > TN_MARK_TEXT_BYTES_KEPT)
        text_bytes = TN_MARK_TEXT_BYTES_KEPT;
    uint32_t words = TN_EVENT_MARK_WORDS + tn_event_text_words(text_bytes);
    tn_own_begin(thread);
    if (tn_lock_take(&tn_control_lock)) {
        uint64_t *event = tn_control_begin(words, &pad);
        if (event != NULL) {
            tn_event_put_mark(event, text, text_bytes);
            tn_control_end(pad + words);
        }
        tn_lock_drop(&tn_control_lock);
    }
    tn_own_end(thread);
}

static __attribute__((constructor)) void constructed(void)
{
    const struct tn_caller caller = TN_CALLER();
    struct tn_thread *thread = &tn_thread;
    if (tn_enter(thread, &caller) == TN_WAY_RECORD)
        tn_leave(thread);
}
