/* SPDX-License-Identifier: MIT */

/* The life of a recorded process: its first event starts it, a fork child starts again, tn_stop ends it.
 * Invariant: tn_hot.generation is 0 unless rings, recorder and rules are ready. Called by
 * shim_thread.c. */

#include "arena.h"
#include "control_ring.h"
#include "enter.h"
#include "find_recorder.h"
#include "link_looks.h"
#include "nested.h"
#include "real.h"
#include "room.h"
#include "rules.h"
#include "shim_filter.h"
#include "shim_modules.h"
#include "shim_session.h"
#include "slots.h"
#include "sys.h"
#include "tell_loss.h"
#include "thread_id.h"
#include "unwinder.h"

#include "tenure/event_body.h"

#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "banned.h"

#define STACK_COUNT_START UINT64_C(4096)

union tn_hot_page tn_hot_page __attribute__((aligned(TN_ARCH_PAGE_BYTES_MAX)));
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
static int begin_recording(enum tn_hello_reason reason, struct tn_thread *thread,
                           struct tn_join_failure *ret_failure)
{
    int result = tn_session_open(reason, ret_failure);
    if (result != 0)
        return result;
    *ret_failure = (struct tn_join_failure){"memory for stacks", TN_CHILD_NO_MEMORY, false};
    result = tn_id_table_open(&tn_hot.stacks, STACK_COUNT_START);
    if (result != 0)
        return result;
    tn_links_begin();
    tn_modules_forget();
    tn_modules_scan(thread);
    atomic_store_explicit(&tn_hot.generation, ++tn_shim_process.generations, memory_order_release);
    return 0;
}

/* Open a fork child's session, if the recorder can answer. Returns as tn_session_open; 1 also when there is
 * no recorder any more. */
static int join_recorder(struct tn_thread *thread, struct tn_join_failure *ret_failure)
{
    const struct tn_shared_header *parents = tn_shim_process.header;
    if (tn_shared_is_orphaned(parents))
        return 1;
    uint32_t beat = atomic_load_explicit(&parents->heartbeat, memory_order_relaxed);
    *ret_failure = (struct tn_join_failure){"the recorder does not answer", TN_CHILD_UNANSWERED, false};
    if (tn_shared_is_stalled(parents))
        return -ETIMEDOUT;
    int result = begin_recording(TN_HELLO_FORK, thread, ret_failure);
    /* So that the parent's next children do not wait, either. */
    if (result == -ETIMEDOUT && tn_shim_process.header == parents)
        atomic_store_explicit(&tn_shim_process.header->stalled_beat, beat, memory_order_relaxed);
    return result;
}

/* A filter that came after the start may forbid what it takes to join, and end the child for trying. */
static int join_if_permitted(struct tn_thread *thread, struct tn_join_failure *ret_failure)
{
    *ret_failure = (struct tn_join_failure){"a filter of system calls forbids it", TN_CHILD_FORBIDDEN, false};
    if (tn_is_filtered && !tn_filter_permits_child())
        return 2;
    return join_recorder(thread, ret_failure);
}

/* Whether the recorder can be told of what a process lacks: it can be reached, and does not know yet. */
static bool may_tell(enum tn_child_loss loss)
{
    return loss == TN_CHILD_NO_DESCRIPTOR || loss == TN_CHILD_NO_MEMORY;
}

/* Tell the recorder of a child that is not recorded, so that what it executes counts as the same; else count
 * it in the header of its parent, or of the last ancestor that is recorded. */
static void count_unrecorded(enum tn_child_loss loss)
{
    tn_shim_process.is_unrecorded = true;
    tn_shim_process.loss = loss;
    if (!tn_is_filtered && may_tell(loss) && tn_tell_loss(TN_HELLO_FORK, loss))
        return;
    atomic_fetch_add_explicit(&tn_shim_process.header->children_lost[loss], 1, memory_order_relaxed);
}

static void begin_session_of_child(struct tn_thread *thread)
{
    struct tn_join_failure failure;
    int result = tn_shim_process.options.has_children ? join_if_permitted(thread, &failure) : 1;
    /* When the process was copied behind libc's back, libc still knows the id of the parent's thread. */
    if (result == 0)
        thread->kernel_tid = (uint32_t)tn_sys0(SYS_gettid);
    if (result == 0)
        return;
    atomic_store(&tn_shim_process.state, TN_STATE_OFF);
    if (result != 1)
        count_unrecorded(failure.loss);
}

/* Give a fork child rings of its own, before the program runs on. Unwind rules stay valid; locks are dropped
 * whose holders do not exist here. */
