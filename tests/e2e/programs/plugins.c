/* SPDX-License-Identifier: MIT */
/* Loads and unloads two libraries in turn, which the loader may well put at the same address.
 * usage: plugins LIBRARY_A LIBRARY_B [deep]   with deep, the libraries look for symbols in themselves and
 * their own libraries first, which passes by every preloaded one */
#include "truth.h"

#include <dlfcn.h>
#include <string.h>

#define ROUNDS 30

typedef void (*plug_work)(struct block *left);

static int use(const char *path, int flags, struct block *left)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | flags);
    plug_work work;
    void *symbol = library ? dlsym(library, "plug_work") : NULL;
    if (symbol == NULL)
        return -1;
    memcpy(&work, &symbol, sizeof(work));
    work(left);
    return dlclose(library);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    int flags = argc > 3 ? RTLD_DEEPBIND : 0;
    for (int i = 0; i < ROUNDS; i++) {
        struct block left;
        if (use(argv[1 + i % 2], flags, &left) != 0)
            return 3;
        FREE(left);
    }
    return 0;
}
