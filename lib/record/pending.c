/* SPDX-License-Identifier: MIT */
/* Looks through /proc for young processes of this user that preload the shim of this session but have not
 * connected. Called by processes.c when the last known process has ended. */
#include "pending.h"

#include "proc.h"

#include <ctype.h>
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define YOUNG_SECONDS 1

/* The time now in clock ticks since boot, as /proc/PID/stat gives a start time. */
static uint64_t now_clock_ticks(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    uint64_t per_second = (uint64_t)sysconf(_SC_CLK_TCK);
    return (uint64_t)now.tv_sec * per_second + (uint64_t)now.tv_nsec * per_second / 1000000000;
}

static bool is_of_session(pid_t pid, const char *socket_path)
{
    char wanted[160];
    snprintf(wanted, sizeof(wanted), "TENURE_SESSION=%s", socket_path != NULL ? socket_path : "");
    return tn_proc_environment_holds(pid, wanted) == (socket_path != NULL ? 1 : 0);
}

static bool is_pending(const struct tn_session_dir *directory, pid_t pid, const char *socket_path,
                       uint64_t young_since)
{
    struct tn_proc_stat stat;
    if (pid == getpid() || tn_proc_read_stat(pid, &stat) < 0)
        return false;
    if (stat.start_time < young_since || stat.state == 'Z' || stat.state == 'X')
        return false;
    if (tn_session_dir_has_process(directory, pid, stat.start_time))
        return false;
    return tn_proc_environment_holds(pid, "libtenure.so") == 1 && is_of_session(pid, socket_path);
}

bool tn_pending_process_exists(const struct tn_session_dir *directory, const char *socket_path)
{
    uint64_t young_ticks = YOUNG_SECONDS * (uint64_t)sysconf(_SC_CLK_TCK);
    uint64_t now = now_clock_ticks();
    uint64_t young_since = now > young_ticks ? now - young_ticks : 0;
    DIR *dir = opendir("/proc");
    bool is_found = false;
    if (dir == NULL)
        return false;
    for (struct dirent *entry; !is_found && (entry = readdir(dir)) != NULL;)
        if (isdigit((unsigned char)entry->d_name[0]))
            is_found = is_pending(directory, (pid_t)atoi(entry->d_name), socket_path, young_since);
    closedir(dir);
    return is_found;
}
