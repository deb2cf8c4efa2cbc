/* SPDX-License-Identifier: MIT */
#include "tenure/analyze.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    const struct tn_finding *left = a, *right = b;
    if (left->confidence != right->confidence)
        return left->confidence < right->confidence ? 1 : -1;
    if (left->saving.allocations_removed != right->saving.allocations_removed)
        return left->saving.allocations_removed < right->saving.allocations_removed ? 1 : -1;
    return (left->saving.bytes_removed < right->saving.bytes_removed) -
           (left->saving.bytes_removed > right->saving.bytes_removed);
}

int tn_findings_rank(struct tn_findings *findings)
{
    if (findings->count != 0)
        qsort(findings->items, findings->count, sizeof(findings->items[0]), compare);
    for (size_t i = 0; i < findings->count; i++)
        findings->items[i].rank = (uint32_t)i + 1;
    return 0;
}
