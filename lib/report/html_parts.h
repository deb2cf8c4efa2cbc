/* SPDX-License-Identifier: MIT */
#ifndef TN_REPORT_HTML_PARTS_H
#define TN_REPORT_HTML_PARTS_H

/* The fixed parts of the HTML page: markup, style, D3 and scripts, which html/embed.c has made C arrays of.
 * The data stand between the two. */

#include <stddef.h>

extern const unsigned char tn_html_before[]; /* up to the data; not ended by 0 */
extern const size_t tn_html_before_bytes;
extern const unsigned char tn_html_after[]; /* what follows them; likewise */
extern const size_t tn_html_after_bytes;

#endif
