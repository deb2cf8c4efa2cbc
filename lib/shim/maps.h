/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_MAPS_H
#define TENURE_SHIM_MAPS_H

/* Find the mapping that holds an address in the text of /proc/PID/maps, fed in pieces of any size. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tn_maps_search {
    uint64_t address;   /* sought */
    uint64_t low, high; /* of the line that is being read; the answer once is_found */
    uint8_t field;      /* 0: reading low; 1: reading high; 2: the rest of the line */
    bool is_found;
    char *path;        /* where the mapped file's path is wanted; NULL: it is not */
    size_t path_bytes; /* room there, with NUL */
    size_t path_used;  /* without it */
};

/* Read on. Returns whether nothing else need be read. Start with a zeroed search with its address set, and
 * where its path is wanted: that stays "" where there is no file, or not enough room. */
bool tn_maps_feed(struct tn_maps_search *search, const char *text, size_t size_bytes);

/* Search /proc/self/maps. Returns is_found. Between tn_own_begin and tn_own_end; not behind a filter. */
bool tn_maps_look_up(struct tn_maps_search *search);

#endif
