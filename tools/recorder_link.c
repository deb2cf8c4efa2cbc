/* SPDX-License-Identifier: MIT */
/* Starts the recorder as a child with one end of a socket pair, and exchanges lines with it. Called by
 * cmd_record.c and record_session.c. */
#include "recorder_link.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ARGUMENTS_MAX 24
#define SEND_ATTEMPTS 200

/* In the forked child: execute the recorder; if that fails, send the reason as the recorder itself would. */
static void execute(const struct tn_link_options *options, int fd)
{
    char fd_text[16];
    snprintf(fd_text, sizeof(fd_text), "%d", fd);
    const char *arguments[ARGUMENTS_MAX] = {options->recorder, "--listen",   "--status-fd", fd_text,
                                            "--log",           options->log, "--rows",      options->rows};
    size_t n = 8;
    if (options->is_replacing)
        arguments[n++] = "--force";
    if (options->wrapper != NULL) {
        arguments[n++] = "--wrapper";
        arguments[n++] = options->wrapper;
    }
    if (options->keeps_wrappers)
        arguments[n++] = "--keep-wrappers";
    if (options->is_background)
        arguments[n++] = "--background";
    if (options->omits_command_lines)
        arguments[n++] = "--no-command-line";
    char after[24];
    if (options->is_paused)
        arguments[n++] = "--paused";
    if (options->resume_after_ns != 0) {
        snprintf(after, sizeof(after), "%" PRIu64, options->resume_after_ns);
        arguments[n++] = "--resume-after";
        arguments[n++] = after;
    }
    if (options->resume_mark != NULL) {
        arguments[n++] = "--resume-mark";
        arguments[n++] = options->resume_mark;
    }
    arguments[n++] = "--options";
    arguments[n++] = options->text;
    /* What is loaded into the program may take descriptors, or replace malloc: not in the recorder. */
    unsetenv("LD_PRELOAD");
    unsetenv("LD_AUDIT");
    /* Ctrl-C on the terminal is for the program, from the start. */
    signal(SIGINT, SIG_IGN);
    signal(SIGQUIT, SIG_IGN);
    /* The signals that the tool blocks while it waits must reach the recorder. */
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execv(options->recorder, (char *const *)arguments);
    dprintf(fd, "error %d cannot start the recorder '%s': %s\n", errno, options->recorder, strerror(errno));
    _exit(127);
}

int tn_link_start(const struct tn_link_options *options, struct tn_link *ret_link, struct tn_error *error)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return tn_error_set(error, -errno, "cannot start the recorder: %s", strerror(errno));
    pid_t pid = fork();
    if (pid == 0) {
        /* dup clears close-on-exec. */
        execute(options, dup(ends[1]));
    }
    int saved = errno;
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return tn_error_set(error, -saved, "cannot start the recorder: %s", strerror(saved));
    }
    *ret_link = (struct tn_link){.fd = ends[0], .pid = pid};
    return 0;
}

int tn_link_read(struct tn_link *link)
{
    size_t room_bytes = TN_RECORD_LINE_BYTES - link->used_bytes;
    ssize_t n = read(link->fd, link->text + link->used_bytes, room_bytes);
    if (n < 0 && errno == ECONNRESET)
        return 0;
    if (n < 0)
        return errno == EINTR ? 1 : -errno;
    link->used_bytes += (size_t)n;
    return n != 0;
}

char *tn_link_next_line(struct tn_link *link)
{
    memmove(link->text, link->text + link->line_bytes, link->used_bytes - link->line_bytes);
    link->used_bytes -= link->line_bytes;
    link->line_bytes = 0;
    char *newline = memchr(link->text, '\n', link->used_bytes);
    if (newline == NULL && link->used_bytes < TN_RECORD_LINE_BYTES)
        return NULL;
    /* A line longer than agreed is cut; its rest is then an unknown line, which is ignored. */
    if (newline == NULL)
        newline = link->text + TN_RECORD_LINE_BYTES - 1;
    *newline = '\0';
    link->line_bytes = (size_t)(newline - link->text) + 1;
    return link->text;
}

void tn_link_send(struct tn_link *link, const char *format, ...)
{
    char line[TN_RECORD_LINE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof(line) - 1, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof(line) - 1)
        return;
    line[length++] = '\n';
    /* The recorder waits for most lines: one is sent again while the kernel has no memory for it. */
    const struct timespec pause = {.tv_nsec = 10000000};
    unsigned attempts = 0;
    while (send(link->fd, line, (size_t)length, MSG_NOSIGNAL) < 0) {
        if (errno == EINTR)
            continue;
        if ((errno != ENOBUFS && errno != ENOMEM) || ++attempts > SEND_ATTEMPTS)
            return;
        nanosleep(&pause, NULL);
    }
}

uint64_t tn_link_number(const char *line, const char *key)
{
    size_t length = strlen(key);
    for (const char *word = line; word != NULL; word = strchr(word, ' ')) {
        word += *word == ' ';
        if (strncmp(word, key, length) == 0 && word[length] == '=')
            return strtoull(word + length + 1, NULL, 10);
    }
    return 0;
}

void tn_link_finish(struct tn_link *link)
{
    close(link->fd);
    link->fd = -1;
}
