/* SPDX-License-Identifier: MIT */
#ifndef TENURE_RUN_OPTIONS_H
#define TENURE_RUN_OPTIONS_H

/* What `fail` and `try` are told alike of the program that they run: its file, its input, how a server is
 * driven, and where a run's files go. One thread. */

#include "options.h"

#include "tenure/fail.h"

#include <limits.h>

/* Read the options stdin, setup, timeout, drive and ready.
 *
 * name       of the command, for messages
 * input      for the path of --stdin, which command borrows
 * Returns    0; -EINVAL, or why a file cannot be read; error says what and on which option */
int tn_run_read_options(const struct tn_arguments *arguments, const char *name,
                        struct tn_fail_command *command, char input[PATH_MAX], struct tn_error *error);

/* Find the program of command->argv, and check that libraries can be preloaded into it.
 *
 * path     for its path, which command borrows
 * Returns  an exit status; what failed was printed */
int tn_run_find_program(struct tn_fail_command *command, char path[PATH_MAX]);

/* Make a folder for the runs, below TMPDIR.
 *
 * name      of the command
 * folder    for its path, which command borrows; tn_fail_folder_remove removes it
 * Returns   0; negative errno: error says what failed */
int tn_run_make_folder(const char *name, struct tn_fail_command *command, char folder[PATH_MAX],
                       struct tn_error *error);

/* Write a file of the runs, readable by its owner only.
 *
 * Returns  0; negative errno: error says what failed */
int tn_run_write_file(const char *path, const void *data, size_t size_bytes, struct tn_error *error);

#endif
