/* SPDX-License-Identifier: MIT */
/* Joins source paths with the compilation directory and removes "." and ".." from them, without looking at
 * the file system. Called by inline.c. */
#include "symbol_file.h"

#include <errno.h>
#include <string.h>

/* Drop the last component of out[0..length), unless it is "/" or ends in "..". Returns the new length; -1:
 * the ".." that asked for it must be kept. */
static long step_up(const char *out, size_t length)
{
    if (length == 1 && out[0] == '/')
        return 1;
    size_t start = length;
    while (start > 0 && out[start - 1] != '/')
        start--;
    if (length == 0 || (length - start == 2 && memcmp(out + start, "..", 2) == 0))
        return -1;
    return start > 1 ? (long)start - 1 : (long)start;
}

/* Append one component, which lies further on in the same string, and its separator. */
static size_t put_component(char *out, size_t length, const char *component, size_t size)
{
    if (length > 0 && out[length - 1] != '/')
        out[length++] = '/';
    memmove(out + length, component, size);
    return length + size;
}

/* "a//b/./c/../d" becomes "a/b/d", in place: the result is never longer than the input. */
static size_t normalise(char *path, size_t size)
{
    size_t length = 0, i = 0;
    if (size > 0 && path[0] == '/')
        length = i = 1;
    while (i < size) {
        size_t start = i;
        while (i < size && path[i] != '/')
            i++;
        size_t component = i - start;
        i++;
        if (component == 0 || (component == 1 && path[start] == '.'))
            continue;
        if (component == 2 && memcmp(path + start, "..", 2) == 0) {
            long up = step_up(path, length);
            if (up >= 0) {
                length = (size_t)up;
                continue;
            }
        }
        length = put_component(path, length, path + start, component);
    }
    return length;
}

int tn_symbol_keep_path(struct tn_symbol_file *file, const char *directory, const char *path,
                        const char **ret_path)
{
    struct tn_buffer joined = {0};
    int r = 0;
    if (path[0] != '/' && directory != NULL)
        r = tn_buffer_print(&joined, "%s/", directory);
    if (r == 0)
        r = tn_buffer_print(&joined, "%s", path);
    if (r == 0) {
        size_t length = normalise((char *)joined.data, joined.size_bytes);
        *ret_path = tn_string_store_keep(&file->strings, (char *)joined.data, length);
        r = *ret_path != NULL ? 0 : -ENOMEM;
    }
    tn_buffer_finish(&joined);
    return r;
}
