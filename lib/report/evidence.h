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

/* Append the members with plain values and the objects that are places, as "buffer 64 B, owner main
 * (app.c:12), instances 90,000"; lists by the number of their entries. The unit is taken from the key's
 * ending. Returns 0 or -ENOMEM. */
int tn_evidence_print(const char *evidence, struct tn_buffer *out);

#endif
