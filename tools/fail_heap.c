/* SPDX-License-Identifier: MIT */
/* Reads the options of the small heap that `tenure fail` and `tenure try` run a program in. What is read is
 * handed to the library in the program as text, which reads it once more there: so it has to be right here.
 */
#include "fail_heap.h"

#include "policy_option.h"

#include "tenure/heap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int tn_fail_heap_read(const struct tn_arguments *arguments, struct tn_fail_command *command,
                      struct tn_error *error)
{
    const char *policy = tn_option_text(arguments, "policy");
    struct tn_heap_options heap;
    struct tn_replay_options model;
    struct tn_heap *opened = NULL;
    char option[64];
    tn_heap_options_init(&heap);
    int r = tn_option_count(arguments, "pointer-size", 4, 8, sizeof(void *), &command->pointer_bytes, error);
    if (r < 0 || policy == NULL)
        return r;
    if (command->limit_bytes == 0)
        return tn_error_set(error, -EINVAL, "option '--policy' of '%s': a model needs '--heap BYTES'",
                            arguments->command);
    if (strchr(policy, ',') != NULL || strlen(policy) >= TN_INJECT_POLICY_BYTES)
        return tn_error_set(error, -EINVAL,
                            "option '--policy' of '%s': '%s' is not one model; see 'tenure %s --help'",
                            arguments->command, policy, arguments->command);
    heap.heap_bytes = command->limit_bytes;
    heap.pointer_bytes = command->pointer_bytes;
    snprintf(option, sizeof(option), "option '--policy' of '%s'", arguments->command);
    r = tn_policy_option_parse(option, policy, &heap, &model, error);
    if (r == 0)
        r = tn_heap_open(model.policy, &model.heap, &opened, error);
    tn_heap_close(opened);
    command->policy = policy;
    return r;
}
