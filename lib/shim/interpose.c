/* SPDX-License-Identifier: MIT */

/* malloc and its relatives, as the program calls them instead of its allocator's. Each keeps a frame pointer
 * (meson.build), so that TN_CALLER finds its caller without unwind tables. Invariant: a release is written
 * before the real call and a birth after it, so that an address is live in the log only while it is the
 * program's. */

#include "arena.h"
#include "emit.h"
#include "enter.h"
#include "paused.h"
#include "real.h"
#include "stack_region.h"
#include "sys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What malloc.h declares has attributes that these definitions need not repeat. */
TN_EXPORT size_t malloc_usable_size(void *address);
TN_EXPORT void *memalign(size_t alignment, size_t size);
TN_EXPORT void *valloc(size_t size);
TN_EXPORT void *pvalloc(size_t size);
TN_EXPORT void free_sized(void *address, size_t size);
TN_EXPORT void free_aligned_sized(void *address, size_t alignment, size_t size);

static void *out_of_memory(void)
{
    errno = ENOMEM;
    return NULL;
}

/* The same as record_birth, inline for malloc and calloc. */
TN_ALWAYS_INLINE void *record_birth_inline(enum tn_way way, struct tn_thread *thread,
                                           const struct tn_caller *caller, enum tn_function function,
                                           void *address, size_t size)
{
    if (TN_UNLIKELY(way != TN_WAY_RECORD))
        return tn_paused_birth(way, thread, address);
    struct tn_origin origin = tn_capture(thread, caller);
    if (TN_LIKELY(address != NULL))
        tn_emit_block(thread, tn_event_head(TN_EVENT_BIRTH, 0, function, 0, 0), address, size, 0, origin);
    else
        tn_emit_failure(thread, function, size, origin);
    tn_leave(thread);
    return address;
}

/* Write how an allocation ended, if it is to be recorded. */
static inline void *record_birth(enum tn_way way, struct tn_thread *thread, const struct tn_caller *caller,
                                 enum tn_function function, void *address, size_t size, size_t alignment)
{
    if (TN_UNLIKELY(way != TN_WAY_RECORD))
        return tn_paused_birth(way, thread, address);
    tn_emit_birth(thread, caller, function, address, size, alignment);
    tn_leave(thread);
    return address;
}

TN_EXPORT void *malloc(size_t size)
{
    const struct tn_caller caller = TN_CALLER();
    struct tn_thread *thread = &tn_thread;
    enum tn_way way = tn_enter_any(&thread, &caller);
    if (TN_UNLIKELY(way == TN_WAY_ARENA))
        return tn_arena_allocate(size, 0);
    return record_birth_inline(way, thread, &caller, TN_FUNCTION_MALLOC, tn_real.malloc(size), size);
}

TN_EXPORT void *calloc(size_t count, size_t size)
{
    const struct tn_caller caller = TN_CALLER();
    struct tn_thread *thread = &tn_thread;
    size_t total;
    enum tn_way way = tn_enter_any(&thread, &caller);
    if (TN_UNLIKELY(way == TN_WAY_ARENA))
        return tn_arena_allocate_zeroed(count, size);
    if (__builtin_mul_overflow(count, size, &total))
        total = SIZE_MAX;
    return record_birth_inline(way, thread, &caller, TN_FUNCTION_CALLOC, tn_real.calloc(count, size), total);
}

/* realloc of a block of the arena by the program: it becomes one of the program's. */
static void *move_from_arena(void *address, size_t size)
{
    size_t old_size = tn_arena_usable_size(address);
    void *moved = tn_thread.own_depth != 0 ? tn_arena_allocate(size, 0) : malloc(size);
    if (moved == NULL)
        return NULL;
    memcpy(moved, address, old_size < size ? old_size : size);
    tn_arena_free(address);
    return moved;
}

/* A block this large may be a mapping of its own, which its release takes away. */
#define MAPPED_BYTES_MIN ((size_t)64 << 10)

/* Whether a block lies among stacks and may be, or end, a mapping. */
static inline bool is_near_stacks(void *address)
{
    return TN_UNLIKELY(tn_regions_touch((uintptr_t)address, 1)) &&
           tn_usable_size(address, MAPPED_BYTES_MIN) >= MAPPED_BYTES_MIN;
}

