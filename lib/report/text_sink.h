/* SPDX-License-Identifier: MIT */
#ifndef TENURE_REPORT_TEXT_SINK_H
#define TENURE_REPORT_TEXT_SINK_H

/* The sink that lays statements out as text for a terminal (format_text.c), for the texts of reports,
 * comparisons and checks. One thread uses a sink. */

#include "sink.h"
#include "tenure/report.h"
#include "text_layout.h"

/* Begin with tn_text_sink. Written by its functions only. */
struct tn_text_sink {
    struct tn_report_sink sink; /* first: the functions get a pointer to it */
    struct tn_text_page page;   /* page.result: the first error */
    int last;                   /* statement that was written before; 0: none */
};

/* A sink that appends to out, which is borrowed.
 *
 * style  NULL: without colours, in lines of 100 columns */
struct tn_text_sink tn_text_sink(struct tn_buffer *out, const struct tn_report_style *style);

#endif
