/* SPDX-License-Identifier: MIT */
#ifndef TRUTH_H
#define TRUTH_H

/* What a test program knows about its own allocations, so that a log can be held against it.
 *
 * The macros below call an allocation function and note, beside it, what was asked for and from which line.
 * A block's whole story (function, size, lines and threads of birth and death, the block that it was grown
 * from) is counted when it dies, and printed as one line per distinct story when the program ends. The
 * noting never allocates: static tables, write(2), no stdio. */

#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#ifdef __cplusplus
extern "C" {
#endif

enum truth_function {
    TRUTH_NONE,
    TRUTH_MALLOC,
    TRUTH_CALLOC,
    TRUTH_REALLOC,
    TRUTH_REALLOCARRAY,
    TRUTH_POSIX_MEMALIGN,
    TRUTH_ALIGNED_ALLOC,
    TRUTH_MEMALIGN,
    TRUTH_VALLOC,
    TRUTH_PVALLOC,
    TRUTH_NEW,
    TRUTH_NEW_ARRAY,
    TRUTH_FREE,
    TRUTH_FREE_SIZED,
    TRUTH_FREE_ALIGNED_SIZED,
    TRUTH_DELETE,
    TRUTH_DELETE_ARRAY,
};

/* A block and its story so far. address is NULL when the allocation failed. */
struct block {
    void *address;
    size_t size_bytes;
    size_t usable_size_bytes;
    size_t alignment_bytes;
    size_t previous_size_bytes;
    uint64_t birth_allocations;
    uint64_t birth_bytes;
    int previous_line;
    int line;
    int tid;
    int module;
    int function;
    int is_inherited;
};

/* Note a birth; a NULL address is noted as a failure. */
struct block truth_birth(int function, void *address, size_t size_bytes, size_t alignment_bytes, int line,
                         const char *module);

/* Note that a block is about to die. */
void truth_death(struct block *block, int function, int line, const char *module);

/* Note what realloc made of a block, and bring its story up to date. */
void truth_realloc(struct block *block, int function, void *address, size_t size_bytes, int line,
                   const char *module);

/* Note that a block is left alive for good. */
void truth_keep(struct block *block);

/* In a forked child, first of all: its story begins anew. */
void truth_fork_child(void);

/* Say that only one thread allocates, and nobody but the macros: lifetimes are then known too. */
void truth_single_thread(void);

/* Print a line of the program's own ("name<TAB>number"). */
void truth_number(const char *name, uint64_t number);

/* Print everything now, and nothing at exit. */
void truth_print(void);

/* Leave out the rest: this process has no truth to tell. */
void truth_silent(void);

#define TRUTH_HERE __LINE__, TRUTH_MODULE

#define MALLOC(n)      truth_birth(TRUTH_MALLOC, malloc(n), n, 0, TRUTH_HERE)
#define CALLOC(c, n)   truth_birth(TRUTH_CALLOC, calloc(c, n), (c) * (n), 0, TRUTH_HERE)
#define ALIGNED(a, n)  truth_birth(TRUTH_ALIGNED_ALLOC, aligned_alloc(a, n), n, a, TRUTH_HERE)
#define MEMALIGN(a, n) truth_birth(TRUTH_MEMALIGN, memalign(a, n), n, a, TRUTH_HERE)
#define REALLOC_NEW(n) truth_birth(TRUTH_REALLOC, realloc(NULL, n), n, 0, TRUTH_HERE)
#define REALLOC(b, n)  truth_realloc(&(b), TRUTH_REALLOC, realloc((b).address, n), n, TRUTH_HERE)
#define REALLOCARRAY(b, c, n)                                                                                \
    truth_realloc(&(b), TRUTH_REALLOCARRAY, reallocarray((b).address, c, n), (c) * (n), TRUTH_HERE)
#define FREE(b)      (truth_death(&(b), TRUTH_FREE, TRUTH_HERE), free((b).address))
#define INHERITED(b) ((b).is_inherited = 1)

#ifdef __cplusplus
}
#endif

#endif
