/* SPDX-License-Identifier: MIT */
#ifndef LOG_FIXTURE_H
#define LOG_FIXTURE_H

/* A small recording made with the writer, and what must be read back from it. */

#include "tenure/log.h"
#include "tenure/log_write.h"

#include <stddef.h>
#include <stdint.h>

#define FIXTURE_PATH_BYTES 256

/* The path of a new file in a folder of this test's own. */
void fixture_path(char path[FIXTURE_PATH_BYTES], const char *name);

/* Remove a log and its companions. */
void fixture_remove(const char *path);

/* A log with its two processes, four threads, one module, some stacks, two marks and a failure, without
 * events. */
struct tn_log_writer *fixture_create(const char *path);

/* Append count random events of both processes, with a commit now and then. The same seed gives the same
 * events. expected, room for count, gets the allocations in the order of their births. Returns how many. */
size_t fixture_fill(struct tn_log_writer *writer, uint64_t seed, size_t count,
                    struct tn_allocation *expected);

/* Create, fill, close. */
size_t fixture_make(const char *path, uint64_t seed, size_t count, struct tn_allocation *expected);

#endif
