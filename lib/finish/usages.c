/* SPDX-License-Identifier: MIT */
/* Adds up what the chunks tell of each stack and function. */
#include "usages.h"

#include "tenure/map.h"

#include <errno.h>
#include <stdlib.h>

struct tn_finish_usages {
    struct tn_stack_usage *list; /* owned */
    size_t count, capacity;
    struct tn_map index_of; /* a stack, a function and is_birth -> index in list */
};

static int add_usage(struct tn_finish_usages *usages, uint64_t key, const struct tn_stack_usage *usage)
{
    if (usages->count == usages->capacity) {
        size_t capacity = usages->capacity * 2 + 256;
        void *list = realloc(usages->list, capacity * sizeof(usages->list[0]));
        if (list == NULL)
            return -ENOMEM;
        usages->list = list;
        usages->capacity = capacity;
    }
    int r = tn_map_put(&usages->index_of, key, usages->count);
    if (r == 0)
        usages->list[usages->count++] = *usage;
    return r;
}

static int merge(void *context, const struct tn_stack_usage *usage)
{
    struct tn_finish_usages *usages = context;
    uint64_t key =
        usage->stack_id << 10 | (uint64_t)usage->function << 2 | (uint64_t)usage->is_birth << 1 | 1;
    const uint64_t *known = tn_map_find(&usages->index_of, key);
    if (known == NULL)
        return add_usage(usages, key, usage);
    struct tn_stack_usage *sum = &usages->list[*known];
    sum->count += usage->count;
    if (usage->min_size_bytes < sum->min_size_bytes)
        sum->min_size_bytes = usage->min_size_bytes;
    if (usage->max_size_bytes > sum->max_size_bytes)
        sum->max_size_bytes = usage->max_size_bytes;
    return 0;
}

int tn_finish_each_usage(struct tn_finish_job *job,
                         int (*see)(void *context, const struct tn_stack_usage *usage), void *context)
{
    int r = 0;
    if (job->usages == NULL) {
        job->usages = calloc(1, sizeof(*job->usages));
        r = job->usages != NULL ? tn_log_each_stack_usage(job->database, merge, job->usages) : -ENOMEM;
    }
    if (r < 0) {
        tn_finish_usages_forget(job);
        return r;
    }
    for (size_t i = 0; r == 0 && i < job->usages->count; i++)
        r = see(context, &job->usages->list[i]);
    return r;
}

void tn_finish_usages_forget(struct tn_finish_job *job)
{
    if (job->usages == NULL)
        return;
    free(job->usages->list);
    tn_map_finish(&job->usages->index_of);
    free(job->usages);
    job->usages = NULL;
}
