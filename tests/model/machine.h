/* SPDX-License-Identifier: MIT */
#ifndef TENURE_MODEL_MACHINE_H
#define TENURE_MODEL_MACHINE_H

/* The machine that a scene runs on: threads, their store buffers, a futex queue and a clock. It does one
 * action at a time, and is as deterministic as the scene. Used by explorer.c; one machine a process. */

#include "model.h"

enum machine_action_kind {
    MACHINE_STEP,     /* thread: make the operation that it stands before, and run to the next one */
    MACHINE_DRAIN,    /* thread, index: one of its stores becomes visible */
    MACHINE_TIME_OUT, /* thread: its futex wait times out */
    MACHINE_KILL,     /* thread */
    MACHINE_STOP,     /* thread */
};

struct machine_action {
    enum machine_action_kind kind;
    int thread;
    int index;
};

/* Take a scene and a fault (or NULL) into use. */
void machine_load(const struct model_scene *scene, const struct model_fault *fault);

/* Put everything at its beginning, each thread before its first operation. */
void machine_begin(void);

/* All actions that are possible now; none: the order has ended. Fails the scene if a thread waits that must
 * not. */
int machine_choices(struct machine_action *choices, int room);

void machine_act(struct machine_action action);

struct machine_snapshot;

/* Keep the whole state, and come back to it.
 *
 * snapshot  NULL, or one that is not needed any more
 * Returns   where the state is kept; never freed */
struct machine_snapshot *machine_save(struct machine_snapshot *snapshot);
void machine_restore(const struct machine_snapshot *snapshot);

/* Hash of the whole state. */
uint64_t machine_hash(void);

/* At an end: let the scene judge it. */
void machine_check(void);

bool machine_has_failed(void);
const char *machine_story(void);

/* One line on stdout, for the way to a failure. */
void machine_print_action(struct machine_action action);

#endif
