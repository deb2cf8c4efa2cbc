/* SPDX-License-Identifier: MIT */
#ifndef TN_REPORT_HTML_SAID_H
#define TN_REPORT_HTML_SAID_H

/* A sink that writes statements as entries of a JSON list, each an object with the member that says what it
 * is: "paragraph", "field", "entry", "item", "card". The script of the HTML page shows them, so that it says
 * in the same words what text reports say. */

#include "sink.h"
#include "tenure/json.h"

struct tn_said_sink {
    struct tn_report_sink sink; /* first, so that a pointer to it is one to this */
    struct tn_json *json;       /* borrowed; a list is open in it */
};

/* A sink that appends to the list that is open in json. */
struct tn_said_sink tn_said_sink(struct tn_json *json);

#endif
