/* SPDX-License-Identifier: MIT */
/* The threads that own the liveness words, and their robust lists. Invariant: the list of a keeper is whole
 * after every single store, because the kernel may walk it at any instant; an entry is in the list before its
 * word bears the keeper's id, and until after it no longer does. Called by shared_memory.c and record.c. */
#include "keeper.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define STACK_BYTES (64u << 10)

struct tn_keeper {
    struct robust_list_head head;       /* the kernel's; written by the main thread */
    struct tn_keepers *keepers;         /* borrowed */
    pthread_t thread;                   /* valid if has_thread */
    bool has_thread;                    /* that beats, and owns the words unless the main one does */
    bool is_main;                       /* the main thread owns the words */
    struct robust_list_head *libc_list; /* is_main: what libc had registered for that thread */
    uint32_t count;                     /* words held */
    _Atomic uint32_t tid;               /* as the words bear it; 0 until the list is registered */
    _Atomic uint32_t error;             /* errno of a registration that failed; 0: none */
    _Atomic uint32_t is_ending;         /* futex: the thread is to end */
    pthread_mutex_t lock;               /* of the entries, between the main thread and this one's beats */
    uint32_t seen_progress;             /* when it last beat */
    uint64_t progress_ns;               /* CLOCK_MONOTONIC when progress was last seen to move */
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The next entry of a list, NULL at its end. */
static struct tn_kept *entry_at(const struct tn_keeper *keeper, struct robust_list *link)
{
    return link != &keeper->head.list ? (struct tn_kept *)link : NULL;
}

static void beat(struct tn_keeper *keeper)
{
    pthread_mutex_lock(&keeper->lock);
    struct tn_kept *kept = entry_at(keeper, keeper->head.list.next);
    for (; kept != NULL; kept = entry_at(keeper, kept->link.next))
        tn_shared_beat(kept->header);
    pthread_mutex_unlock(&keeper->lock);
}

/* Beat, unless the main thread has stood still for too long. */
static void beat_if_busy(struct tn_keeper *keeper)
{
    uint32_t progress = atomic_load_explicit(&keeper->keepers->progress, memory_order_relaxed);
    uint64_t now = now_ns();
    if (progress != keeper->seen_progress || keeper->progress_ns == 0)
        keeper->progress_ns = now;
    keeper->seen_progress = progress;
    if (now - keeper->progress_ns < TN_KEEPER_PATIENCE_NS)
        beat(keeper);
}

/* The list that libc has registered for the thread is given up: no robust mutex of libc's is used in it. */
static int register_list(struct tn_keeper *keeper)
{
    keeper->head.futex_offset = keeper->keepers->distance_bytes;
    int r = syscall(SYS_set_robust_list, &keeper->head, sizeof(keeper->head)) == 0 ? 0 : -errno;
    atomic_store_explicit(&keeper->error, (uint32_t)-r, memory_order_relaxed);
    atomic_store_explicit(&keeper->tid, (uint32_t)syscall(SYS_gettid), memory_order_release);
    return r;
}

static void wake_all(_Atomic uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static void *keep(void *context)
{
    struct tn_keeper *keeper = context;
    const struct timespec pause = {.tv_nsec = (long)TN_HEARTBEAT_NS};
    prctl(PR_SET_NAME, "keeper");
    if (!keeper->is_main) {
        register_list(keeper);
        wake_all(&keeper->tid);
    }
    while (atomic_load_explicit(&keeper->is_ending, memory_order_acquire) == 0) {
        syscall(SYS_futex, &keeper->is_ending, FUTEX_WAIT, 0, &pause, NULL, 0);
        beat_if_busy(keeper);
    }
    return NULL;
}

/* Signals are for the main thread. */
static int start_thread(struct tn_keeper *keeper)
{
    sigset_t all, saved;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &saved);
    int r = -pthread_create(&keeper->thread, &attributes, keep, keeper);
    pthread_sigmask(SIG_SETMASK, &saved, NULL);
    pthread_attr_destroy(&attributes);
    if (r < 0)
        return r;
    while (atomic_load_explicit(&keeper->tid, memory_order_acquire) == 0)
        syscall(SYS_futex, &keeper->tid, FUTEX_WAIT, 0, NULL, NULL, 0);
    keeper->has_thread = true;
    return -(int)atomic_load_explicit(&keeper->error, memory_order_relaxed);
}

/* The main thread is the first keeper. Where no thread can be made, it beats by itself. */
static int start_main(struct tn_keeper *keeper)
{
    size_t size_bytes;
    keeper->is_main = true;
    if (syscall(SYS_get_robust_list, 0, &keeper->libc_list, &size_bytes) != 0)
        keeper->libc_list = NULL;
    int r = register_list(keeper);
    if (r == 0 && !keeper->keepers->is_sparing)
        (void)start_thread(keeper);
    return r;
}

static void end_thread(struct tn_keeper *keeper)
{
    if (!keeper->has_thread)
        return;
    atomic_store_explicit(&keeper->is_ending, 1, memory_order_release);
    wake_all(&keeper->is_ending);
    pthread_join(keeper->thread, NULL);
    keeper->has_thread = false;
}

/* The kernel must not walk at the main thread's end what is released here. */
static void destroy(struct tn_keeper *keeper)
{
    end_thread(keeper);
    if (keeper->is_main)
        syscall(SYS_set_robust_list, keeper->libc_list, sizeof(keeper->head));
    pthread_mutex_destroy(&keeper->lock);
    free(keeper);
}

static int add_keeper(struct tn_keepers *keepers, struct tn_keeper **ret_keeper)
{
    struct tn_keeper **list = realloc(keepers->list, (keepers->count + 1) * sizeof(list[0]));
    if (list == NULL)
        return -ENOMEM;
    keepers->list = list;
    struct tn_keeper *keeper = calloc(1, sizeof(*keeper));
    if (keeper == NULL)
        return -ENOMEM;
    keeper->keepers = keepers;
    keeper->head.list.next = &keeper->head.list;
    pthread_mutex_init(&keeper->lock, NULL);
    int r = keepers->count == 0 ? start_main(keeper) : start_thread(keeper);
    if (r < 0) {
        destroy(keeper);
        return r;
    }
    keepers->list[keepers->count++] = keeper;
    *ret_keeper = keeper;
    return 0;
}

/* A keeper with room. The newest is looked at first: it is the one that is not full. */
static int find_keeper(struct tn_keepers *keepers, struct tn_keeper **ret_keeper)
{
    for (uint32_t i = keepers->count; i-- > 0;)
        if (keepers->list[i]->count < TN_KEEPER_WORDS_MAX) {
            *ret_keeper = keepers->list[i];
            return 0;
        }
    return add_keeper(keepers, ret_keeper);
}

/* The new entry leads on before anything leads to it. */
static void link_entry(struct tn_keeper *keeper, struct tn_kept *kept)
{
    struct tn_kept *after = entry_at(keeper, keeper->head.list.next);
    kept->link.next = keeper->head.list.next;
    kept->before = NULL;
    if (after != NULL)
        after->before = kept;
    __atomic_store_n(&keeper->head.list.next, &kept->link, __ATOMIC_RELEASE);
}

static void unlink_entry(struct tn_keeper *keeper, struct tn_kept *kept)
{
    struct tn_kept *after = entry_at(keeper, kept->link.next);
    struct robust_list *before = kept->before != NULL ? &kept->before->link : &keeper->head.list;
    if (after != NULL)
        after->before = kept->before;
    __atomic_store_n(&before->next, kept->link.next, __ATOMIC_RELEASE);
}

int tn_keepers_hold(struct tn_keepers *keepers, struct tn_kept *kept, struct tn_shared_header *header)
{
    struct tn_keeper *keeper;
    int r = find_keeper(keepers, &keeper);
    if (r < 0)
        return r;
    *kept = (struct tn_kept){.keeper = keeper, .header = header};
    pthread_mutex_lock(&keeper->lock);
    link_entry(keeper, kept);
    keeper->count++;
    pthread_mutex_unlock(&keeper->lock);
    uint32_t tid = atomic_load_explicit(&keeper->tid, memory_order_relaxed);
    atomic_store_explicit(&header->keeper_word, tid, memory_order_release);
    return 0;
}

void tn_keepers_release(struct tn_kept *kept)
{
    struct tn_keeper *keeper = kept->keeper;
    if (keeper == NULL)
        return;
    atomic_store_explicit(&kept->header->keeper_word, 0, memory_order_release);
    wake_all(&kept->header->keeper_word);
    pthread_mutex_lock(&keeper->lock);
    unlink_entry(keeper, kept);
    keeper->count--;
    pthread_mutex_unlock(&keeper->lock);
    kept->keeper = NULL;
}

void tn_keepers_spare(struct tn_keepers *keepers)
{
    keepers->is_sparing = true;
    if (keepers->count != 0)
        end_thread(keepers->list[0]);
}

/* Twice as often as a thread does: the steps do not come at equal distances. Also where there is a thread,
 * which sleeps on for a moment when a recorder that was stopped goes on. */
static void beat_for_main(struct tn_keepers *keepers)
{
    uint64_t now = now_ns();
    if (now - keepers->beat_ns < TN_HEARTBEAT_NS / 2)
        return;
    keepers->beat_ns = now;
    beat(keepers->list[0]);
}

void tn_keepers_note_progress(struct tn_keepers *keepers)
{
    atomic_fetch_add_explicit(&keepers->progress, 1, memory_order_relaxed);
    if (keepers->count != 0)
        beat_for_main(keepers);
}

void tn_keepers_finish(struct tn_keepers *keepers)
{
    for (uint32_t i = 0; i < keepers->count; i++)
        destroy(keepers->list[i]);
    free(keepers->list);
    keepers->list = NULL;
    keepers->count = 0;
}
