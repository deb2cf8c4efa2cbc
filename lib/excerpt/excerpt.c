/* SPDX-License-Identifier: MIT */

/* Opens a path folder by folder, each without following a link: so nothing outside of the first folder is
 * ever opened, whatever the path says, on kernels of any age. Called by `report` and `view`. */

#include "tenure/excerpt.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int tn_excerpts_open(const char *folder, struct tn_excerpts *ret_excerpts, struct tn_error *error)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        int code = -errno;
        return tn_error_set(error, code, "cannot open the folder of the sources, %s: %s", folder,
                            strerror(-code));
    }
    *ret_excerpts = (struct tn_excerpts){.is_open = true, .folder_fd = fd};
    return 0;
}

/* Open one step of a path: a folder, or at its end a regular file. Returns a descriptor, or -1. */
static int open_step(int folder_fd, const char *name, size_t length, bool is_last)
{
    char step[NAME_MAX + 1];
    struct stat status;
    if (length == 0 || length > NAME_MAX || (length == 1 && name[0] == '.') ||
        (length == 2 && name[0] == '.' && name[1] == '.'))
        return -1;
    memcpy(step, name, length);
    step[length] = '\0';
    /* Some devices act when they are opened. */
    if (fstatat(folder_fd, step, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
        !(is_last ? S_ISREG(status.st_mode) : S_ISDIR(status.st_mode)))
        return -1;
    return openat(folder_fd, step,
                  O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (is_last ? 0 : O_DIRECTORY));
}

/* Open a path below a folder. Returns a descriptor, or -1. */
static int open_below(int folder_fd, const char *path)
{
    int fd = dup(folder_fd);
    while (fd >= 0) {
        size_t length = strcspn(path, "/");
        bool is_last = path[length] == '\0';
        int next = open_step(fd, path, length, is_last);
        close(fd);
        fd = next;
        if (is_last)
            return fd;
        path += length;
        path += strspn(path, "/");
    }
    return -1;
}

/* Open the file that a log names: by all of its path, or by as much of its end as there is. */
static int open_source(int folder_fd, const char *file)
{
    for (const char *path = file + strspn(file, "/"); *path != '\0'; path += strspn(path, "/")) {
        int fd = open_below(folder_fd, path);
        if (fd >= 0)
            return fd;
        path += strcspn(path, "/");
    }
    return -1;
}

/* All of a small regular file, ended by 0. Returns 0, -ENOENT where it is none, or -ENOMEM. */
static int read_file(int fd, struct tn_buffer *out)
{
    struct stat status;
    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || status.st_size > TN_EXCERPT_FILE_BYTES_MAX)
        return -ENOENT;
    if (tn_buffer_reserve(out, TN_EXCERPT_FILE_BYTES_MAX + 2) < 0)
        return -ENOMEM;
    while (out->size_bytes <= TN_EXCERPT_FILE_BYTES_MAX) {
        ssize_t n = read(fd, out->data + out->size_bytes, TN_EXCERPT_FILE_BYTES_MAX + 1 - out->size_bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -ENOENT;
        if (n == 0)
            break;
        out->size_bytes += (size_t)n;
    }
    out->data[out->size_bytes] = '\0';
    return out->size_bytes <= TN_EXCERPT_FILE_BYTES_MAX ? 0 : -ENOENT;
}

/* Whether a line is shown. */
static bool is_near(uint32_t number, uint32_t line)
{
    return number + TN_EXCERPT_AROUND >= line && number <= line + TN_EXCERPT_AROUND;
}

/* Take the lines around one. Returns whether the text has that line: 1, 0, or -ENOMEM. */
static int take_lines(const struct tn_buffer *source, struct tn_excerpt *excerpt)
{
    const char *at = (const char *)source->data, *end = at + source->size_bytes;
    struct tn_buffer text = {0};
    bool has_line = false;
    int r = 0;
    for (uint32_t number = 1; at < end && number <= excerpt->line + TN_EXCERPT_AROUND && r == 0; number++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((newline != NULL ? newline : end) - at);
        size_t kept = length < TN_EXCERPT_LINE_BYTES_MAX ? length : TN_EXCERPT_LINE_BYTES_MAX;
        has_line = has_line || number == excerpt->line;
        if (is_near(number, excerpt->line)) {
            excerpt->first_line = excerpt->first_line != 0 ? excerpt->first_line : number;
            r = tn_buffer_append(&text, at, kept);
            if (r == 0)
                r = tn_buffer_append(&text, "\n", 1);
        }
        at = newline != NULL ? newline + 1 : end;
    }
    if (r == 0)
        r = tn_buffer_append(&text, "", 1);
    if (r == 0 && has_line && memchr(text.data, '\0', text.size_bytes - 1) == NULL) {
        excerpt->text = (char *)text.data;
        return 1;
    }
    tn_buffer_finish(&text);
    return r;
}

static int add(struct tn_excerpts *excerpts, const struct tn_excerpt *excerpt)
{
    struct tn_excerpt *items = realloc(excerpts->items, (excerpts->count + 1) * sizeof(items[0]));
    if (items == NULL)
        return -ENOMEM;
    excerpts->items = items;
    items[excerpts->count++] = *excerpt;
    return 0;
}

static int add_lines(struct tn_excerpts *excerpts, const struct tn_buffer *source, const char *file,
                     uint32_t line)
{
    struct tn_excerpt excerpt = {.line = line};
    int r = take_lines(source, &excerpt);
    if (r <= 0)
        return r;
    excerpt.file = strdup(file);
    r = excerpt.file != NULL ? add(excerpts, &excerpt) : -ENOMEM;
    if (r < 0) {
        free(excerpt.file);
        free(excerpt.text);
    }
    return r;
}

int tn_excerpts_add(struct tn_excerpts *excerpts, const char *file, uint32_t line)
{
    struct tn_buffer source = {0};
    if (line == 0 || line > UINT32_MAX - TN_EXCERPT_AROUND || file[0] == '\0' ||
        tn_excerpts_find(excerpts, file, line) != NULL)
        return 0;
    int fd = open_source(excerpts->folder_fd, file);
    if (fd < 0)
        return 0;
    int r = read_file(fd, &source);
    close(fd);
    if (r == 0)
        r = add_lines(excerpts, &source, file, line);
    tn_buffer_finish(&source);
    return r == -ENOENT ? 0 : r;
}

const struct tn_excerpt *tn_excerpts_find(const struct tn_excerpts *excerpts, const char *file, uint32_t line)
{
    for (size_t i = 0; excerpts != NULL && i < excerpts->count; i++)
        if (excerpts->items[i].line == line && strcmp(excerpts->items[i].file, file) == 0)
            return &excerpts->items[i];
    return NULL;
}

void tn_excerpts_finish(struct tn_excerpts *excerpts)
{
    if (excerpts == NULL)
        return;
    for (size_t i = 0; i < excerpts->count; i++) {
        free(excerpts->items[i].file);
        free(excerpts->items[i].text);
    }
    if (excerpts->is_open)
        close(excerpts->folder_fd);
    free(excerpts->items);
    *excerpts = (struct tn_excerpts){0};
}
