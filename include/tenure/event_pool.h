/* SPDX-License-Identifier: MIT */
#ifndef TENURE_EVENT_POOL_H
#define TENURE_EVENT_POOL_H

/* Encodes and decodes what a program says of its own pools (tenure/mark.h): POOL_BIRTH, POOL_DEATH,
 * POOL_RESET and POOL_NAME, which event.h shows. The rules are those of event_body.h: a put function leaves
 * word 1 to the code that stamps the event and trusts its caller; a get function trusts nothing. */

#include "tenure/event_body.h"

#include <stdbool.h>
#include <stdint.h>

/* Bytes of a pool's name: what the shim keeps, and what the recorder accepts. */
#define TN_POOL_NAME_BYTES_MAX 255u

/* Write POOL_BIRTH in TN_EVENT_POOL_BIRTH_WORDS words. pool: not 0. */
static inline void tn_event_put_pool_birth(uint64_t *event, uint32_t stack_id, uint64_t pool,
                                           uint64_t address, uint64_t size_bytes)
{
    event[0] = tn_event_head(TN_EVENT_POOL_BIRTH, TN_EVENT_POOL_BIRTH_WORDS, TN_FUNCTION_NONE, 0, stack_id);
    event[2] = address & TN_ADDRESS_MASK;
    event[3] = pool;
    event[4] = size_bytes;
}

/* Write POOL_DEATH or POOL_RESET in TN_EVENT_POOL_DEATH_WORDS words. address: 0 with POOL_RESET. */
static inline void tn_event_put_pool_death(uint64_t *event, enum tn_event_kind kind, uint32_t stack_id,
                                           uint64_t pool, uint64_t address)
{
    event[0] = tn_event_head(kind, TN_EVENT_POOL_DEATH_WORDS, TN_FUNCTION_NONE, 0, stack_id);
    event[2] = address & TN_ADDRESS_MASK;
    event[3] = pool;
}

/* Read POOL_BIRTH, POOL_DEATH or POOL_RESET.
 *
 * words           its checked length
 * ret_size_bytes  of a POOL_BIRTH; else 0
 * Returns         false: it is too short for its kind */
static inline bool tn_event_get_pool(const uint64_t *event, uint64_t head, uint32_t words, uint64_t *ret_pool,
                                     uint64_t *ret_address, uint64_t *ret_size_bytes)
{
    bool is_birth = tn_event_kind_of(head) == TN_EVENT_POOL_BIRTH;
    if (words < (is_birth ? TN_EVENT_POOL_BIRTH_WORDS : TN_EVENT_POOL_DEATH_WORDS))
        return false;
    *ret_address = tn_event_address_of(event[2]);
    *ret_pool = event[3];
    *ret_size_bytes = is_birth ? event[4] : 0;
    return true;
}

/* Write POOL_NAME in TN_EVENT_POOL_NAME_WORDS + tn_event_text_words(text_bytes) words. */
static inline void tn_event_put_pool_name(uint64_t *event, uint64_t pool, const char *text,
                                          uint32_t text_bytes)
{
    event[0] = tn_event_head(TN_EVENT_POOL_NAME, TN_EVENT_POOL_NAME_WORDS + tn_event_text_words(text_bytes),
                             TN_FUNCTION_NONE, 0, 0);
    event[2] = text_bytes;
    event[3] = pool;
    tn_event_put_text(event + TN_EVENT_POOL_NAME_WORDS, text, text_bytes);
}

/* Read POOL_NAME.
 *
 * words     its checked length
 * ret_text  points into the event and has no NUL
 * Returns   false also if the text does not fit in it, or is longer than TN_POOL_NAME_BYTES_MAX */
static inline bool tn_event_get_pool_name(const uint64_t *event, uint32_t words, uint64_t *ret_pool,
                                          const char **ret_text, uint32_t *ret_text_bytes)
{
    if (words < TN_EVENT_POOL_NAME_WORDS)
        return false;
    uint64_t text_bytes = event[2];
    if (text_bytes > TN_POOL_NAME_BYTES_MAX ||
        text_bytes > (uint64_t)(words - TN_EVENT_POOL_NAME_WORDS) * sizeof(event[0]))
        return false;
    *ret_pool = event[3];
    *ret_text = (const char *)(event + TN_EVENT_POOL_NAME_WORDS);
    *ret_text_bytes = (uint32_t)text_bytes;
    return true;
}

#endif