static inline void *real_realloc(void *address, size_t size)
{
    bool is_near = is_near_stacks(address);
    void *result = tn_real.realloc(address, size);
    if (TN_UNLIKELY(is_near))
        tn_regions_change();
    return result;
}

static __attribute__((noinline)) void *reallocate_paused(struct tn_thread *thread,
                                                         const struct tn_caller *caller,
                                                         enum tn_function function, void *address,
                                                         size_t size)
{
    bool is_told = tn_paused_realloc_begin(thread, caller, function, address);
    void *result = real_realloc(address, size);
    bool is_released = result == NULL && size == 0;
    tn_paused_realloc_commit(thread, is_told, function, result, is_released);
    return result;
}

/* The body of realloc and reallocarray; size is their product. */
static inline void *reallocate(const struct tn_caller *caller, enum tn_function function, void *address,
                               size_t size)
{
    struct tn_thread *thread = &tn_thread;
    if (tn_arena_holds(address))
        return move_from_arena(address, size);
    enum tn_way way = tn_enter_any(&thread, caller);
    if (TN_UNLIKELY(way == TN_WAY_ARENA))
        return address == NULL ? tn_arena_allocate(size, 0) : tn_real.realloc(address, size);
    if (address == NULL)
        return record_birth(way, thread, caller, function, tn_real.realloc(NULL, size), size, 0);
    if (TN_UNLIKELY(way == TN_WAY_PAUSED))
        return reallocate_paused(thread, caller, function, address, size);
    if (TN_UNLIKELY(way != TN_WAY_RECORD))
        return real_realloc(address, size);
    struct tn_origin origin = tn_emit_realloc_begin(thread, caller, function, address);
    void *result = real_realloc(address, size);
    tn_emit_realloc_commit(thread, function, origin, result, size, result == NULL && size == 0);
    tn_leave(thread);
    return result;
}

TN_EXPORT void *realloc(void *address, size_t size)
{
    const struct tn_caller caller = TN_CALLER();
    return reallocate(&caller, TN_FUNCTION_REALLOC, address, size);
}

TN_EXPORT void *reallocarray(void *address, size_t count, size_t size)
{
    const struct tn_caller caller = TN_CALLER();
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        return out_of_memory();
    return reallocate(&caller, TN_FUNCTION_REALLOCARRAY, address, total);
}

/* Tell a release. Returns whether the real one is to be done. */
TN_ALWAYS_INLINE bool tell_release(const struct tn_caller *caller, enum tn_function function, void *address)
{
    struct tn_thread *thread = &tn_thread;
    if (tn_arena_holds(address)) {
        tn_arena_free(address);
        return false;
    }
    if (address == NULL)
        return true;
    enum tn_way way = tn_enter_any(&thread, caller);
    if (TN_UNLIKELY(way == TN_WAY_INNER && tn_operator_allocates(thread)))
        way = tn_enter_release(thread, caller);
    if (TN_LIKELY(way == TN_WAY_RECORD)) {
        tn_emit_release(thread, TN_EVENT_DEATH, function, address, tn_release_origin(thread, caller));
        tn_leave(thread);
        return true;
    }
    if (way == TN_WAY_PAUSED)
        tn_paused_death(thread, caller, function, address);
    return way != TN_WAY_ARENA || !tn_own_keep(thread, address);
}

static void tell_kept(struct tn_thread *thread, void *address)
{
    if (tn_pause_now() == TN_PAUSE_ALL)
        tn_ring_count(&thread->ring->unrecorded_frees);
    else
        tn_emit_release(thread, TN_EVENT_DEATH, TN_FUNCTION_FREE, address, (struct tn_origin){0, 0});
}

/* Foreign calls are made between events, so another event can be written here. */
void tn_own_release_kept(struct tn_thread *thread, struct tn_thread *writer)
{
    uint32_t generation = atomic_load_explicit(&tn_hot.generation, memory_order_relaxed);
    bool is_recorded = generation != 0 && writer->slot_generation == generation && !thread->is_strict;
    while (thread->own_kept_count != 0) {
        void *address = thread->own_kept[--thread->own_kept_count];
        if (is_recorded)
            tell_kept(writer, address);
        tn_real.free(address);
    }
}

TN_EXPORT void free(void *address)
{
    const struct tn_caller caller = TN_CALLER();
    if (!tell_release(&caller, TN_FUNCTION_FREE, address) || address == NULL)
        return;
    bool is_near = is_near_stacks(address);
    tn_real.free(address);
    if (TN_UNLIKELY(is_near))
        tn_regions_change();
}

