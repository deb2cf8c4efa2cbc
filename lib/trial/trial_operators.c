/* SPDX-License-Identifier: MIT */
/* The C++ operators new and delete, under their mangled names (Itanium C++ ABI 5.1.5; m is size_t where that
 * is unsigned long). What is not served goes on to the next definition by a jump, so that the shim behind
 * sees the program, and bad_alloc passes no frame of ours. What that one asks malloc for is not counted
 * again: tn_preload_is_passed knows it. */
#include "trial_parts.h"

#include <dlfcn.h>
#include <string.h>

#define ENTRY         __attribute__((visibility("default"), noinline))
#define CALLER()      ((uintptr_t)__builtin_return_address(0))
#define OPERATORS_MAX 20

/* An operator, called with up to three integer arguments: a callee that takes fewer never looks at the rest.
 */
struct next_operator {
    void *(*call)(uintptr_t, uintptr_t, uintptr_t);
};

enum operator_number {
    NEW,
    NEW_ARRAY,
    NEW_NOTHROW,
    NEW_ARRAY_NOTHROW,
    NEW_ALIGNED,
    NEW_ARRAY_ALIGNED,
    NEW_ALIGNED_NOTHROW,
    NEW_ARRAY_ALIGNED_NOTHROW,
    DELETE,
    DELETE_ARRAY,
    DELETE_SIZED,
    DELETE_ARRAY_SIZED,
    DELETE_NOTHROW,
    DELETE_ARRAY_NOTHROW,
    DELETE_ALIGNED,
    DELETE_ARRAY_ALIGNED,
    DELETE_SIZED_ALIGNED,
    DELETE_ARRAY_SIZED_ALIGNED,
    DELETE_ALIGNED_NOTHROW,
    DELETE_ARRAY_ALIGNED_NOTHROW,
};

static const char *const names[OPERATORS_MAX] = {
    [NEW] = "_Znwm",
    [NEW_ARRAY] = "_Znam",
    [NEW_NOTHROW] = "_ZnwmRKSt9nothrow_t",
    [NEW_ARRAY_NOTHROW] = "_ZnamRKSt9nothrow_t",
    [NEW_ALIGNED] = "_ZnwmSt11align_val_t",
    [NEW_ARRAY_ALIGNED] = "_ZnamSt11align_val_t",
    [NEW_ALIGNED_NOTHROW] = "_ZnwmSt11align_val_tRKSt9nothrow_t",
    [NEW_ARRAY_ALIGNED_NOTHROW] = "_ZnamSt11align_val_tRKSt9nothrow_t",
    [DELETE] = "_ZdlPv",
    [DELETE_ARRAY] = "_ZdaPv",
    [DELETE_SIZED] = "_ZdlPvm",
    [DELETE_ARRAY_SIZED] = "_ZdaPvm",
    [DELETE_NOTHROW] = "_ZdlPvRKSt9nothrow_t",
    [DELETE_ARRAY_NOTHROW] = "_ZdaPvRKSt9nothrow_t",
    [DELETE_ALIGNED] = "_ZdlPvSt11align_val_t",
    [DELETE_ARRAY_ALIGNED] = "_ZdaPvSt11align_val_t",
    [DELETE_SIZED_ALIGNED] = "_ZdlPvmSt11align_val_t",
    [DELETE_ARRAY_SIZED_ALIGNED] = "_ZdaPvmSt11align_val_t",
    [DELETE_ALIGNED_NOTHROW] = "_ZdlPvSt11align_val_tRKSt9nothrow_t",
    [DELETE_ARRAY_ALIGNED_NOTHROW] = "_ZdaPvSt11align_val_tRKSt9nothrow_t",
};

static struct next_operator operators[OPERATORS_MAX]; /* written once each */

/* The next definition: behind this library, or in one that was loaded later, outside the program's own scope.
 * There is one, since the program calls it. */
static struct next_operator next_operator(enum operator_number number)
{
    static const char *const libraries[] = {"libstdc++.so.6", "libc++abi.so.1", "libc++.so.1"};
    struct next_operator next = {__atomic_load_n(&operators[number].call, __ATOMIC_RELAXED)};
    if (next.call != NULL)
        return next;
    void *symbol = dlsym(RTLD_NEXT, names[number]);
    for (size_t i = 0; symbol == NULL && i < sizeof(libraries) / sizeof(libraries[0]); i++) {
        void *library = dlopen(libraries[i], RTLD_LAZY | RTLD_NOLOAD);
        symbol = library != NULL ? dlsym(library, names[number]) : NULL;
    }
    memcpy(&next.call, &symbol, sizeof(symbol));
    __atomic_store_n(&operators[number].call, next.call, __ATOMIC_RELAXED);
    return next;
}

