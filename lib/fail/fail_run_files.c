/* SPDX-License-Identifier: MIT */
/* Makes, reads and removes the files of a run. What runs without a failure say on stderr is kept beside them,
 * so that a run is told by what only it says. */
#include "fail_run_files.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What glibc says when it finds its heap damaged, after LIBC_FATAL_STDERR_ on stderr (malloc/malloc.c). */
static const char *const damage[] = {
    "double free or corruption",
    "free(): ",
    "malloc(): ",
    "realloc(): ",
    "munmap_chunk(): ",
    "corrupted ",
    "mremap_chunk(): ",
    "malloc_consolidate(): ",
    "malloc_printerr",
    "tcache_thread_shutdown(): ",
    "unlink_chunk(): ",
    "calloc(): ",
};

int tn_fail_run_files_make(const char *folder, uint64_t number, struct tn_fail_run_files *ret_files)
{
    struct {
        char *path;
        const char *name;
    } const files[] = {
        {ret_files->inject, "inject"},
        {ret_files->work, "work"},
        {ret_files->output, "output"},
        {ret_files->errors, "errors"},
        {ret_files->drive_output[0], "drive_output"},
        {ret_files->drive_output[1], "drive_output_2"},
        {ret_files->setup_output, "setup_output"},
    };
    int n = snprintf(ret_files->folder, sizeof(ret_files->folder), "%s/run.%llu", folder,
                     (unsigned long long)number);
    if (n < 0 || (size_t)n >= sizeof(ret_files->folder))
        return -ENAMETOOLONG;
    if (mkdir(ret_files->folder, 0700) < 0)
        return -errno;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        snprintf(files[i].path, PATH_MAX, "%s/%s", ret_files->folder, files[i].name);
    snprintf(ret_files->known_errors, PATH_MAX, "%s/known_errors", folder);
    return mkdir(ret_files->work, 0700) < 0 ? -errno : 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    remove(path);
    return 0;
}

void tn_fail_folder_remove(const char *folder)
{
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void tn_fail_run_files_remove(const struct tn_fail_run_files *files)
{
    tn_fail_folder_remove(files->folder);
}

#define HASH_START UINT64_C(0xcbf29ce484222325) /* FNV-1a, 64 bits */
#define HASH_PRIME UINT64_C(0x100000001b3)
#define KNOWN_MAX  1024 /* lines that are known; further ones count as new */

static bool has_digit(const char *word, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (word[i] >= '0' && word[i] <= '9')
            return true;
    return false;
}

/* A line without the words that have digits: times, addresses and ids differ from run to run. */
static uint64_t hash_line(const char *line)
{
    static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    uint64_t hash = HASH_START;
    while (*line != '\0' && *line != '\n') {
        size_t length = strspn(line, letters);
        size_t taken = length > 0 ? length : 1;
        for (size_t i = 0; i < taken && !has_digit(line, length); i++)
            hash = (hash ^ (unsigned char)line[i]) * HASH_PRIME;
        line += taken;
    }
    return hash;
}

static size_t read_known(const char *path, uint64_t ret_known[KNOWN_MAX])
{
    char line[4096];
    size_t count = 0;
    FILE *file = path != NULL ? fopen(path, "re") : NULL;
    while (file != NULL && count < KNOWN_MAX && fgets(line, sizeof(line), file) != NULL)
        ret_known[count++] = hash_line(line);
    if (file != NULL)
        fclose(file);
    return count;
}

static bool is_known(const char *line, const uint64_t *known, size_t count)
{
    uint64_t hash = hash_line(line);
    for (size_t i = 0; i < count; i++)
        if (known[i] == hash)
            return true;
    return false;
}

void tn_fail_read_line(const char *path, const char *known, char *ret_line, size_t line_bytes)
{
    uint64_t hashes[KNOWN_MAX];
    char line[4096];
    size_t count = read_known(known, hashes);
    FILE *file = fopen(path, "re");
    ret_line[0] = '\0';
    while (file != NULL && ret_line[0] == '\0' && fgets(line, sizeof(line), file) != NULL) {
        if (is_known(line, hashes, count))
            continue;
        line[strcspn(line, "\n")] = '\0';
        snprintf(ret_line, line_bytes, "%.*s", (int)line_bytes - 1, line);
    }
    if (file != NULL)
        fclose(file);
}

void tn_fail_keep_errors(const struct tn_fail_run_files *files)
{
    if (access(files->known_errors, F_OK) < 0)
        rename(files->errors, files->known_errors);
}

static void find_damage(const char *path, struct tn_fail_outcome *outcome)
{
    char line[sizeof(outcome->message)];
    FILE *file = fopen(path, "re");
    while (file != NULL && !outcome->is_corrupted && fgets(line, sizeof(line), file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++)
            outcome->is_corrupted |= strncmp(line, damage[i], strlen(damage[i])) == 0;
        if (outcome->is_corrupted)
            memcpy(outcome->message, line, sizeof(line));
    }
    if (file != NULL)
        fclose(file);
}

static uint64_t hash_file(const char *path, uint64_t *ret_bytes)
{
    unsigned char part[16384];
    uint64_t hash = HASH_START;
    ssize_t n;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    *ret_bytes = 0;
    while (fd >= 0 && (n = read(fd, part, sizeof(part))) > 0) {
        for (ssize_t i = 0; i < n; i++)
            hash = (hash ^ part[i]) * HASH_PRIME;
        *ret_bytes += (uint64_t)n;
    }
    if (fd >= 0)
        close(fd);
    return hash;
}

uint64_t tn_fail_hash_file(const char *path)
{
    uint64_t size_bytes;
    return hash_file(path, &size_bytes);
}

void tn_fail_read_output(const struct tn_fail_run_files *files, struct tn_fail_outcome *outcome)
{
    outcome->output_hash = hash_file(files->output, &outcome->output_bytes);
    tn_fail_read_line(files->errors, files->known_errors, outcome->message, sizeof(outcome->message));
    find_damage(files->errors, outcome);
}
