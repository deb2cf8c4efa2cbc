/* SPDX-License-Identifier: MIT */
#ifndef TN_KINDS_POOL_CODE_H
#define TN_KINDS_POOL_CODE_H

/* Definitions of pools to paste: plain C, FreeRTOS, Zephyr, ThreadX. */

#include "pool_plan.h"

#include "tenure/base.h"

#include <stdbool.h>

#define TN_POOL_NAME_BYTES 64

/* An identifier of C from a function's name and a size: of "net::Session::open(int)" and 128 it is
 * "net_session_open_128"; "block_128" when the name tells nothing.
 *
 * ret_name  TN_POOL_NAME_BYTES
 * Returns   ret_name */
const char *tn_pool_name(const char *function, uint64_t size_bytes, char *ret_name);

/* Append the definition of one pool, for each of the four systems.
 *
 * name             an identifier
 * block_bytes      a multiple of alignment_bytes
 * block_count      above 0
 * alignment_bytes  a power of two
 * is_shared        several threads use it: the C part has a lock; those of the other systems are safe as they
 * are
 * Returns          0 or -ENOMEM (out then holds a part of it) */
int tn_pool_code(const char *name, uint64_t block_bytes, uint64_t block_count, uint64_t alignment_bytes,
                 bool is_shared, struct tn_buffer *out);

/* Append the definitions of a set of pools, and how a request finds its pool. Returns 0 or -ENOMEM. */
int tn_pool_code_set(const struct tn_pool_plan *plan, uint64_t alignment_bytes, bool is_shared,
                     struct tn_buffer *out);

#endif
