/* SPDX-License-Identifier: MIT */

/* usage: fuzz_NAME FOLDER ROUNDS
 *
 * Gives a reader each file of a folder whose name begins with its own, and ROUNDS changes of each. Round N
 * always makes the same change. */

#include "fuzz.h"

#include <dirent.h>
#include <string.h>

#define INPUT_BYTES_MAX (1 << 20)

static uint64_t seed;

static uint64_t any(uint64_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (seed >> 24) % below;
}

static size_t read_file(const char *folder, const char *name, uint8_t *bytes)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    fuzz_check(file != NULL, "a file of the corpus cannot be read");
    size_t size_bytes = fread(bytes, 1, INPUT_BYTES_MAX, file);
    fclose(file);
    return size_bytes;
}

/* Change bytes, cut a piece out, or repeat one. Returns the new size. */
static size_t change(uint8_t *bytes, size_t size_bytes)
{
    static const uint8_t telling[] = {0, 1, 127, 128, 255, '\n', ' ', '0', '9', '-', ':', '#', 'A'};
    for (uint64_t changes = 1 + any(4); changes > 0 && size_bytes > 1; changes--) {
        size_t at = any(size_bytes), length = 1 + any(size_bytes - at);
        switch (any(4)) {
        case 0:
            memmove(bytes + at, bytes + at + length, size_bytes - at - length);
            size_bytes -= length;
            break;
        case 1:
            if (size_bytes + length > INPUT_BYTES_MAX)
                break;
            memmove(bytes + at + length, bytes + at, size_bytes - at);
            size_bytes += length;
            break;
        default:
            bytes[at] = any(2) == 0 ? telling[any(sizeof(telling))] : (uint8_t)any(256);
        }
    }
    return size_bytes;
}

/* From memory of just that size, so that a sanitizer sees what is read beyond. */
static void give(const uint8_t *bytes, size_t size_bytes)
{
    uint8_t *copy = malloc(size_bytes + (size_bytes == 0));
    fuzz_check(copy != NULL, "out of memory");
    memcpy(copy, bytes, size_bytes);
    LLVMFuzzerTestOneInput(copy, size_bytes);
    free(copy);
}

int main(int argument_count, char **arguments)
{
    static uint8_t whole[INPUT_BYTES_MAX], changed[INPUT_BYTES_MAX];
    if (argument_count != 3)
        return 2;
    const char *own_name = strrchr(arguments[0], '_') + 1;
    uint64_t rounds = strtoull(arguments[2], NULL, 10), inputs = 0;
    DIR *folder = opendir(arguments[1]);
    fuzz_check(folder != NULL, "the corpus cannot be read");
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (strncmp(entry->d_name, own_name, strlen(own_name)) != 0)
            continue;
        size_t size_bytes = read_file(arguments[1], entry->d_name, whole);
        give(whole, size_bytes);
        for (seed = 1, inputs++; seed <= rounds; inputs++) {
            uint64_t round = seed;
            memcpy(changed, whole, size_bytes);
            give(changed, change(changed, size_bytes));
            seed = round + 1;
        }
    }
    closedir(folder);
    printf("%llu inputs\n", (unsigned long long)inputs);
    return inputs == 0;
}
