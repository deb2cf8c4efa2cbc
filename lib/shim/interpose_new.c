/* SPDX-License-Identifier: MIT */

/* The C++ operators new and delete in all their forms, under their mangled names (Itanium C++ ABI 5.1.5; m is
 * size_t where that is unsigned long).
 *
 * Each calls the real operator, which mostly calls malloc or free, or another operator: that inner call is no
 * allocation of its own. It is recognised while this thread is in one of the shim's operators by its return
 * address, which lies in a real operator's code (or in the shim's, where the real one ends in a jump). What a
 * new_handler allocates meanwhile is called from elsewhere, and is recorded.
 *
 * bad_alloc passes through these frames without running any code of the shim's. So the operator stays on the
 * thread's list until the next call further out in the same stack, which writes the failure. */

#include "arena.h"
#include "emit.h"
#include "enter.h"
#include "paused.h"
#include "real.h"

#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

#pragma weak dladdr1 /* only glibc has it */

enum operator_kind {
    OPERATOR_NEW,
    OPERATOR_NEW_NOTHROW,
    OPERATOR_NEW_ALIGNED,
    OPERATOR_NEW_ALIGNED_NOTHROW,
    OPERATOR_NEW_ARRAY,
    OPERATOR_NEW_ARRAY_NOTHROW,
    OPERATOR_NEW_ARRAY_ALIGNED,
    OPERATOR_NEW_ARRAY_ALIGNED_NOTHROW,
    OPERATOR_DELETE,
    OPERATOR_DELETE_SIZED,
    OPERATOR_DELETE_NOTHROW,
    OPERATOR_DELETE_ALIGNED,
    OPERATOR_DELETE_SIZED_ALIGNED,
    OPERATOR_DELETE_ALIGNED_NOTHROW,
    OPERATOR_DELETE_ARRAY,
    OPERATOR_DELETE_ARRAY_SIZED,
    OPERATOR_DELETE_ARRAY_NOTHROW,
    OPERATOR_DELETE_ARRAY_ALIGNED,
    OPERATOR_DELETE_ARRAY_SIZED_ALIGNED,
    OPERATOR_DELETE_ARRAY_ALIGNED_NOTHROW,
    OPERATOR_COUNT
};

static const char *const names[OPERATOR_COUNT] = {
    [OPERATOR_NEW] = "_Znwm",
    [OPERATOR_NEW_NOTHROW] = "_ZnwmRKSt9nothrow_t",
    [OPERATOR_NEW_ALIGNED] = "_ZnwmSt11align_val_t",
    [OPERATOR_NEW_ALIGNED_NOTHROW] = "_ZnwmSt11align_val_tRKSt9nothrow_t",
    [OPERATOR_NEW_ARRAY] = "_Znam",
    [OPERATOR_NEW_ARRAY_NOTHROW] = "_ZnamRKSt9nothrow_t",
    [OPERATOR_NEW_ARRAY_ALIGNED] = "_ZnamSt11align_val_t",
    [OPERATOR_NEW_ARRAY_ALIGNED_NOTHROW] = "_ZnamSt11align_val_tRKSt9nothrow_t",
    [OPERATOR_DELETE] = "_ZdlPv",
    [OPERATOR_DELETE_SIZED] = "_ZdlPvm",
    [OPERATOR_DELETE_NOTHROW] = "_ZdlPvRKSt9nothrow_t",
    [OPERATOR_DELETE_ALIGNED] = "_ZdlPvSt11align_val_t",
    [OPERATOR_DELETE_SIZED_ALIGNED] = "_ZdlPvmSt11align_val_t",
    [OPERATOR_DELETE_ALIGNED_NOTHROW] = "_ZdlPvSt11align_val_tRKSt9nothrow_t",
    [OPERATOR_DELETE_ARRAY] = "_ZdaPv",
    [OPERATOR_DELETE_ARRAY_SIZED] = "_ZdaPvm",
    [OPERATOR_DELETE_ARRAY_NOTHROW] = "_ZdaPvRKSt9nothrow_t",
    [OPERATOR_DELETE_ARRAY_ALIGNED] = "_ZdaPvSt11align_val_t",
    [OPERATOR_DELETE_ARRAY_SIZED_ALIGNED] = "_ZdaPvmSt11align_val_t",
    [OPERATOR_DELETE_ARRAY_ALIGNED_NOTHROW] = "_ZdaPvSt11align_val_tRKSt9nothrow_t",
};

