/* SPDX-License-Identifier: MIT */
#ifndef TENURE_TESTS_UNIT_REPORT_FIXTURE_H
#define TENURE_TESTS_UNIT_REPORT_FIXTURE_H

/* A report with findings for the tests of its formats. */

#include "tenure/report.h"

#include <stdbool.h>

/* Findings own their strings, so they are not const; nobody changes them here. */
#define S(text) ((char *)(text))

extern struct tn_finding fixture_items[3];
extern struct tn_findings fixture_findings;
extern struct tn_summary fixture_summary;
/* All of them, whatever their confidence. */
extern struct tn_report fixture_report;

/* Set-up and tear-down of a group of tests: the evidence of the findings. Return 0 or a negative errno. */
int fixture_fill_evidence(void **state);
int fixture_drop_evidence(void **state);

/* A report as a string, owned by the caller (free). */
char *fixture_write_report(const struct tn_report *report, const char *format);

/* Fails the test unless these words are in the report, or are not. */
void fixture_assert_part(const struct tn_report *report, const char *format, const char *words,
                         bool is_there);

#endif
