/* SPDX-License-Identifier: MIT */
#ifndef TENURE_PLACES_H
#define TENURE_PLACES_H

/* The places that call stacks pass: source lines, or code without names. Exports and the HTML page are
 * written from them. Owns all that it holds and needs no log once it is loaded; one thread at a time, because
 * the path is built in place. */

#include <stddef.h>
#include <stdint.h>

struct tn_log;
struct tn_places_code;

/* A line of the source, or of code without names. Strings are owned by tn_places, never NULL. */
struct tn_place {
    char *function;        /* without a name, "module+0x12" */
    char *file;            /* "" where it is not known */
    char *module;          /* path; "" outside every module */
    uint64_t offset_bytes; /* in the module, of one of its calls */
    uint32_t line;         /* 0: not known */
};

/* All places of a log, and how its stacks pass them. Zeroed is empty; tn_places_finish releases it. */
struct tn_places {
    struct tn_place *items;      /* owned; equal ones are one; the last one stands for an unknown stack */
    size_t count;                /* in items; at least 1 once loaded */
    uint64_t stack_count;        /* 1 + the highest id of a stack */
    struct tn_places_code *code; /* owned; frames and callers of the stacks; of lib/summary */
    uint32_t *path;              /* owned; the result of tn_places_path */
    size_t path_capacity;        /* in path */
};

/* Load the places of a log.
 *
 * log         finished, so that names are there; stays open and the caller's
 * ret_places  written whole on success
 * Returns     0; -EBADMSG: a damaged log; -ENOMEM; -EIO
 * Cost        a query over frames and one over stacks; memory in proportion to both */
int tn_places_load(struct tn_log *log, struct tn_places *ret_places);

/* The places that a stack passes, innermost first; functions that the compiler inlined have their own.
 *
 * ret_path   indices of items; borrowed until the next call
 * ret_count  at least 1: an unknown stack passes one place of that name
 * Returns    0; -EBADMSG: the stack is its own caller; -ENOMEM */
int tn_places_path(struct tn_places *places, uint64_t stack_id, const uint32_t **ret_path, size_t *ret_count);

/* Release what it owns; it is empty again. NULL and zeroed are fine. */
void tn_places_finish(struct tn_places *places);

#endif
