/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_FIND_RECORDER_H
#define TENURE_SHIM_FIND_RECORDER_H

/* Looks for a recorder that serves this process already, in the order that session.h gives. All functions:
 * between tn_own_begin and tn_own_end, by the thread that starts the process. */

#include <stdbool.h>

/* Connect to the recorder of this process, of an ancestor, or of the log that TENURE_LOG names.
 *
 * ret_is_told  written with -ECONNREFUSED: somebody has said before that the recorder has died
 * Returns      the connected socket; -ENOENT: there is none; -ECONNREFUSED: it has died; other negative errno
 * Cost         for each ancestor up to the one that is recorded: its stat file, and a system call a place */
int tn_find_recorder(bool *ret_is_told);

/* Connect to the recorder at a path that was handed down. As above; -ENOENT with ret_is_told: it has closed
 * the log, or somebody has said that it has died; without: there is no such folder here. */
int tn_find_recorder_at(const char *path, bool *ret_is_told);

/* Whether the parent has the shim and is not recorded: then it has said why, if anything had to be said. */
bool tn_parent_has_told(void);

/* Note for what this process executes, and for its descendants, that it has said why it is not recorded. */
void tn_note_told(void);

/* Whether an earlier image of this process, or an ancestor, has noted that. Costs as tn_find_recorder. */
bool tn_is_told(void);

#endif