struct real_operator {
    /* Called with up to three integer arguments: a callee that takes fewer never looks at the rest. */
    void *(*call)(uintptr_t, uintptr_t, uintptr_t);
    uintptr_t low, high;   /* of its code */
    _Atomic bool is_known; /* written last */
};

static struct real_operator operators[OPERATOR_COUNT];
static uintptr_t operators_low = UINTPTR_MAX; /* all of them lie within */
static uintptr_t operators_high;

/* The operator in a library that was loaded later, outside the program's own scope. */
static void *find_outside(const char *name)
{
    static const char *const libraries[] = {"libstdc++.so.6", "libc++abi.so.1", "libc++.so.1"};
    for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++) {
        void *library = dlopen(libraries[i], RTLD_LAZY | RTLD_NOLOAD);
        void *symbol = library != NULL ? dlsym(library, name) : NULL;
        if (symbol != NULL)
            return symbol;
    }
    return NULL;
}

static void register_operator(enum operator_kind kind, void *symbol)
{
    struct real_operator *real = &operators[kind];
    Dl_info info;
    const ElfW(Sym) *entry = NULL;
    real->low = (uintptr_t)symbol;
    real->high = (uintptr_t)symbol;
    if (dladdr1 != NULL && dladdr1(symbol, &info, (void **)&entry, RTLD_DL_SYMENT) != 0 && entry != NULL)
        real->high += entry->st_size;
    operators_low = real->low < operators_low ? real->low : operators_low;
    operators_high = real->high > operators_high ? real->high : operators_high;
    memcpy(&real->call, &symbol, sizeof(symbol));
    atomic_store_explicit(&real->is_known, true, memory_order_release);
}

void tn_operators_find(void)
{
    for (unsigned kind = 0; kind < OPERATOR_COUNT; kind++) {
        void *symbol = tn_real_symbol(names[kind]);
        if (symbol != NULL)
            register_operator(kind, symbol);
    }
}

/* The real operator, looked for again if there was none at the start; NULL if there is none. */
static const struct real_operator *real_operator(struct tn_thread *thread, enum operator_kind kind)
{
    if (TN_LIKELY(atomic_load_explicit(&operators[kind].is_known, memory_order_acquire)))
        return &operators[kind];
    tn_own_begin(thread);
    void *symbol = find_outside(names[kind]);
    if (symbol != NULL)
        register_operator(kind, symbol);
    tn_own_end(thread);
    return symbol != NULL ? &operators[kind] : NULL;
}

/* Return addresses that were found to lie in an operator; operators contain few calls. */
static _Atomic uintptr_t known_inner[8];

static bool is_in_operator(uintptr_t pc)
{
    for (unsigned kind = 0; kind < OPERATOR_COUNT; kind++)
        if (pc - operators[kind].low <= operators[kind].high - operators[kind].low &&
            operators[kind].high != 0)
            return true;
    return false;
}

bool tn_operator_holds(uintptr_t pc)
{
    if (tn_is_own_code(pc))
        return true;
    if (pc - operators_low > operators_high - operators_low)
        return false;
    _Atomic uintptr_t *known = &known_inner[pc % 8];
    if (atomic_load_explicit(known, memory_order_relaxed) == pc)
        return true;
    bool is_inner = is_in_operator(pc);
    if (is_inner)
        atomic_store_explicit(known, pc, memory_order_relaxed);
    return is_inner;
}

/* For an operator that no library has. It cannot throw; a program without a C++ library could not catch it.
 */
