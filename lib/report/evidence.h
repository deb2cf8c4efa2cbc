/* SPDX-License-Identifier: MIT */
#ifndef TN_REPORT_EVIDENCE_H
#define TN_REPORT_EVIDENCE_H

/* The evidence of a finding, which is a JSON object whose keys depend on the kind, as words for people. */

#include "tenure/base.h"

#include <stddef.h>

/* One member of an object. */
struct tn_evidence_member {
    char key[64];      /* without escapes; cut when longer */
    const char *value; /* in the object's text: not ended there */
    size_t value_bytes;
};

/* The first member at or after a place in the text of an object.
 *
 * at       the object's start, or what the call before returned
 * Returns  where the next one is looked for; NULL when there is none */
const char *tn_evidence_next(const char *at, struct tn_evidence_member *ret_member);

/* Append what carries the statement, as "90,000 blocks seen, at most 1 at once, all gone before the return of
 * main (app.c:12)"; of a kind that is not known, all members by their keys. Units are taken from the keys'
 * endings; lists are told by the number of their entries. out is empty before. Returns 0 or -ENOMEM. */
int tn_evidence_print(const char *kind, const char *evidence, struct tn_buffer *out);

#endif
