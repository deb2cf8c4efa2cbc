/* SPDX-License-Identifier: MIT */
#ifndef TENURE_REPORT_HTML_SINK_H
#define TENURE_REPORT_HTML_SINK_H

/* The sink that writes statements as one self-contained HTML page: no script, nothing loaded from elsewhere.
 * One thread uses a sink. */

#include "sink.h"
#include "tenure/base.h"

/* Begin with tn_html_begin. Written by the sink's functions only. */
struct tn_html_sink {
    struct tn_report_sink sink; /* first: the functions get a pointer to it */
    struct tn_buffer *out;      /* borrowed */
    const char *open;           /* element that further statements of its kind continue; NULL: none */
    int result;                 /* 0, or the first error: nothing is written after it */
};

/* A sink that has begun a page in out, which is borrowed. */
struct tn_html_sink tn_html_begin(struct tn_buffer *out, const char *title);

/* End the page.
 *
 * Returns  0; the first error: -ENOMEM (out then holds a part of the page) */
int tn_html_end(struct tn_html_sink *html);

#endif
