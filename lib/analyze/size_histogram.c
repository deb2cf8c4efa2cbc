/* SPDX-License-Identifier: MIT */
/* Counts sizes. The last size is kept apart until another one comes, because most sites ask for one size
 * again and again; the others are in a hash map. Beyond TN_SIZE_HISTOGRAM_MAX different sizes, new ones are
 * rounded up. `fixed-maximum` and `presize` use it. */
#include "tenure/size_histogram.h"

#include <errno.h>
#include <stdlib.h>

static uint64_t rounded(uint64_t size_bytes)
{
    unsigned bits = size_bytes != 0 ? 64u - (unsigned)__builtin_clzll(size_bytes) : 1;
    uint64_t step = bits > 7 ? UINT64_C(1) << (bits - 7) : 1;
    return (size_bytes + step - 1) / step * step;
}

static int put_last(struct tn_size_histogram *sizes)
{
    if (sizes->last_count == 0)
        return 0;
    uint64_t key = sizes->last_size_bytes + 1;
    uint64_t *count = tn_map_find(&sizes->counts, key);
    if (count == NULL && sizes->counts.count >= TN_SIZE_HISTOGRAM_MAX) {
        key = rounded(sizes->last_size_bytes) + 1;
        count = tn_map_find(&sizes->counts, key);
    }
    if (count != NULL) {
        *count += sizes->last_count;
        sizes->last_count = 0;
        return 0;
    }
    int r = tn_map_put(&sizes->counts, key, sizes->last_count);
    if (r == 0)
        sizes->last_count = 0;
    return r;
}

int tn_size_histogram_add(struct tn_size_histogram *sizes, uint64_t size_bytes, uint64_t times)
{
    if (sizes->last_size_bytes != size_bytes) {
        int r = put_last(sizes);
        if (r < 0)
            return r;
        sizes->last_size_bytes = size_bytes;
    }
    sizes->last_count += times;
    sizes->total += times;
    return 0;
}

static int compare(const void *a, const void *b)
{
    uint64_t left = ((const struct tn_size_count *)a)->size_bytes;
    uint64_t right = ((const struct tn_size_count *)b)->size_bytes;
    return (left > right) - (left < right);
}

int tn_size_histogram_list(struct tn_size_histogram *sizes, struct tn_size_count **ret_list,
                           size_t *ret_count)
{
    int r = put_last(sizes);
    if (r < 0)
        return r;
    struct tn_size_count *list = malloc((sizes->counts.count + 1) * sizeof(list[0]));
    if (list == NULL)
        return -ENOMEM;
    size_t count = 0;
    for (size_t i = 0; i < sizes->counts.capacity; i++) {
        const struct tn_map_entry *entry = &sizes->counts.entries[i];
        if (entry->key != 0 && entry->value != 0)
            list[count++] = (struct tn_size_count){entry->key - 1, entry->value};
    }
    if (count != 0)
        qsort(list, count, sizeof(list[0]), compare);
    *ret_list = list;
    *ret_count = count;
    return 0;
}

uint64_t tn_size_histogram_quantile(const struct tn_size_count *list, size_t count, uint64_t permille)
{
    uint64_t total = 0, seen = 0;
    for (size_t i = 0; i < count; i++)
        total += list[i].count;
    uint64_t rank = total / 1000 * permille + (total % 1000 * permille + 999) / 1000;
    for (size_t i = 0; i < count; i++) {
        seen += list[i].count;
        if (seen >= rank)
            return list[i].size_bytes;
    }
    return 0;
}

void tn_size_histogram_finish(struct tn_size_histogram *sizes)
{
    tn_map_finish(&sizes->counts);
    *sizes = (struct tn_size_histogram){0};
}
