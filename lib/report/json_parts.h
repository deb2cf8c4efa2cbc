/* SPDX-License-Identifier: MIT */
#ifndef TN_REPORT_JSON_PARTS_H
#define TN_REPORT_JSON_PARTS_H

/* Parts of the JSON report that the HTML page holds as well, with the keys of docs/analyses.md. Errors stay
 * in the writer. */

#include "tenure/finding.h"
#include "tenure/json.h"
#include "tenure/summary.h"

/* The member "recording". */
void tn_report_write_recording(struct tn_json *json, const struct tn_summary *summary);

/* One process, as an entry of a list. */
void tn_report_write_process(struct tn_json *json, const struct tn_summary_process *process);

/* The member "totals". */
void tn_report_write_totals(struct tn_json *json, const struct tn_summary *summary);

/* The member "losses". */
void tn_report_write_losses(struct tn_json *json, const struct tn_summary_losses *losses);

/* The member "saving" of a finding. */
void tn_report_write_saving(struct tn_json *json, const struct tn_finding_saving *saving);

#endif
