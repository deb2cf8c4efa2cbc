/* SPDX-License-Identifier: MIT */
/* What a trial in the program has to say against a finding: copied, released, and written as JSON, which is
 * what the log keeps. */
#include "tenure/finding.h"
#include "tenure/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int copy(const char *text, char **ret_copy)
{
    *ret_copy = strdup(text != NULL ? text : "");
    return *ret_copy != NULL ? 0 : -ENOMEM;
}

void tn_refutation_finish(struct tn_refutation *refutation)
{
    free(refutation->what);
    free(refutation->birth);
    free(refutation->moment);
    free(refutation->next);
    free(refutation->program);
    free(refutation->tried_at);
    *refutation = (struct tn_refutation){0};
}

int tn_finding_refute(struct tn_finding *finding, const struct tn_refutation *refutation)
{
    struct tn_refutation own = {0};
    int r = copy(refutation->what, &own.what);
    if (r == 0)
        r = copy(refutation->birth, &own.birth);
    if (r == 0)
        r = copy(refutation->moment, &own.moment);
    if (r == 0)
        r = copy(refutation->next, &own.next);
    if (r == 0)
        r = copy(refutation->program, &own.program);
    if (r == 0)
        r = copy(refutation->tried_at, &own.tried_at);
    if (r < 0) {
        tn_refutation_finish(&own);
        return r;
    }
    tn_refutation_finish(&finding->refuted_by);
    finding->refuted_by = own;
    return 0;
}

void tn_finding_write_refutation(const struct tn_finding *finding, const char *key, struct tn_json *json)
{
    const struct tn_refutation *refutation = &finding->refuted_by;
    if (!tn_finding_is_refuted(finding)) {
        tn_json_null(json, key);
        return;
    }
    tn_json_open_object(json, key);
    tn_json_text(json, "what", refutation->what);
    tn_json_text(json, "birth", refutation->birth);
    tn_json_text(json, "moment", refutation->moment);
    tn_json_text(json, "next", refutation->next);
    tn_json_text(json, "program", refutation->program);
    tn_json_text(json, "tried_at", refutation->tried_at);
    tn_json_close_object(json);
}
