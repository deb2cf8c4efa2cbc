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
};

/* Read on. Returns is_found. Start with a zeroed search with its address set. */
bool tn_maps_feed(struct tn_maps_search *search, const char *text, size_t size_bytes);

#endif
