/* SPDX-License-Identifier: MIT */
#include "match_text.h"

#include "tenure/map.h"

#include <string.h>

/* FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint64_t hash_text(const char *text, size_t length, uint64_t seed)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ seed;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    hash = tn_mix(hash);
    return hash != 0 ? hash : 1;
}

/* Marks of clones as gcc and clang write them: gcc/cgraphclones.cc, llvm/lib/Transforms/Utils. */
size_t tn_match_function_length(const char *function)
{
    static const char *const marks[] = {" [clone ",   ".constprop.", ".isra.",      ".part.",       ".cold",
                                        ".lto_priv.", ".llvm.",      ".localalias", ".specialized."};
    size_t length = strlen(function);
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        const char *mark = strstr(function, marks[i]);
        if (mark != NULL && mark != function && (size_t)(mark - function) < length)
            length = (size_t)(mark - function);
    }
    return length;
}

uint64_t tn_match_function_hash(const char *function)
{
    return hash_text(function, tn_match_function_length(function), 0);
}

const char *tn_match_module(const char *path, size_t *ret_length)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    const char *version = strstr(name, ".so.");
    *ret_length = version != NULL ? (size_t)(version - name) + strlen(".so") : strlen(name);
    return name;
}

uint64_t tn_match_module_hash(const char *path)
{
    size_t length;
    const char *name = tn_match_module(path, &length);
    return hash_text(name, length, 1);
}

size_t tn_match_common_folders(const char *left, const char *right)
{
    size_t i = strlen(left), k = strlen(right), count = 0;
    while (i > 0 && k > 0 && left[i - 1] == right[k - 1]) {
        i--;
        k--;
        count += left[i] == '/';
    }
    bool is_whole = (i == 0 || left[i - 1] == '/') && (k == 0 || right[k - 1] == '/');
    /* A component counts once its beginning is the same, too: a slash or the begin of the path stands there.
     */
    return count + (is_whole && strlen(left) > i && left[i] != '/');
}
