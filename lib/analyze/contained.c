/* SPDX-License-Identifier: MIT */
/* What a kind tells of calls and of the blocks that they contained. Called by the engine. */
#include "tenure/contained.h"

#include <stdlib.h>

void tn_contained_finish(struct tn_contained *contained)
{
    free(contained->parts);
    free(contained->functions);
    *contained = (struct tn_contained){0};
}
