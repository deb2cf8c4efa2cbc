/* SPDX-License-Identifier: MIT */
#ifndef TENURE_FINISH_MODULE_FILES_H
#define TENURE_FINISH_MODULE_FILES_H

/* The files of modules, opened for look-ups: the descriptors that the recorder held are preferred to paths.
 * All steps that look up share them, since reading the debug information of a library takes a tenth of a
 * second. One thread. */

#include "steps.h"

#include "tenure/code.h"
#include "tenure/map.h"
#include "tenure/symbol.h"

#include <stdbool.h>
#include <stddef.h>

/* A module's file. */
struct tn_finish_file {
    struct tn_symbol_file *file; /* owned; NULL: there is no usable file */
    bool is_stale;               /* that is because the file was replaced since */
    struct tn_code *code; /* owned; its machine code; NULL: not asked for so far, or it cannot be read */
    bool has_code;        /* it was asked for */
};

/* Modules that are open. Zeroed is empty. */
struct tn_finish_files {
    struct tn_finish_file *files; /* owned */
    size_t count, capacity;       /* in files */
    struct tn_map index_of;       /* row id of a module -> index in files */
};

/* A module of job->files, opened at the first question.
 *
 * module_id     0: outside every module
 * ret_file      borrowed until tn_finish_files_close; NULL if there is no usable file
 * ret_is_stale  whether that is because the file was replaced since; may be NULL
 * Returns       0; negative errno: job->error says what failed */
int tn_finish_files_get(struct tn_finish_job *job, uint64_t module_id, struct tn_symbol_file **ret_file,
                        bool *ret_is_stale);

/* The machine code of a module of job->files, opened at the first question.
 *
 * ret_code  borrowed until tn_finish_files_close; NULL: it cannot be read
 * Returns   as above */
int tn_finish_files_code(struct tn_finish_job *job, uint64_t module_id, struct tn_code **ret_code);

/* Close all of job->files; empty again. */
void tn_finish_files_close(struct tn_finish_job *job);

#endif
