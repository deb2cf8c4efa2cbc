/* SPDX-License-Identifier: MIT */
#ifndef TN_REPORT_HTML_DATA_H
#define TN_REPORT_HTML_DATA_H

/* The data of the HTML page as JSON: rows are lists without keys, names are numbers of texts. The script
 * html/data.js reads what these functions write, column by column; the two change together. */

#include "html_texts.h"
#include "tenure/json.h"
#include "tenure/report.h"

#include <stddef.h>

/* How much of a log a page tells, so that it stays below its size. */
struct tn_html_detail {
    size_t site_max;    /* sites of the table */
    size_t finding_max; /* findings with all that is known of them */
    size_t link_max;    /* who holds whose address */
    size_t length_max;  /* bytes of a name */
};

/* The member "charts": figures over time, by size, stack and thread. */
void tn_html_write_charts(const struct tn_charts *charts, struct tn_html_texts *texts, struct tn_json *json);

/* The member "map": the heap over time, or null. */
void tn_html_write_maps(const struct tn_charts *charts, struct tn_json *json);

/* The members "sites" and "sites_left_out": those with most allocations, and those with the highest peaks. */
void tn_html_write_sites(const struct tn_summary *summary, size_t site_max, struct tn_html_texts *texts,
                         struct tn_json *json);

/* The members "links" and "links_left_out". */
void tn_html_write_links(const struct tn_summary *summary, size_t link_max, struct tn_html_texts *texts,
                         struct tn_json *json);

/* The member "findings": of those that are shown, the figures that the page draws. */
void tn_html_write_findings(const struct tn_report *report, struct tn_json *json);

#endif
