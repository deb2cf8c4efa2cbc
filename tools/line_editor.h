/* SPDX-License-Identifier: MIT */
#ifndef TENURE_LINE_EDITOR_H
#define TENURE_LINE_EDITOR_H

/* Lines from a terminal: with editing, history and completion where the build found libedit or readline
 * (line_editor_full.c), else as the terminal gives them (line_editor_plain.c). One thread; what there is, is
 * the process's: there is one terminal. */

#include <stdbool.h>
#include <stddef.h>

/* Words to complete with; they stay the caller's, and must last. Matched without regard to case. */
void tn_line_editor_complete(char **words, size_t count);

/* Read the history of earlier runs. Without a home it begins empty. */
void tn_line_editor_begin(void);

/* Read a line.
 *
 * prompt           shown before it
 * was_interrupted  whether Ctrl-C was pressed since the last call; the program's handler noted it
 * ret_line         without the newline; the caller owns it (free)
 * Returns          1 a line; 0 the end of the input; -EINTR: Ctrl-C, and what was typed is forgotten;
 *                  -ENOMEM */
int tn_line_editor_read(const char *prompt, bool (*was_interrupted)(void), char **ret_line);

/* Keep a line, or several as one, in the history. */
void tn_line_editor_remember(const char *text);

/* Save the history, for its owner only. */
void tn_line_editor_end(void);

#endif
