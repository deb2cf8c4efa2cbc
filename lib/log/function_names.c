/* SPDX-License-Identifier: MIT */

/* The names of allocation functions, as SQL and reports show them. The writer fills the table `function` from
 * here, the virtual table shows them, and analyses print them. */

#include "tenure/log.h"

static const char *const names[TN_FUNCTION_COUNT] = {
    [TN_FUNCTION_NONE] = "",
    [TN_FUNCTION_MALLOC] = "malloc",
    [TN_FUNCTION_CALLOC] = "calloc",
    [TN_FUNCTION_REALLOC] = "realloc",
    [TN_FUNCTION_REALLOCARRAY] = "reallocarray",
    [TN_FUNCTION_POSIX_MEMALIGN] = "posix_memalign",
    [TN_FUNCTION_ALIGNED_ALLOC] = "aligned_alloc",
    [TN_FUNCTION_MEMALIGN] = "memalign",
    [TN_FUNCTION_VALLOC] = "valloc",
    [TN_FUNCTION_PVALLOC] = "pvalloc",
    [TN_FUNCTION_NEW] = "operator new",
    [TN_FUNCTION_NEW_ARRAY] = "operator new[]",
    [TN_FUNCTION_FREE] = "free",
    [TN_FUNCTION_FREE_SIZED] = "free_sized",
    [TN_FUNCTION_FREE_ALIGNED_SIZED] = "free_aligned_sized",
    [TN_FUNCTION_DELETE] = "operator delete",
    [TN_FUNCTION_DELETE_ARRAY] = "operator delete[]",
};

const char *tn_function_name(enum tn_function function)
{
    return (uint32_t)function < TN_FUNCTION_COUNT ? names[function] : "";
}
