/* SPDX-License-Identifier: MIT */

/* Reads /proc/PID/maps character by character, so that its lines may be cut anywhere by the pieces that
 * read() returns. Called by shim_thread.c. */

#include "maps.h"

#include "banned.h"

static unsigned digit_of(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a' + 10);
}

static void feed_digit(struct tn_maps_search *search, char c)
{
    uint64_t *number = search->field == 0 ? &search->low : &search->high;
    *number = *number << 4 | digit_of(c);
}

bool tn_maps_feed(struct tn_maps_search *search, const char *text, size_t size_bytes)
{
    for (size_t i = 0; i < size_bytes && !search->is_found; i++) {
        char c = text[i];
        if (c == '\n') {
            search->field = 0;
            search->low = 0;
            search->high = 0;
        } else if (search->field == 0 && c == '-') {
            search->field = 1;
        } else if (search->field == 1 && c == ' ') {
            search->field = 2;
            search->is_found = search->address >= search->low && search->address < search->high;
        } else if (search->field < 2) {
            feed_digit(search, c);
        }
    }
    return search->is_found;
}