static void *stand_in(size_t size, size_t alignment)
{
    return alignment <= 16 ? tn_real.malloc(size) : tn_real.aligned_alloc(alignment, size);
}

/* Put an operator on the thread's list, and tn_leave: what a new_handler allocates is recorded, too.
 *
 * Returns  how many operators were on the list */
static inline uint32_t begin_operator(struct tn_thread *thread, const struct tn_caller *caller,
                                      enum tn_function function, size_t size, struct tn_origin origin)
{
    uint32_t depth = thread->operator_depth;
    if (TN_LIKELY(depth < TN_OPERATOR_DEPTH_MAX)) {
        thread->operators[depth] = (struct tn_operator_call){caller->cfa, size, origin, (uint8_t)function};
        thread->operator_depth = depth + 1;
    }
    tn_leave(thread);
    return depth;
}

/* The real operator has returned: take it off the list. Operators above it were left by exceptions that were
 * caught inside it. Returns as tn_enter for the operator's end. */
static inline enum tn_way end_operator(struct tn_thread *thread, const struct tn_caller *caller,
                                       uint32_t depth)
{
    uint32_t above = thread->operator_depth;
    thread->operator_depth = depth;
    enum tn_way way = tn_enter(thread, caller);
    if (TN_UNLIKELY(way == TN_WAY_RECORD && above > depth + 1))
        tn_thread_fail_operators(thread, thread->operators + depth + 1, above - depth - 1);
    return way;
}

/* While recording is paused the operator is on the list as one that releases: if an exception leaves it, that
 * is no failure to be written. What a new_handler allocates meanwhile counts like any other. */
static __attribute__((noinline)) void *allocate_paused(struct tn_thread *thread,
                                                       const struct tn_caller *caller,
                                                       const struct real_operator *real, size_t size,
                                                       size_t alignment, uintptr_t second, uintptr_t third)
{
    uint32_t depth = begin_operator(thread, caller, TN_FUNCTION_DELETE, 0, (struct tn_origin){0, 0});
    void *address = real != NULL ? real->call(size, second, third) : stand_in(size, alignment);
    thread->operator_depth = depth;
    return tn_paused_birth(TN_WAY_PAUSED, thread, address);
}

/* The body of every new. */
static inline void *allocate(const struct tn_caller *caller, enum operator_kind kind, size_t size,
                             size_t alignment, uintptr_t second, uintptr_t third)
{
    struct tn_thread *thread = &tn_thread;
    enum tn_function function = kind < OPERATOR_NEW_ARRAY ? TN_FUNCTION_NEW : TN_FUNCTION_NEW_ARRAY;
    enum tn_way way = tn_enter_any(&thread, caller);
    struct tn_origin origin = {0, 0};
    uint32_t depth = 0;
    if (way == TN_WAY_ARENA)
        return tn_arena_allocate(size, alignment);
    const struct real_operator *real = real_operator(thread, kind);
    if (TN_UNLIKELY(way == TN_WAY_PAUSED))
        return allocate_paused(thread, caller, real, size, alignment, second, third);
    if (way == TN_WAY_RECORD) {
        origin = tn_capture(thread, caller);
        depth = begin_operator(thread, caller, function, size, origin);
    }
    void *address = real != NULL ? real->call(size, second, third) : stand_in(size, alignment);
    if (way != TN_WAY_RECORD)
        return address;
    way = end_operator(thread, caller, depth);
    if (TN_UNLIKELY(way != TN_WAY_RECORD))
        return tn_paused_birth(way, thread, address);
    tn_emit_birth_at(thread, function, address, size, alignment, origin);
    tn_leave(thread);
    return address;
}

