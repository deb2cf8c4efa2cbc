/* SPDX-License-Identifier: MIT */
#ifndef TENURE_FINISH_MODULE_FILES_H
#define TENURE_FINISH_MODULE_FILES_H

/* The files of modules, opened for look-ups: the descriptors that the recorder held are preferred to paths.
 * One thread. */

#include "steps.h"

#include "tenure/map.h"
#include "tenure/symbol.h"

#include <stddef.h>

/* Modules that stay open. Zeroed, but for job, is empty. */
struct tn_finish_files {
    struct tn_finish_job *job;     /* borrowed */
    struct tn_symbol_file **files; /* owned; NULL: there is no usable file */
    size_t count, capacity;        /* in files */
    struct tn_map index_of;        /* row id of a module -> index in files */
};

/* Open a module.
 *
 * ret_file      NULL if there is no usable file
 * ret_is_stale  whether that is because the file was replaced since
 * Returns       0; negative errno: job->error says what failed
 * Owns          the caller owns *ret_file; tn_symbol_close releases it */
int tn_finish_open_module(struct tn_finish_job *job, uint64_t module_id, struct tn_symbol_file **ret_file,
                          bool *ret_is_stale);

/* A module of those that stay open, opened at the first question.
 *
 * module_id  0: outside every module
 * ret_file   borrowed until tn_finish_files_finish; NULL if there is no usable file
 * Returns    0; negative errno: job->error says what failed */
int tn_finish_files_get(struct tn_finish_files *modules, uint64_t module_id,
                        struct tn_symbol_file **ret_file);

/* Close them all; empty again. */
void tn_finish_files_finish(struct tn_finish_files *modules);

#endif
