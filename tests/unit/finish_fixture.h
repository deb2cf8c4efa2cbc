/* SPDX-License-Identifier: MIT */
#ifndef FINISH_FIXTURE_H
#define FINISH_FIXTURE_H

/* A log to be finished, and short ways to do it and to ask for the outcome. Everything fails the test at once
 * when something goes wrong. */

#include "log_fixture.h"
#include "tenure/finish.h"

#define EVENT_COUNT 6000

/* A program that tells its own places, see symbol/truth.h; set by main. */
extern const char *places_program;

/* The offset of the place whose line of output holds text, from the program itself. */
uint64_t place_of(const char *text);

/* The stack of a frame of a module below a caller. */
uint64_t stack_of(struct tn_log_writer *writer, uint64_t module_id, uint64_t offset_bytes,
                  uint64_t caller_id);

/* The log of the fixture (nine stacks of a module that is not the file it was), and with it stacks of a
 * program that has names: 10 main, 11 hidden < main, 12 inner < middle < outer < main, of which the first two
 * are inlined. expected: room for EVENT_COUNT. Returns how many allocations it holds. */
size_t make_log(const char *path, struct tn_allocation *expected);

void finish_with(const char *path, uint64_t rows_max, const char *wrapper_regex);

struct tn_log *open_log(const char *path);

/* All rows of a query as one text, "-" for NULL; the caller frees it. */
char *text_of(const char *path, const char *sql);

/* Check the text of a query. */
void expect(const char *path, const char *sql, const char *expected);

/* Change a log by SQL. */
void change(const char *path, const char *sql);

#endif