/* The body of every delete. */
static inline void release(const struct tn_caller *caller, enum operator_kind kind, void *address,
                           uintptr_t second, uintptr_t third)
{
    struct tn_thread *thread = &tn_thread;
    enum tn_function function = kind < OPERATOR_DELETE_ARRAY ? TN_FUNCTION_DELETE : TN_FUNCTION_DELETE_ARRAY;
    uint32_t depth = 0;
    if (tn_arena_holds(address)) {
        tn_arena_free(address);
        return;
    }
    enum tn_way way = tn_enter_any(&thread, caller);
    const struct real_operator *real = real_operator(thread, kind);
    bool is_begun = way == TN_WAY_RECORD || way == TN_WAY_PAUSED;
    if (is_begun) {
        if (address != NULL && way == TN_WAY_RECORD)
            tn_emit_death(thread, caller, function, address);
        else if (address != NULL)
            tn_paused_death(thread, caller, function, address);
        depth = begin_operator(thread, caller, function, 0, (struct tn_origin){0, 0});
    }
    if (real != NULL)
        real->call((uintptr_t)address, second, third);
    else
        tn_real.free(address);
    if (is_begun)
        thread->operator_depth = depth;
}

TN_EXPORT void *_Znwm(size_t size);
TN_EXPORT void *_Znam(size_t size);
TN_EXPORT void *_ZnwmRKSt9nothrow_t(size_t size, const void *nothrow);
TN_EXPORT void *_ZnamRKSt9nothrow_t(size_t size, const void *nothrow);
TN_EXPORT void *_ZnwmSt11align_val_t(size_t size, size_t alignment);
TN_EXPORT void *_ZnamSt11align_val_t(size_t size, size_t alignment);
TN_EXPORT void *_ZnwmSt11align_val_tRKSt9nothrow_t(size_t size, size_t alignment, const void *nothrow);
TN_EXPORT void *_ZnamSt11align_val_tRKSt9nothrow_t(size_t size, size_t alignment, const void *nothrow);
TN_EXPORT void _ZdlPv(void *address);
TN_EXPORT void _ZdaPv(void *address);
TN_EXPORT void _ZdlPvm(void *address, size_t size);
TN_EXPORT void _ZdaPvm(void *address, size_t size);
TN_EXPORT void _ZdlPvRKSt9nothrow_t(void *address, const void *nothrow);
TN_EXPORT void _ZdaPvRKSt9nothrow_t(void *address, const void *nothrow);
TN_EXPORT void _ZdlPvSt11align_val_t(void *address, size_t alignment);
TN_EXPORT void _ZdaPvSt11align_val_t(void *address, size_t alignment);
TN_EXPORT void _ZdlPvmSt11align_val_t(void *address, size_t size, size_t alignment);
TN_EXPORT void _ZdaPvmSt11align_val_t(void *address, size_t size, size_t alignment);
TN_EXPORT void _ZdlPvSt11align_val_tRKSt9nothrow_t(void *address, size_t alignment, const void *nothrow);
TN_EXPORT void _ZdaPvSt11align_val_tRKSt9nothrow_t(void *address, size_t alignment, const void *nothrow);

void *_Znwm(size_t size)
{
    const struct tn_caller caller = TN_CALLER();
    return allocate(&caller, OPERATOR_NEW, size, 0, 0, 0);
}

void *_Znam(size_t size)
{
    const struct tn_caller caller = TN_CALLER();
    return allocate(&caller, OPERATOR_NEW_ARRAY, size, 0, 0, 0);
}

void *_ZnwmRKSt9nothrow_t(size_t size, const void *nothrow)
{
    const struct tn_caller caller = TN_CALLER();
    return allocate(&caller, OPERATOR_NEW_NOTHROW, size, 0, (uintptr_t)nothrow, 0);
}

void *_ZnamRKSt9nothrow_t(size_t size, const void *nothrow)
{
    const struct tn_caller caller = TN_CALLER();
    return allocate(&caller, OPERATOR_NEW_ARRAY_NOTHROW, size, 0, (uintptr_t)nothrow, 0);
}

void *_ZnwmSt11align_val_t(size_t size, size_t alignment)
{
    const struct tn_caller caller = TN_CALLER();
    return allocate(&caller, OPERATOR_NEW_ALIGNED, size, alignment, alignment, 0);
}