static void begin_child(struct tn_thread *thread)
{
    memset(&tn_hot_page, 0, sizeof(tn_hot_page));
    tn_lock_drop(&tn_control_lock);
    tn_slots_recover();
    tn_arena_recover();
    thread = tn_thread_outermost(thread);
    for (struct tn_thread *each = thread; each != NULL; each = each->nested)
        tn_nested_drop_slot(each);
    if (tn_shim_process.is_unrecorded)
        count_unrecorded(tn_shim_process.loss);
    if (atomic_load(&tn_shim_process.state) != TN_STATE_RUNNING)
        return;
    tn_own_begin(thread);
    begin_session_of_child(thread);
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

#ifdef __GLIBC__
/* What pthread_atfork calls. Weak, so that another C library loads this one: musl would end the program for a
 * symbol that it lacks. */
extern int __register_atfork(void (*before)(void), void (*in_parent)(void), void (*in_child)(void),
                             void *library) __attribute__((weak));
extern void *__dso_handle __attribute__((visibility("hidden")));

static bool has_foreign_libc(void)
{
    return __register_atfork == NULL;
}

static void watch_forks(void)
{
    __register_atfork(before_fork, after_fork_in_parent, after_fork_in_child, __dso_handle);
}
#else
static bool has_foreign_libc(void)
{
    return false;
}

static void watch_forks(void)
{
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}
#endif

static int prepare(struct tn_thread *thread, struct tn_join_failure *ret_failure)
{
    *ret_failure = (struct tn_join_failure){"memory", TN_CHILD_NO_MEMORY, false};
    tn_shim_process.main_tid = (uint32_t)tn_sys0(SYS_getpid);
    /* Without it a child that no handler knows of would write into its parent's rings. */
    int result = (int)tn_sys3(SYS_madvise, (long)&tn_hot_page, sizeof(tn_hot_page), MADV_WIPEONFORK);
    if (result == 0)
        result = tn_rules_open(&tn_shim_process.rules);
    if (result != 0)
        return result;
    tn_unwinder_open();
    tn_thread_prepare();
    tn_thread_id_prepare();
    watch_forks();
    return begin_recording(TN_HELLO_START, thread, ret_failure);
}

/* Whether nothing need be printed: somebody has said it, or the recorder has been told, and says it. */
static bool is_known(const struct tn_join_failure *failure, bool is_permitted)
{
    if (failure->is_told || !is_permitted)
        return failure->is_told;
    return (may_tell(failure->loss) && tn_tell_loss(TN_HELLO_START, failure->loss)) || tn_is_told() ||
           tn_parent_has_told();
}

/* A program of another C library, which a recorded one may execute with our environment. */
static void refuse_libc(struct tn_join_failure *ret_failure)
{
    ret_failure->what = "its C library is another one than that which libtenure.so was built for";
    ret_failure->is_told = tn_tell_loss(TN_HELLO_START, TN_CHILD_REFUSED);
}

/* Initialise, at the first call that the shim sees: a library's constructor may allocate before the shim's
 * runs. */
static bool begin_process(struct tn_thread *thread)
{
    struct tn_join_failure failure = {"", TN_CHILD_REFUSED, false};
    tn_page_bytes = getauxval(AT_PAGESZ);
    bool is_permitted = tn_filter_permits();
    tn_own_begin(thread);
    tn_real_find();
    tn_operators_find();
    const char *watcher = tn_real_watcher();
    if (watcher == NULL)
        dl_iterate_phdr(find_own_text, (void *)(uintptr_t)tn_real_find);
    tn_options_read(&tn_shim_process.options);
    int result = 2;
    const char *bypass = watcher == NULL ? tn_real_bypass() : watcher;
    if (!is_permitted)
        failure.what =
            "a filter of system calls was set before the program was started, and might kill it; "
            "TENURE_BEHIND_FILTER=1 tries";
    else if (has_foreign_libc())
        refuse_libc(&failure);
    else if (bypass == NULL)
        result = prepare(thread, &failure);
    else
        tn_tell_loss(TN_HELLO_START, TN_CHILD_OWN_MALLOC);
    if (watcher != NULL)
        complain(watcher, " watches the program's allocations itself, and lets nobody see them", 0);
    else if (bypass != NULL)
        complain(bypass, " brings a malloc of its own, which calls nobody here", 0);
    else if ((result < 0 || result == 2) && !is_known(&failure, is_permitted)) {
        complain(failure.what, "", result);
        if (is_permitted)
            tn_note_told();
    }
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

bool tn_mark(struct tn_thread *thread, const char *text)
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
    return tn_pause_now() != TN_PAUSE_NO &&
           tn_mark_hash(text, text_bytes) ==
               atomic_load_explicit(&tn_hot.header->awaited_mark, memory_order_relaxed);
}

static __attribute__((constructor)) void constructed(void)
{
    const struct tn_caller caller = TN_CALLER();
    struct tn_thread *thread = &tn_thread;
    if (tn_enter_other(&thread, &caller))
        tn_leave(thread);
}

/* After the program's own handlers and destructors, as far as the loader can tell. */
static __attribute__((destructor)) void destructed(void)
{
    struct tn_thread *thread = &tn_thread;
    if (!tn_shim_process.takes_recorder_along || tn_shim_process.state != TN_STATE_RUNNING ||
        atomic_load_explicit(&tn_hot.generation, memory_order_relaxed) == 0)
        return;
    tn_own_begin(thread);
    tn_room_close();
    tn_own_end(thread);
}
