/* SPDX-License-Identifier: MIT */
#ifndef TN_SITE_WRAPPER_PLACES_H
#define TN_SITE_WRAPPER_PLACES_H

/* The search for wrappers: the stacks of births, each with the frame that the search has come to, and the
 * places that call a function. For wrappers.c. */

#include "tenure/site.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A stack whose site is in a candidate, and how far outwards the search has come on it. */
struct tn_wrapper_record {
    uint32_t function; /* function of the site, with the wrappers found so far */
    uint32_t stack;
    uint32_t line;  /* index of the frame that is the site */
    uint32_t node;  /* stack node that `frame` belongs to */
    uint32_t frame; /* index */
};

/* What one calling place (a line of a function) asks for. */
struct tn_wrapper_place {
    uint64_t key; /* tn_site_frame.place */
    uint64_t births, min_size_bytes, max_size_bytes;
};

struct tn_wrapper_finder {
    struct tn_site_trie *trie;
    const struct tn_site_use *uses;
    const struct tn_site_release *releases;
    size_t release_count;
    const struct tn_site_reader *reader; /* NULL: none */
    bool is_asking;                      /* the first one found ends the search; it is counted only */
    struct tn_wrapper_record *records;   /* owned; of all stacks that births use, sorted by function */
    size_t record_count;
    struct tn_wrapper_place *places; /* owned; room for as many as records */
    size_t place_count;
    struct tn_site_wrapper *found; /* owned */
    size_t found_count;
};

/* A frame by its index. */
struct tn_site_frame *tn_wrapper_frame(const struct tn_wrapper_finder *finder, uint32_t index);

/* Move a record one frame outwards. Returns false at the root. */
bool tn_wrapper_step_out(const struct tn_wrapper_finder *finder, struct tn_wrapper_record *record);

/* List all stacks of births by the functions of their sites, with the wrappers found so far. */
void tn_wrapper_list_records(struct tn_wrapper_finder *finder);

/* Collect what the places ask for at which the records stand; is_line: the lines of their sites. */
void tn_wrapper_list_places(struct tn_wrapper_finder *finder, const struct tn_wrapper_record *records,
                            size_t count, bool is_line);

#endif
