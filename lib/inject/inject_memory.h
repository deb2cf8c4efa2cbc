/* SPDX-License-Identifier: MIT */
#ifndef TENURE_INJECT_MEMORY_H
#define TENURE_INJECT_MEMORY_H

/* Read by the compiler before the sources of lib/heap and lib/base, as they are built into this library: what
 * they ask for comes from the next allocator, past the program's own accounts. */

#include "inject_parts.h"

#include <stdlib.h>

#define malloc(size_bytes)         tn_inject_malloc(size_bytes)
#define calloc(count, size_bytes)  tn_inject_calloc(count, size_bytes)
#define realloc(block, size_bytes) tn_inject_realloc(block, size_bytes)
#define free(block)                tn_inject_free(block)

#endif
