/* SPDX-License-Identifier: MIT */
#ifndef TN_REPORT_PLAN_JSON_H
#define TN_REPORT_PLAN_JSON_H

/* The plan in the JSON report: what findings come to together, lifetimes, steps, and what stays on the heap.
 */

#include "tenure/finding.h"
#include "tenure/json.h"

/* Write what a replay measured of a saving, as members of the open object; nulls where none did. Errors stay
 * in the writer. */
void tn_report_write_measured(struct tn_json *json, const struct tn_finding_saving *saving);

/* Write the member `plan`. findings: NULL: the log was not analysed; the plan is empty. */
void tn_report_write_plan(struct tn_json *json, const struct tn_findings *findings);

#endif
