/* SPDX-License-Identifier: MIT */
#ifndef ANALYZE_FIXTURE_H
#define ANALYZE_FIXTURE_H

/* Small logs of known history, and what the analyzer says of them. Everything fails the test at once when
 * something goes wrong. */

#include "log_fixture.h"
#include "tenure/analyze.h"

struct scene_block {
    uint64_t address;
    uint32_t size_class;
};

/* A recording that is being made up: process 1, thread 1, stacks 1 to 8 of the fixture, each of which is a
 * site of its own, called "true+0x1010" to "true+0x1080". */
struct scene {
    char path[FIXTURE_PATH_BYTES];
    struct tn_log_writer *writer; /* NULL once closed */
    uint64_t time_ns;             /* of the next event; 10 ns more with each; exit begins at 400,000 */
    uint64_t thread_id;           /* of the next event; 1 at first */
    uint64_t depth_bytes;         /* of the next event */
    uint64_t left_depth_bytes;    /* of the next event only: what its thread has left; 0: nothing */
    uint64_t release_stack_id;    /* of releases; 0: that of the birth */
    uint64_t address;
    uint64_t *stacks;           /* owned; by allocation id */
    struct scene_block *blocks; /* owned; by allocation id */
    size_t stack_capacity;
};

/* Begin a recording. */
void scene_begin(struct scene *scene, const char *name);

/* A block is born; usable size as glibc gives it. Returns its id. */
uint64_t scene_birth(struct scene *scene, uint64_t stack_id, uint64_t size_bytes);

/* It dies, from the stack of its birth. */
void scene_death(struct scene *scene, uint64_t id);

/* realloc. Returns the new id. */
uint64_t scene_realloc(struct scene *scene, uint64_t id, uint64_t size_bytes);

/* The stack of another call that the caller of stack_id makes, offset_bytes behind that one. */
uint64_t scene_stack(struct scene *scene, uint64_t stack_id, int64_t offset_bytes);

/* A mark at the time of the next event. */
void scene_mark(struct scene *scene, const char *text);

/* End the recording as closed. */
void scene_close(struct scene *scene);

/* The same, with the process killed by a signal. */
void scene_kill(struct scene *scene);

/* Analyse with these options (NULL: defaults), after scene_close; checks the query of every finding against
 * its evidence. The caller releases the findings. */
void scene_analyze(struct scene *scene, const struct tn_analyze_options *options,
                   struct tn_findings *ret_findings);

/* The only finding of this kind whose first site is that of stack_id, or NULL when there is none. */
const struct tn_finding *scene_find(const struct tn_findings *findings, const char *kind, uint64_t stack_id);

/* A number in the evidence, by its JSON path ("$.peak_count"). */
double scene_number(const struct tn_finding *finding, const char *path);

/* A text in the evidence; the caller frees it. */
char *scene_text(const struct tn_finding *finding, const char *path);

#define SCENE_CHURN_STACK 4

/* Blocks of 48 bytes of stack SCENE_CHURN_STACK that are released at once: work that leaves nothing. */
void scene_churn(struct scene *scene, size_t times);

/* Close the scene if it is not closed yet, and analyse it for kinds, as in tn_analyze_options.only; the
 * caller releases the findings. */
struct tn_findings scene_findings(struct scene *scene, const char *only);

/* scene_end, and release the findings. */
void scene_end_with(struct scene *scene, struct tn_findings *findings);

/* Remove the log and release everything. */
void scene_end(struct scene *scene);

#endif
