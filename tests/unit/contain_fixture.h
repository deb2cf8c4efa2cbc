/* SPDX-License-Identifier: MIT */
#ifndef TN_CONTAIN_FIXTURE_H
#define TN_CONTAIN_FIXTURE_H

/* Recordings with stacks of made-up places, for the analyses that ask which calls hold a block. */

#include "analyze_fixture.h"

/* Stacks are written from the root: PLACE(function, line), main first. The line of a call tells what stands
 * before what. Frames have 64 bytes each. */
#define PLACE(function, line) (0x100000u + 0x1000u * (function) + (line))
#define TAIL                  4000 /* added to a line: the call is a jump, and ends its function */
#define MAIN                  1
#define F                     2
#define G                     3
#define H                     4
#define FRAME_BYTES           64u
#define ROOT_BYTES            256u
#define ROUNDS                60

#define AT(...) (const uint64_t[]){__VA_ARGS__}, sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t)

/* The row of a stack. */
uint64_t stack_at(struct scene *scene, const uint64_t *places, size_t count);

/* One event of the thread at a place: a block is born, or dies. */
uint64_t birth(struct scene *scene, uint64_t size_bytes, const uint64_t *places, size_t count);

void death(struct scene *scene, uint64_t id, const uint64_t *places, size_t count);

/* Something else happens at a place. */
void event(struct scene *scene, const uint64_t *places, size_t count);

/* Begin a recording of one thread. */
void begin(struct scene *scene);

/* Close, name the places, analyse both kinds. */
void analyze(struct scene *scene, const char *only, struct tn_findings *ret_findings);

/* The finding of that kind about that line, or NULL. */
const struct tn_finding *find(const struct tn_findings *findings, const char *kind, uint32_t function,
                              uint32_t line);

/* A member of the evidence, by its JSON path. */
void check_text(const struct tn_finding *finding, const char *path, const char *expected);

/* The buffer of (function, line) belongs to an owner; confidence as expected. */
const struct tn_finding *check_buffer(const struct tn_findings *findings, uint32_t function, uint32_t line,
                                      const char *owner, unsigned frames_down);

/* Whether it is stated with more than weak confidence. */
bool is_claimed(const struct tn_findings *findings, const char *kind, uint32_t function, uint32_t line);

/* Release findings and recording. */
void end(struct scene *scene, struct tn_findings *findings);

#endif
