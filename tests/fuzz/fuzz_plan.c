/* SPDX-License-Identifier: MIT */
/* Lists of findings and steps, as `tenure simulate --plan` takes them, spelled out for a plan of two steps.
 */
#include "fuzz.h"

#include "tenure/plan.h"

#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    struct tn_plan_part parts[] = {{.rank = 1, .key = 0xffffffff}, {.rank = 2, .key = 0}};
    struct tn_plan_step steps[] = {{.letter = 'A', .parts = parts, .part_count = 2},
                                   {.letter = 'B', .parts = parts + 1, .part_count = 1}};
    const struct tn_plan plan = {.steps = steps, .step_count = 2};
    char *names = malloc(size_bytes + 1), *written = NULL, letter = '\0';
    fuzz_check(names != NULL, "out of memory");
    memcpy(names, data, size_bytes);
    names[size_bytes] = '\0';
    int r = tn_plan_expand(&plan, names, &written, &letter);
    fuzz_check(r == 0 || r == -EINVAL, "a list is refused for another reason than a letter");
    fuzz_check(r == 0 ? written != NULL : written == NULL && letter != '\0' && strchr(names, letter) != NULL,
               "the letter is not told");
    fuzz_check(r != 0 || strlen(written) >= strlen(names), "a name is lost");
    free(written);
    free(names);
    return 0;
}
