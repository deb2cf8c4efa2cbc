/* SPDX-License-Identifier: MIT */
#ifndef TN_TEST_CHECK_FIXTURE_H
#define TN_TEST_CHECK_FIXTURE_H

/* A policy as a file would hold it, read for three kinds of finding. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tenure/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kinds[] = {"pool", "growth", "stack-buffer", NULL};

static inline int read_policy(struct tn_check_policy *policy, const char *text, char *ret_why)
{
    struct tn_error error = {0};
    char *copy = strdup(text);
    assert_non_null(copy);
    int r = tn_check_policy_read(policy, "ci.policy", copy, kinds, &error);
    snprintf(ret_why, TN_ERROR_TEXT_BYTES, "%s", error.text);
    free(copy);
    return r;
}

#endif
