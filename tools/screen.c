/* SPDX-License-Identifier: MIT */
#include "screen.h"

#include "command.h"
#include "message.h"
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define COLUMNS_MAX 120u /* longer lines are hard to read, however wide the terminal is */

static bool is_set(const char *variable)
{
    const char *value = getenv(variable);
    return value != NULL && value[0] != '\0';
}

/* As https://no-color.org and terminals without any ability have it. */
static bool can_show_color(void)
{
    const char *terminal = getenv("TERM");
    return !is_set("NO_COLOR") && terminal != NULL && strcmp(terminal, "dumb") != 0;
}

static size_t columns_of_terminal(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
        return 0;
    return size.ws_col < COLUMNS_MAX ? size.ws_col : COLUMNS_MAX;
}

/* Without a word where there is no such program: nobody asked for it by name. */
#define PAGER_DEFAULT "command -v less >/dev/null && exec less; exit 127"

/* The pager as a shell takes it; NULL: none is wanted. */
static const char *pager_of_user(void)
{
    const char *pager = getenv("PAGER");
    if (pager == NULL)
        return PAGER_DEFAULT;
    return pager[0] == '\0' || strcmp(pager, "cat") == 0 ? NULL : pager;
}

int tn_screen_read(const struct tn_arguments *arguments, const char *output, struct tn_screen *ret_screen,
                   struct tn_error *error)
{
    const char *when = tn_option_text(arguments, "color");
    bool is_auto = when == NULL || strcmp(when, "auto") == 0;
    bool is_always = !is_auto && strcmp(when, "always") == 0;
    if (!is_auto && !is_always && strcmp(when, "never") != 0)
        return tn_error_set(error, -EINVAL,
                            "option '--color' of '%s': '%s' is not auto, always or never; see 'tenure %s "
                            "--help'",
                            arguments->command, when, arguments->command);
    bool is_terminal = output == NULL && isatty(STDOUT_FILENO);
    *ret_screen = (struct tn_screen){
        .style = {.columns = is_terminal ? columns_of_terminal() : 0,
                  .has_color = is_always || (is_auto && is_terminal && can_show_color())},
        .output = output,
        .has_pager = is_terminal && !tn_option_is_given(arguments, "no-pager") && pager_of_user() != NULL,
    };
    return 0;
}

/* ---------------------------------------------------------------------------------------- pager */

/* Start the pager with the reading end of a pipe as its stdin. Returns 0 or negative errno. */
static int start_pager(pid_t *ret_pid, int *ret_fd)
{
    extern char **environ;
    const char *const arguments[] = {"sh", "-c", pager_of_user(), NULL};
    posix_spawn_file_actions_t actions;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    setenv("LESS", "FRX", 0);
    setenv("LV", "-c", 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
    int r = -posix_spawnp(ret_pid, "sh", &actions, NULL, (char *const *)arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[0]);
    if (r < 0)
        close(ends[1]);
    else
        *ret_fd = ends[1];
    return r;
}

/* What is not taken is no error: who has seen enough leaves the pager. */
static void feed(int fd, const struct tn_buffer *text)
{
    for (size_t done = 0; done < text->size_bytes;) {
        ssize_t n = write(fd, text->data + done, text->size_bytes - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return;
        done += (size_t)n;
    }
}

/* Whether the pager showed the text: a shell that finds no such program ends with 126 or 127. */
static bool show_in_pager(const struct tn_buffer *text)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, pipe_before, interrupt_before;
    pid_t pid;
    int fd = -1, status = 0;
    if (start_pager(&pid, &fd) < 0)
        return false;
    sigaction(SIGPIPE, &ignore, &pipe_before);
    sigaction(SIGINT, &ignore, &interrupt_before); /* Ctrl-C is the pager's */
    feed(fd, text);
    close(fd);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    sigaction(SIGPIPE, &pipe_before, NULL);
    sigaction(SIGINT, &interrupt_before, NULL);
    return !WIFEXITED(status) || (WEXITSTATUS(status) != 126 && WEXITSTATUS(status) != 127);
}

int tn_screen_write(const struct tn_screen *screen, const struct tn_buffer *text)
{
    if (screen->has_pager && show_in_pager(text))
        return TN_STATUS_DONE;
    return tn_output_write(screen->output, text);
}