static void *serve(uintptr_t caller, size_t size_bytes, size_t alignment_bytes)
{
    return tn_preload_is_ready() ? tn_trial_serve(caller, size_bytes, alignment_bytes) : NULL;
}

static bool is_released(uintptr_t caller, void *block)
{
    return block == NULL || tn_preload_is_early(block) ||
           (tn_preload_is_ready() && tn_trial_release(caller, block));
}

/* `first` is the size of a new and the block of a delete, `second` and `third` are what follows. */
#define OPERATOR_NEW(function, symbol, number, alignment)                                                    \
    ENTRY void *function(size_t first, uintptr_t second, uintptr_t third) __asm__(symbol);                   \
    void *function(size_t first, uintptr_t second, uintptr_t third)                                          \
    {                                                                                                        \
        void *block = serve(CALLER(), first, alignment);                                                     \
        return block != NULL ? block : next_operator(number).call(first, second, third);                     \
    }

#define OPERATOR_DELETE(function, symbol, number)                                                            \
    ENTRY void function(void *first, uintptr_t second, uintptr_t third) __asm__(symbol);                     \
    void function(void *first, uintptr_t second, uintptr_t third)                                            \
    {                                                                                                        \
        if (!is_released(CALLER(), first))                                                                   \
            next_operator(number).call((uintptr_t)first, second, third);                                     \
    }

OPERATOR_NEW(new_, "_Znwm", NEW, 0)
OPERATOR_NEW(new_array, "_Znam", NEW_ARRAY, 0)
OPERATOR_NEW(new_nothrow, "_ZnwmRKSt9nothrow_t", NEW_NOTHROW, 0)
OPERATOR_NEW(new_array_nothrow, "_ZnamRKSt9nothrow_t", NEW_ARRAY_NOTHROW, 0)
OPERATOR_NEW(new_aligned, "_ZnwmSt11align_val_t", NEW_ALIGNED, second)
OPERATOR_NEW(new_array_aligned, "_ZnamSt11align_val_t", NEW_ARRAY_ALIGNED, second)
OPERATOR_NEW(new_aligned_nothrow, "_ZnwmSt11align_val_tRKSt9nothrow_t", NEW_ALIGNED_NOTHROW, second)
OPERATOR_NEW(new_array_aligned_nothrow, "_ZnamSt11align_val_tRKSt9nothrow_t", NEW_ARRAY_ALIGNED_NOTHROW,
             second)
OPERATOR_DELETE(delete_, "_ZdlPv", DELETE)
OPERATOR_DELETE(delete_array, "_ZdaPv", DELETE_ARRAY)
OPERATOR_DELETE(delete_sized, "_ZdlPvm", DELETE_SIZED)
OPERATOR_DELETE(delete_array_sized, "_ZdaPvm", DELETE_ARRAY_SIZED)
OPERATOR_DELETE(delete_nothrow, "_ZdlPvRKSt9nothrow_t", DELETE_NOTHROW)
OPERATOR_DELETE(delete_array_nothrow, "_ZdaPvRKSt9nothrow_t", DELETE_ARRAY_NOTHROW)
OPERATOR_DELETE(delete_aligned, "_ZdlPvSt11align_val_t", DELETE_ALIGNED)
OPERATOR_DELETE(delete_array_aligned, "_ZdaPvSt11align_val_t", DELETE_ARRAY_ALIGNED)
OPERATOR_DELETE(delete_sized_aligned, "_ZdlPvmSt11align_val_t", DELETE_SIZED_ALIGNED)
OPERATOR_DELETE(delete_array_sized_aligned, "_ZdaPvmSt11align_val_t", DELETE_ARRAY_SIZED_ALIGNED)
OPERATOR_DELETE(delete_aligned_nothrow, "_ZdlPvSt11align_val_tRKSt9nothrow_t", DELETE_ALIGNED_NOTHROW)
OPERATOR_DELETE(delete_array_aligned_nothrow, "_ZdaPvSt11align_val_tRKSt9nothrow_t",
                DELETE_ARRAY_ALIGNED_NOTHROW)
