/* SPDX-License-Identifier: MIT */
/* Whole log files: opened, summed up, and every event read. */
#include "fuzz.h"

#include "tenure/log.h"
#include "tenure/summary.h"

#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    char path[64];
    struct tn_log *log;
    struct tn_summary summary;
    struct tn_error error = {0};
    int fd = memfd_create("log", MFD_CLOEXEC);
    fuzz_check(fd >= 0 && write(fd, data, size_bytes) == (ssize_t)size_bytes, "no memory for a file");
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (tn_log_open(path, &log, &error) == 0) {
        if (tn_summary_load(log, 0, 4, &summary, &error) == 0)
            tn_summary_finish(&summary);
        else
            fuzz_check(error.text[0] != '\0', "a log is refused without a word");
        tn_log_close(log);
    } else {
        fuzz_check(error.text[0] != '\0', "a file is refused without a word");
    }
    close(fd);
    return 0;
}
