/* SPDX-License-Identifier: MIT */

/* Finds the newest recording of the working directory, for `report` and `view` without a LOG: mostly that of
 * the `record` just before. */

#include "newest_log.h"

#include "message.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char *say_none(const char *command)
{
    tn_say(
        "'%s' needs a LOG: none was given, and there is no tenure.*.db in the working directory; "
        "record a program first, with 'tenure record PROGRAM'",
        command);
    return NULL;
}

char *tn_newest_log(const char *command)
{
    glob_t found;
    if (glob("tenure.*.db", GLOB_NOSORT, NULL, &found) != 0)
        return say_none(command);
    const char *newest = NULL;
    struct timespec newest_time = {0};
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct stat status;
        if (stat(found.gl_pathv[i], &status) < 0)
            continue;
        struct timespec time = status.st_mtim;
        if (newest == NULL || time.tv_sec > newest_time.tv_sec ||
            (time.tv_sec == newest_time.tv_sec && time.tv_nsec > newest_time.tv_nsec)) {
            newest = found.gl_pathv[i];
            newest_time = time;
        }
    }
    char *path = newest != NULL ? strdup(newest) : NULL;
    globfree(&found);
    return path != NULL ? path : say_none(command);
}
