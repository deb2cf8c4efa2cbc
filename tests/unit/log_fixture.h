/* SPDX-License-Identifier: MIT */
#ifndef LOG_FIXTURE_H
#define LOG_FIXTURE_H

/* A small recording made with the writer, and what must be read back from it. */

#include "tenure/log.h"
#include "tenure/log_write.h"

#include <stddef.h>
#include <stdint.h>

#define FIXTURE_PATH_BYTES 256

struct sqlite3;

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

/* Open a log that must open. */
struct tn_log *fixture_open(const char *path);

/* The first column of the first row of a query that must work. */
int64_t fixture_query(struct sqlite3 *database, const char *sql);

/* Every allocation of the process (0: of all) comes once, as it was made: the dead in the order of their
 * deaths, then the live in the order of their births. */
void fixture_check_allocations(struct tn_log *log, uint64_t process_id, const struct tn_allocation *expected,
                               size_t count);

#endif
