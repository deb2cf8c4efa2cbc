/* SPDX-License-Identifier: MIT */
#ifndef TENURE_LIMITS_H
#define TENURE_LIMITS_H

/* Limits that users meet in options, texts and logs, and that more than one module must agree on: each stands
 * here once. Limits that only one module knows stand in that module. */

#include <stdint.h>

/* The ring of one thread, bytes; powers of two. TENURE_RING_SIZE, `record --ring-size`. */
#define TN_RING_BYTES_DEFAULT (1024u * 1024u)
#define TN_RING_BYTES_MIN     (64u * 1024u)
#define TN_RING_BYTES_MAX     (64u * 1024u * 1024u)

/* The least of a process's control ring, whose quarter holds the longest event (event.h). The shim makes it
 * as large as a thread's ring if that is larger. */
#define TN_CONTROL_BYTES_MIN (512u * 1024u)

/* Frames that are kept of a call stack. TENURE_DEPTH, `record --depth`. */
#define TN_STACK_DEPTH_DEFAULT 1024u
#define TN_STACK_DEPTH_MAX     8000u /* at two words a frame a STACK event still fits (event.h) */

/* Bytes of a mark's text: what the shim keeps, and what the recorder accepts. */
#define TN_MARK_TEXT_BYTES_KEPT 1024u
#define TN_MARK_TEXT_BYTES_MAX  4096u

/* Bytes of a module's build-id; a SHA-1 has 20. */
#define TN_BUILD_ID_BYTES_MAX 64u

/* "Small and short-lived", as site_summary counts it and reports say it: a block is small up to this size,
 * and short-lived when it was released before its process had asked for this many bytes more. */
#define TN_SMALL_SIZE_BYTES     UINT64_C(1024)
#define TN_SHORT_LIFETIME_BYTES UINT64_C(32768)

#endif
