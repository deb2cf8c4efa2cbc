/* SPDX-License-Identifier: MIT */
#ifndef TENURE_RECORDER_STACK_H
#define TENURE_RECORDER_STACK_H

/* The recorder inherits the program's limit of the stack, which is not meant for it: with 64 KiB, SQLite and
 * the demangler have too little. Used by recorder.c and main.c, once, before any thread is made. */

/* Call a function with a stack of TN_RECORDER_STACK_BYTES, whatever the limit; threads that are made from
 * then on have one of that size, too. Where that cannot be had, the stack is as it was.
 *
 * run      what is called, once; on this thread, or, with all signals blocked, on another one while this
 * waits
 * Returns  what it returned */
int tn_recorder_run_on_stack(int (*run)(void *), void *context);

/* The same for the tool, whose limit is passed on to the program that it records: that is not raised. */
int tn_tool_run_on_stack(int (*run)(void *), void *context);

#define TN_RECORDER_STACK_BYTES ((size_t)8 << 20) /* the usual limit */

#endif
