/* SPDX-License-Identifier: MIT */
/* Policy files of `tenure check`. */
#include "fuzz.h"

#include "tenure/check.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    static const char *const kinds[] = {"pool", "stack-buffer", NULL};
    struct tn_check_policy policy = {0};
    struct tn_error error = {0};
    char *text = malloc(size_bytes + 1);
    fuzz_check(text != NULL, "out of memory");
    memcpy(text, data, size_bytes);
    text[size_bytes] = '\0';
    if (tn_check_policy_read(&policy, "policy", text, kinds, &error) < 0)
        fuzz_check(error.text[0] != '\0', "a policy is refused without a word");
    tn_check_policy_finish(&policy);
    free(text);
    return 0;
}
