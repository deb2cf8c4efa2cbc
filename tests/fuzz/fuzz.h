/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_H
#define FUZZ_H

/* One reader of what may come from anybody, as libFuzzer calls it. Without libFuzzer, run_corpus.c does: each
 * file of the corpus, and changes of them that follow from a number. Either way a sanitizer, a failed check
 * or the time limit tells that something is wrong. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Read the input. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

/* End the process unless a condition holds. */
static inline void fuzz_check(int is_true, const char *story)
{
    if (is_true)
        return;
    fprintf(stderr, "%s\n", story);
    abort();
}

#endif