TN_EXPORT void free_sized(void *address, size_t size)
{
    const struct tn_caller caller = TN_CALLER();
    if (!tell_release(&caller, TN_FUNCTION_FREE_SIZED, address) || address == NULL)
        return;
    if (tn_real.free_sized != NULL)
        tn_real.free_sized(address, size);
    else
        tn_real.free(address);
}

TN_EXPORT void free_aligned_sized(void *address, size_t alignment, size_t size)
{
    const struct tn_caller caller = TN_CALLER();
    if (!tell_release(&caller, TN_FUNCTION_FREE_ALIGNED_SIZED, address) || address == NULL)
        return;
    if (tn_real.free_aligned_sized != NULL)
        tn_real.free_aligned_sized(address, alignment, size);
    else
        tn_real.free(address);
}

TN_EXPORT int posix_memalign(void **ret_address, size_t alignment, size_t size)
{
    const struct tn_caller caller = TN_CALLER();
    struct tn_thread *thread = &tn_thread;
    enum tn_way way = tn_enter_any(&thread, &caller);
    if (TN_UNLIKELY(way == TN_WAY_ARENA)) {
        *ret_address = tn_arena_allocate(size, alignment);
        return *ret_address != NULL ? 0 : ENOMEM;
    }
    if (tn_real.posix_memalign == NULL) {
        record_birth(way, thread, &caller, TN_FUNCTION_POSIX_MEMALIGN, NULL, size, alignment);
        return ENOMEM;
    }
    int result = tn_real.posix_memalign(ret_address, alignment, size);
    record_birth(way, thread, &caller, TN_FUNCTION_POSIX_MEMALIGN, result == 0 ? *ret_address : NULL, size,
                 alignment);
    return result;
}

/* The body of aligned_alloc and memalign; real may be missing. */
static inline void *allocate_aligned(const struct tn_caller *caller, enum tn_function function,
                                     void *(*real)(size_t, size_t), size_t alignment, size_t size)
{
    struct tn_thread *thread = &tn_thread;
    enum tn_way way = tn_enter_any(&thread, caller);
    if (TN_UNLIKELY(way == TN_WAY_ARENA))
        return tn_arena_allocate(size, alignment);
    void *address = real != NULL ? real(alignment, size) : out_of_memory();
    return record_birth(way, thread, caller, function, address, size, alignment);
}

TN_EXPORT void *aligned_alloc(size_t alignment, size_t size)
{
    const struct tn_caller caller = TN_CALLER();
    return allocate_aligned(&caller, TN_FUNCTION_ALIGNED_ALLOC, tn_real.aligned_alloc, alignment, size);
}

TN_EXPORT void *memalign(size_t alignment, size_t size)
{
    const struct tn_caller caller = TN_CALLER();
    return allocate_aligned(&caller, TN_FUNCTION_MEMALIGN, tn_real.memalign, alignment, size);
}

/* The body of valloc and pvalloc. */
static inline void *allocate_pages(const struct tn_caller *caller, enum tn_function function,
                                   void *(*real)(size_t), size_t size)
{
    struct tn_thread *thread = &tn_thread;
    enum tn_way way = tn_enter_any(&thread, caller);
    if (TN_UNLIKELY(way == TN_WAY_ARENA))
        return tn_arena_allocate(size, tn_page_bytes);
    void *address = real != NULL ? real(size) : out_of_memory();
    return record_birth(way, thread, caller, function, address, size, tn_page_bytes);
}

TN_EXPORT void *valloc(size_t size)
{
    const struct tn_caller caller = TN_CALLER();
    return allocate_pages(&caller, TN_FUNCTION_VALLOC, tn_real.valloc, size);
}

TN_EXPORT void *pvalloc(size_t size)
{
    const struct tn_caller caller = TN_CALLER();
    return allocate_pages(&caller, TN_FUNCTION_PVALLOC, tn_real.pvalloc, size);
}

TN_EXPORT size_t malloc_usable_size(void *address)
{
    if (address == NULL)
        return 0;
    if (tn_arena_holds(address))
        return tn_arena_usable_size(address);
    return tn_real.malloc_usable_size != NULL ? tn_real.malloc_usable_size(address) : 0;
}
