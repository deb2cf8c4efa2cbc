/* SPDX-License-Identifier: MIT */
/* Waits for a server: for a port that is listened at, for a line of its output, or for some time. A port is
 * looked for in the kernel's list: a connection would be work for the server. */
#include "fail_ready.h"

#include "fail_process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#define LOOK_NS   5000000u
#define LISTENING 0x0a /* TCP_LISTEN in /proc/net/tcp */

bool tn_fail_ready_is_valid(const char *ready)
{
    uint64_t time_ns;
    char *end;
    if (strncmp(ready, "line:", 5) == 0)
        return ready[5] != '\0';
    if (strncmp(ready, "time:", 5) == 0)
        return tn_parse_duration(ready + 5, &time_ns) == 0;
    if (strncmp(ready, "port:", 5) != 0 || ready[5] < '0' || ready[5] > '9')
        return false;
    long port = strtol(ready + 5, &end, 10);
    return *end == '\0' && port > 0 && port < 65536;
}

static bool is_listened_at(const char *path, unsigned wanted)
{
    char line[512];
    bool is_found = false;
    FILE *file = fopen(path, "re");
    while (file != NULL && !is_found && fgets(line, sizeof(line), file) != NULL) {
        unsigned port, state;
        is_found = sscanf(line, "%*u: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x", &port, &state) == 2 &&
                   port == wanted && state == LISTENING;
    }
    if (file != NULL)
        fclose(file);
    return is_found;
}

static bool has_line(const char *path, const char *text)
{
    char line[1024];
    bool is_found = false;
    FILE *file = fopen(path, "re");
    while (file != NULL && !is_found && fgets(line, sizeof(line), file) != NULL)
        is_found = strstr(line, text) != NULL;
    if (file != NULL)
        fclose(file);
    return is_found;
}

static bool is_ready(const char *ready, const struct tn_fail_run_files *files, uint64_t start_ns)
{
    uint64_t time_ns = 0;
    if (strncmp(ready, "port:", 5) == 0) {
        unsigned port = (unsigned)strtoul(ready + 5, NULL, 10);
        return is_listened_at("/proc/net/tcp", port) || is_listened_at("/proc/net/tcp6", port);
    }
    if (strncmp(ready, "line:", 5) == 0)
        return has_line(files->output, ready + 5) || has_line(files->errors, ready + 5);
    tn_parse_duration(ready + 5, &time_ns);
    return tn_fail_now_ns() - start_ns >= time_ns;
}

bool tn_fail_wait_ready(const char *ready, const struct tn_fail_run_files *files, pid_t pid,
                        uint64_t until_ns)
{
    const struct timespec pause = {.tv_nsec = LOOK_NS};
    uint64_t start_ns = tn_fail_now_ns();
    while (!is_ready(ready, files, start_ns)) {
        siginfo_t ended = {0};
        if (waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOHANG | WNOWAIT) < 0 || ended.si_pid == pid ||
            tn_fail_now_ns() >= until_ns)
            return false;
        nanosleep(&pause, NULL);
    }
    return true;
}
