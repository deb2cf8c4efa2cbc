/* SPDX-License-Identifier: MIT */

/* What a program says of pools of its own (tenure/mark.h): events of their own kinds in the thread's ring, so
 * that nothing about the heap's events changes. Invariant: the release of a block is told also during a
 * pause, as long as some block may be in the log. */

#include "emit.h"
#include "enter.h"
#include "sys.h"

#include "tenure/event_pool.h"
#include "tenure/mark.h"

#include "banned.h"

/* Find room for an event. A birth may be left out, for a pause that has just begun; it is none of the heap's,
 * and is not counted among these. */
static uint64_t *begin(struct tn_thread *thread, uint32_t need_words, bool is_birth)
{
    uint64_t *event = tn_emit_begin(thread, need_words, is_birth);
    if (event != NULL)
        return event;
    if (thread->is_left_out)
        thread->is_left_out = false;
    else
        tn_emit_give_up(thread);
    return NULL;
}

/* Begin a call about a block that is in the log, if any is. */
static bool enter(struct tn_thread **thread, const struct tn_caller *caller, bool *ret_is_paused)
{
    enum tn_way way = tn_enter_any(thread, caller);
    *ret_is_paused = way == TN_WAY_PAUSED;
    if (way == TN_WAY_PAUSED && tn_pause_now() == TN_PAUSE_ALL)
        return false;
    if (way == TN_WAY_PAUSED)
        tn_enter_paused(*thread, caller);
    return way == TN_WAY_RECORD || way == TN_WAY_PAUSED;
}

static void release(const struct tn_caller *caller, enum tn_event_kind kind, const void *pool,
                    const void *block)
{
    struct tn_thread *thread = &tn_thread;
    bool is_paused;
    if (!enter(&thread, caller, &is_paused))
        return;
    uint32_t stack_id = is_paused ? 0 : tn_release_origin(thread, caller).stack_id;
    uint64_t *event = begin(thread, TN_EVENT_POOL_DEATH_WORDS, false);
    if (event != NULL) {
        tn_event_put_pool_death(event, kind, stack_id, (uintptr_t)pool, (uintptr_t)block);
        tn_emit_end(thread, TN_EVENT_POOL_DEATH_WORDS);
    }
    tn_leave(thread);
}

TN_EXPORT void tenure_pool_alloc(const void *pool, const void *block, size_t size_bytes)
{
    const struct tn_caller caller = TN_CALLER();
    struct tn_thread *thread = &tn_thread;
    if (pool == NULL || block == NULL || tn_enter_any(&thread, &caller) != TN_WAY_RECORD)
        return;
    uint32_t stack_id = tn_capture(thread, &caller).stack_id;
    uint64_t *event = begin(thread, TN_EVENT_POOL_BIRTH_WORDS, true);
    if (event != NULL) {
        tn_event_put_pool_birth(event, stack_id, (uintptr_t)pool, (uintptr_t)block, size_bytes);
        tn_emit_end(thread, TN_EVENT_POOL_BIRTH_WORDS);
    }
    tn_leave(thread);
}

TN_EXPORT void tenure_pool_free(const void *pool, const void *block)
{
    const struct tn_caller caller = TN_CALLER();
    if (pool != NULL && block != NULL)
        release(&caller, TN_EVENT_POOL_DEATH, pool, block);
}

TN_EXPORT void tenure_pool_reset(const void *pool)
{
    const struct tn_caller caller = TN_CALLER();
    if (pool != NULL)
        release(&caller, TN_EVENT_POOL_RESET, pool, NULL);
}

/* Bytes of a name that are kept. */
static uint32_t length_of(const char *name)
{
    uint32_t bytes = 0;
    while (bytes < TN_POOL_NAME_BYTES_MAX && name[bytes] != '\0')
        bytes++;
    return bytes;
}

TN_EXPORT void tenure_pool_name(const void *pool, const char *name)
{
    const struct tn_caller caller = TN_CALLER();
    struct tn_thread *thread = &tn_thread;
    if (pool == NULL || name == NULL || !tn_enter_other(&thread, &caller))
        return;
    uint32_t bytes = length_of(name);
    uint32_t words = TN_EVENT_POOL_NAME_WORDS + tn_event_text_words(bytes);
    uint64_t *event = begin(thread, words, false);
    if (event != NULL) {
        tn_event_put_pool_name(event, (uintptr_t)pool, name, bytes);
        tn_emit_end(thread, words);
    }
    tn_leave(thread);
}
