/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_HEAP_SPANS_H
#define TENURE_SHIM_HEAP_SPANS_H

/* Where the program's heap lies: spans of memory in which blocks were born. They grow and never shrink, so
 * what lies in them may be unmapped. Kept while links are wanted (link_looks.h). */

#include "shim_thread.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Note where a block is that lies outside the thread's span. Between tn_enter and tn_leave. Does nothing
 * while another thread notes one: the thread's next block there is noted instead. */
void tn_heap_spans_note(struct tn_thread *thread, uintptr_t address, size_t size_bytes);

/* Note a block's birth. Cost: two loads and a comparison, nearly always. */
TN_ALWAYS_INLINE void tn_heap_spans_see(struct tn_thread *thread, void *address, size_t size_bytes)
{
    if (TN_UNLIKELY((uintptr_t)address - thread->span_low >= thread->span_bytes))
        tn_heap_spans_note(thread, (uintptr_t)address, size_bytes);
}

/* Note that memory may no longer be read: then no block there is read by a plain load. Any thread. */
void tn_heap_protected(const void *address, size_t size_bytes);

/* Forget the threads that a fork has left behind. Before the first event of an image or fork child. */
void tn_heap_begin_reading(void);

/* Read no memory by system calls from here on, and wait for the threads that do it: a filter of system calls
 * comes, which may forbid it. Any thread; tn_is_filtered is set. */
void tn_heap_end_reading(void);

/* Copy memory that may not be there.
 *
 * ret_got  bytes that were copied, from its beginning; less than size_bytes where it cannot be read
 * Returns  false: no memory can be read in this way, now or later */
bool tn_heap_copy(uintptr_t address, void *to, size_t size_bytes, long *ret_got);

/* Copy words out of a block that is live and the calling thread's to release.
 *
 * usable_bytes  of the block
 * words         room for count; count * 8 is at most usable_bytes
 * Returns       false: they cannot be read without risk
 * Cost          loads; a system call where the words lie on pages that are all the block's, which the program
 *               may have protected, or on memory that it has protected */
bool tn_heap_read(uintptr_t address, size_t usable_bytes, uint64_t *words, uint32_t count);

#endif
