/* SPDX-License-Identifier: MIT */

/* Reads /proc/PID/maps character by character, so that its lines may be cut anywhere by the pieces that
 * read() returns. Called by shim_thread.c. */

#include "maps.h"

#include "sys.h"

#include <fcntl.h>
#include <string.h>

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

/* A path begins with the line's only slash that is preceded by no other. */
static void feed_path(struct tn_maps_search *search, char c)
{
    if (search->path_used == 0 && c != '/')
        return;
    if (search->path_used + 1 < search->path_bytes)
        search->path[search->path_used++] = c;
    else
        search->path_bytes = 0;
}

/* A file that has been removed meanwhile still has its name, with a word behind it. */
static void end_path(struct tn_maps_search *search)
{
    static const char deleted[] = " (deleted)";
    size_t length = search->path_bytes != 0 ? search->path_used : 0;
    if (length > sizeof(deleted) - 1 &&
        memcmp(search->path + length - (sizeof(deleted) - 1), deleted, sizeof(deleted) - 1) == 0)
        length -= sizeof(deleted) - 1;
    search->path[length] = '\0';
}

bool tn_maps_feed(struct tn_maps_search *search, const char *text, size_t size_bytes)
{
    for (size_t i = 0; i < size_bytes; i++) {
        char c = text[i];
        if (search->is_found && c != '\n') {
            feed_path(search, c);
        } else if (search->is_found) {
            end_path(search);
            return true;
        } else if (c == '\n') {
            search->field = 0;
            search->low = 0;
            search->high = 0;
        } else if (search->field == 0 && c == '-') {
            search->field = 1;
        } else if (search->field == 1 && c == ' ') {
            search->field = 2;
            search->is_found = search->address >= search->low && search->address < search->high;
            if (search->is_found && search->path == NULL)
                return true;
        } else if (search->field < 2) {
            feed_digit(search, c);
        }
    }
    return search->is_found && search->path == NULL;
}

bool tn_maps_look_up(struct tn_maps_search *search)
{
    char text[2048];
    long fd = tn_sys4(SYS_openat, AT_FDCWD, (long)"/proc/self/maps", O_RDONLY | O_CLOEXEC, 0);
    long got = fd;
    while (got > 0 || got == fd) {
        got = fd < 0 ? fd : tn_sys3(SYS_read, fd, (long)text, sizeof(text));
        if (got <= 0 || tn_maps_feed(search, text, (size_t)got))
            break;
    }
    if (fd >= 0)
        tn_sys1(SYS_close, fd);
    return search->is_found;
}
