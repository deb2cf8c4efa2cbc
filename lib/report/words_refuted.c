/* SPDX-License-Identifier: MIT */
#include "words_refuted.h"

#include "words.h"

const char *tn_words_refuted_meaning(void)
{
    return "Refuted: the program has run with these changes made ('tenure try'), and has contradicted them. "
           "Do "
           "not make them.";
}

/* "; made by f (a.c:1) < g (a.c:9)"; "" where there is no stack. */
static const char *stack_words(struct tn_words *words, const char *before, const char *stack)
{
    return stack[0] != '\0' ? tn_words_print(words, "; %s %s", before, stack) : "";
}

const char *tn_words_refuted(struct tn_words *words, const struct tn_finding *finding)
{
    const struct tn_refutation *refutation = &finding->refuted_by;
    char key[TN_FINDING_KEY_BYTES];
    return tn_words_print(words, "Not true (%s, %s): %s. %s%s%s. %s", finding->kind,
                          tn_finding_key_print(finding, key), tn_words_title(words, finding),
                          refutation->what, stack_words(words, "made by", refutation->birth),
                          stack_words(words, "seen in", refutation->moment), refutation->next);
}
