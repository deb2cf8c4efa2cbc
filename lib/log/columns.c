/* SPDX-License-Identifier: MIT */
#include "columns.h"

#include "tenure/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *const tn_column_names[TN_COLUMN_COUNT] = {
    "op",   "time",   "thread",  "stack",     "stack_id", "depth", "id",
    "size", "excess", "address", "alignment", "previous", "death", "old_death",
};

void tn_predict_reset(struct tn_predict *predict, uint64_t first_ns, uint64_t first_id)
{
    struct tn_predict_stack *stacks = predict->stacks;
    uint32_t stack_capacity = predict->stack_capacity;
    memset(predict, 0, sizeof(*predict));
    predict->stacks = stacks;
    predict->stack_capacity = stack_capacity;
    predict->last_ns = first_ns;
    predict->last_id = first_id != 0 ? first_id - 1 : 0;
}

int tn_predict_add_stack(struct tn_predict *predict, uint64_t id)
{
    if (predict->stack_count == predict->stack_capacity) {
        uint32_t wider = predict->stack_capacity != 0 ? predict->stack_capacity * 2 : 256;
        struct tn_predict_stack *stacks = realloc(predict->stacks, wider * sizeof(stacks[0]));
        if (stacks == NULL)
            return -ENOMEM;
        predict->stacks = stacks;
        predict->stack_capacity = wider;
    }
    predict->stacks[predict->stack_count++] = (struct tn_predict_stack){.id = id};
    return 0;
}

void tn_predict_finish(struct tn_predict *predict)
{
    free(predict->stacks);
    *predict = (struct tn_predict){0};
}

uint64_t tn_chunk_checksum(const uint8_t *data, size_t data_bytes)
{
    uint64_t sum = data_bytes;
    for (size_t i = 0; i < data_bytes; i += 8) {
        uint64_t word = 0;
        size_t left = data_bytes - i;
        memcpy(&word, data + i, left < 8 ? left : 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
#endif
        sum = tn_mix(sum ^ word);
    }
    return sum;
}