void *_ZnamSt11align_val_t(size_t size, size_t alignment)
{
    const struct tn_caller caller = TN_CALLER();
    return allocate(&caller, OPERATOR_NEW_ARRAY_ALIGNED, size, alignment, alignment, 0);
}

void *_ZnwmSt11align_val_tRKSt9nothrow_t(size_t size, size_t alignment, const void *nothrow)
{
    const struct tn_caller caller = TN_CALLER();
    return allocate(&caller, OPERATOR_NEW_ALIGNED_NOTHROW, size, alignment, alignment, (uintptr_t)nothrow);
}

void *_ZnamSt11align_val_tRKSt9nothrow_t(size_t size, size_t alignment, const void *nothrow)
{
    const struct tn_caller caller = TN_CALLER();
    return allocate(&caller, OPERATOR_NEW_ARRAY_ALIGNED_NOTHROW, size, alignment, alignment,
                    (uintptr_t)nothrow);
}

void _ZdlPv(void *address)
{
    const struct tn_caller caller = TN_CALLER();
    release(&caller, OPERATOR_DELETE, address, 0, 0);
}

void _ZdaPv(void *address)
{
    const struct tn_caller caller = TN_CALLER();
    release(&caller, OPERATOR_DELETE_ARRAY, address, 0, 0);
}

void _ZdlPvm(void *address, size_t size)
{
    const struct tn_caller caller = TN_CALLER();
    release(&caller, OPERATOR_DELETE_SIZED, address, size, 0);
}

void _ZdaPvm(void *address, size_t size)
{
    const struct tn_caller caller = TN_CALLER();
    release(&caller, OPERATOR_DELETE_ARRAY_SIZED, address, size, 0);
}

void _ZdlPvRKSt9nothrow_t(void *address, const void *nothrow)
{
    const struct tn_caller caller = TN_CALLER();
    release(&caller, OPERATOR_DELETE_NOTHROW, address, (uintptr_t)nothrow, 0);
}

void _ZdaPvRKSt9nothrow_t(void *address, const void *nothrow)
{
    const struct tn_caller caller = TN_CALLER();
    release(&caller, OPERATOR_DELETE_ARRAY_NOTHROW, address, (uintptr_t)nothrow, 0);
}

void _ZdlPvSt11align_val_t(void *address, size_t alignment)
{
    const struct tn_caller caller = TN_CALLER();
    release(&caller, OPERATOR_DELETE_ALIGNED, address, alignment, 0);
}

void _ZdaPvSt11align_val_t(void *address, size_t alignment)
{
    const struct tn_caller caller = TN_CALLER();
    release(&caller, OPERATOR_DELETE_ARRAY_ALIGNED, address, alignment, 0);
}

void _ZdlPvmSt11align_val_t(void *address, size_t size, size_t alignment)
{
    const struct tn_caller caller = TN_CALLER();
    release(&caller, OPERATOR_DELETE_SIZED_ALIGNED, address, size, alignment);
}

void _ZdaPvmSt11align_val_t(void *address, size_t size, size_t alignment)
{
    const struct tn_caller caller = TN_CALLER();
    release(&caller, OPERATOR_DELETE_ARRAY_SIZED_ALIGNED, address, size, alignment);
}

void _ZdlPvSt11align_val_tRKSt9nothrow_t(void *address, size_t alignment, const void *nothrow)
{
    const struct tn_caller caller = TN_CALLER();
    release(&caller, OPERATOR_DELETE_ALIGNED_NOTHROW, address, alignment, (uintptr_t)nothrow);
}

void _ZdaPvSt11align_val_tRKSt9nothrow_t(void *address, size_t alignment, const void *nothrow)
{
    const struct tn_caller caller = TN_CALLER();
    release(&caller, OPERATOR_DELETE_ARRAY_ALIGNED_NOTHROW, address, alignment, (uintptr_t)nothrow);
}
