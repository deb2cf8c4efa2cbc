/* SPDX-License-Identifier: MIT */
#ifndef TENURE_FAIL_RUN_FILES_H
#define TENURE_FAIL_RUN_FILES_H

/* The files of one run, in a folder of its own. */

#include "tenure/fail.h"

#include <limits.h>

/* Paths. Written by tn_fail_run_files_make. */
struct tn_fail_run_files {
    char folder[PATH_MAX - 32];              /* holds the others */
    char inject[PATH_MAX];                   /* shared with the library in the program */
    char work[PATH_MAX];                     /* the folder that the program runs in, with a setup command */
    char output[PATH_MAX], errors[PATH_MAX]; /* of the program */
    char drive_output[2][PATH_MAX];          /* of the drive command, first and second time */
    char known_errors[PATH_MAX];             /* what runs without a failure say, kept by the first of them */
    char setup_output[PATH_MAX]; /* of the setup and check commands, and what the drive command says on stderr
                                  */
};

/* Make the folder, and in it the one to run in. Returns 0 or a negative errno. */
int tn_fail_run_files_make(const char *folder, uint64_t number, struct tn_fail_run_files *ret_files);

/* Remove the folder with all that is in it. */
void tn_fail_run_files_remove(const struct tn_fail_run_files *files);

/* Read the first line of a file that is not empty, and that another file does not have, whatever numbers
 * stand in it; "" where there is none.
 *
 * known  path; NULL: any line will do */
void tn_fail_read_line(const char *path, const char *known, char *ret_line, size_t line_bytes);

/* A hash of what a file holds; of one that is not there as of an empty one. */
uint64_t tn_fail_hash_file(const char *path);

/* Keep what a run without a failure said on stderr, unless that was kept before. */
void tn_fail_keep_errors(const struct tn_fail_run_files *files);

/* Read what was written: output_hash, output_bytes, is_corrupted and message of the outcome. */
void tn_fail_read_output(const struct tn_fail_run_files *files, struct tn_fail_outcome *outcome);

#endif
