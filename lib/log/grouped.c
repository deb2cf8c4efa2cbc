/* SPDX-License-Identifier: MIT */

/* Counts equal rows of `allocation` while the births of a log are read, sorts what is different, and gives it
 * out. Used by the scan of the virtual table (allocation_vtab.c). */

#include "grouped.h"

#include "allocation_columns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_EVENTS 64    /* they stay in the first-level cache */
#define FIRST_SLOTS  1024u /* a power of two */

#define BIT(column) (UINT64_C(1) << (column))

/* What makes rows different, in words that are hashed and compared; what is not of interest is 0. Ids share
 * words: the low half first. */
struct key {
    uint64_t size_bytes, usable_size_bytes, alignment_bytes, depth_bytes;
    uint64_t process_thread;
    uint64_t stack_function; /* the site instead, where the stack is not of interest */
};

struct equal_rows {
    struct key key;
    uint64_t count;    /* equal rows */
    uint32_t stack_id; /* one of them; for the site */
};

/* A birth of the batch that is wanted. */
struct counted {
    struct key key;
    uint64_t hash;
    uint32_t stack_id;
};

struct tn_grouped {
    struct tn_grouped_wish wish;
    struct tn_cursor_range range;
    struct tn_event_cursor *cursor; /* owned; NULL: all has been read */
    struct equal_rows *groups;      /* owned */
    uint64_t count, capacity;
    uint32_t *slots_1; /* owned; hash table: index of a group + 1; 0: free */
    uint64_t slot_count;
    uint64_t index, left; /* groups begun, and how often the last of them is still to be given */
    struct tn_allocation out;
    struct tn_log_event batch[BATCH_EVENTS];
    struct counted counted[BATCH_EVENTS];
};

uint64_t tn_grouped_columns(void)
{
    return BIT(COLUMN_PROCESS_ID) | BIT(COLUMN_THREAD_ID) | BIT(COLUMN_STACK_ID) | BIT(COLUMN_SITE_ID) |
           BIT(COLUMN_FUNCTION) | BIT(COLUMN_FUNCTION_ID) | BIT(COLUMN_SIZE_BYTES) |
           BIT(COLUMN_USABLE_SIZE_BYTES) | BIT(COLUMN_EXCESS_BYTES) | BIT(COLUMN_ALIGNMENT_BYTES) |
           BIT(COLUMN_STACK_DEPTH_BYTES) | BIT(COLUMN_SCHEMA);
}

/* ---------------------------------------------------------------------------------------- counting */

static struct key key_of(const struct tn_grouped *grouped, const struct tn_log_event *birth)
{
    uint64_t columns = grouped->wish.columns;
    struct key key = {0};
    if ((columns & (BIT(COLUMN_SIZE_BYTES) | BIT(COLUMN_EXCESS_BYTES))) != 0)
        key.size_bytes = birth->size_bytes;
    if ((columns & (BIT(COLUMN_USABLE_SIZE_BYTES) | BIT(COLUMN_EXCESS_BYTES))) != 0)
        key.usable_size_bytes = birth->usable_size_bytes;
    if ((columns & BIT(COLUMN_ALIGNMENT_BYTES)) != 0)
        key.alignment_bytes = birth->alignment_bytes;
    if ((columns & BIT(COLUMN_STACK_DEPTH_BYTES)) != 0)
        key.depth_bytes = birth->depth_bytes;
    if ((columns & BIT(COLUMN_PROCESS_ID)) != 0)
        key.process_thread = (uint32_t)birth->process_id;
    if ((columns & BIT(COLUMN_THREAD_ID)) != 0)
        key.process_thread |= birth->thread_id << 32;
    if ((columns & BIT(COLUMN_STACK_ID)) != 0)
        key.stack_function = (uint32_t)birth->stack_id;
    else if ((columns & BIT(COLUMN_SITE_ID)) != 0)
        key.stack_function = (uint32_t)tn_cursor_site(&grouped->range, birth->stack_id);
    if ((columns & (BIT(COLUMN_FUNCTION) | BIT(COLUMN_FUNCTION_ID))) != 0)
        key.stack_function |= (uint64_t)birth->function << 32;
    return key;
}

#define KEY_WORDS (sizeof(struct key) / 8)

/* A sum of products by odd constants, which the processor computes side by side, and whose high half every
 * word has changed; that half chooses the slot. */
static uint64_t hash_of(const struct key *key)
{
    static const uint64_t factors[KEY_WORDS] = {
        UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0xc2b2ae3d27d4eb4f), UINT64_C(0x165667b19e3779f9),
        UINT64_C(0xd6e8feb86659fd93), UINT64_C(0xa0761d6478bd642f), UINT64_C(0xe7037ed1a0b428db),
    };
    uint64_t words[KEY_WORDS], hash = 0;
    memcpy(words, key, sizeof(words));
    for (size_t i = 0; i < KEY_WORDS; i++)
        hash += words[i] * factors[i];
    return hash >> 32;
}

static bool is_same(const uint64_t *words, const struct key *key)
{
    uint64_t others[KEY_WORDS], different = 0;
    memcpy(others, key, sizeof(others));
    for (size_t i = 0; i < KEY_WORDS; i++)
        different |= words[i] ^ others[i];
    return different == 0;
}

/* The slot of a key: its own, or the free one where it belongs. */
static uint32_t *find_slot(const struct tn_grouped *grouped, const struct key *key, uint64_t hash)
{
    uint64_t words[KEY_WORDS];
    memcpy(words, key, sizeof(words));
    for (;; hash++) {
        uint32_t *index_1 = &grouped->slots_1[hash & (grouped->slot_count - 1)];
        if (*index_1 == 0 || is_same(words, &grouped->groups[*index_1 - 1].key))
            return index_1;
    }
}

/* Twice as many slots; at most half of them are taken. */
static int widen(struct tn_grouped *grouped)
{
    uint64_t slot_count = grouped->slot_count != 0 ? grouped->slot_count * 2 : FIRST_SLOTS;
    if (slot_count > UINT32_MAX) /* as many as hash_of has values */
        return -ENOMEM;
    uint32_t *slots_1 = calloc(slot_count, sizeof(slots_1[0]));
    struct equal_rows *groups = realloc(grouped->groups, slot_count / 2 * sizeof(groups[0]));
    if (groups != NULL)
        grouped->groups = groups;
    if (slots_1 == NULL || groups == NULL) {
        free(slots_1);
        return -ENOMEM;
    }
    free(grouped->slots_1);
    grouped->slots_1 = slots_1;
    grouped->slot_count = slot_count;
    grouped->capacity = slot_count / 2;
    for (uint64_t i = 0; i < grouped->count; i++)
        *find_slot(grouped, &groups[i].key, hash_of(&groups[i].key)) = (uint32_t)i + 1;
    return 0;
}

static int count_birth(struct tn_grouped *grouped, const struct counted *birth)
{
    uint32_t *index_1 = find_slot(grouped, &birth->key, birth->hash);
    if (*index_1 == 0) {
        if (grouped->count == grouped->capacity) {
            int r = widen(grouped);
            if (r < 0)
                return r;
            index_1 = find_slot(grouped, &birth->key, birth->hash);
        }
        grouped->groups[grouped->count++] =
            (struct equal_rows){.key = birth->key, .stack_id = birth->stack_id};
        *index_1 = (uint32_t)grouped->count;
    }
    grouped->groups[*index_1 - 1].count++;
    return 0;
}

/* The keys of a batch, and their slots on the way into the cache. Returns how many are wanted. */
static uint32_t prepare(struct tn_grouped *grouped, uint32_t event_count)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < event_count; i++) {
        const struct tn_log_event *birth = &grouped->batch[i];
        if (!tn_cursor_wants(&grouped->range, birth))
            continue;
        struct counted *counted = &grouped->counted[count++];
        counted->key = key_of(grouped, birth);
        counted->hash = hash_of(&counted->key);
        counted->stack_id = (uint32_t)birth->stack_id;
        __builtin_prefetch(&grouped->slots_1[counted->hash & (grouped->slot_count - 1)]);
    }
    return count;
}

/* In three rounds, because a group that is not in the cache takes longer to arrive than all the rest. */
static int count_batch(struct tn_grouped *grouped, uint32_t event_count)
{
    uint32_t count = prepare(grouped, event_count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t index_1 = grouped->slots_1[grouped->counted[i].hash & (grouped->slot_count - 1)];
        if (index_1 != 0)
            __builtin_prefetch(&grouped->groups[index_1 - 1], 1);
    }
    int r = 0;
    for (uint32_t i = 0; i < count && r == 0; i++)
        r = count_birth(grouped, &grouped->counted[i]);
    return r;
}

static int count_births(struct tn_grouped *grouped)
{
    int r;
    while ((r = tn_event_cursor_read(grouped->cursor, grouped->batch, BATCH_EVENTS)) > 0) {
        r = count_batch(grouped, (uint32_t)r);
        if (r < 0)
            return r;
    }
    return r;
}

/* ---------------------------------------------------------------------------------------- order */

static enum tn_function function_of(const struct equal_rows *group)
{
    return (enum tn_function)(group->key.stack_function >> 32);
}

/* The value of a column as a number that has its order. NULL, which SQLite puts first, is 0. */
static int64_t value_of(const struct tn_grouped *grouped, const struct equal_rows *group, unsigned column)
{
    const struct key *key = &group->key;
    switch (column) {
    case COLUMN_PROCESS_ID:
        return (uint32_t)key->process_thread;
    case COLUMN_THREAD_ID:
        return (int64_t)(key->process_thread >> 32);
    case COLUMN_STACK_ID:
        return (uint32_t)key->stack_function;
    case COLUMN_SITE_ID:
        return (int64_t)tn_cursor_site(&grouped->range, group->stack_id);
    case COLUMN_FUNCTION_ID:
        return (int64_t)(key->stack_function >> 32);
    case COLUMN_SIZE_BYTES:
        return (int64_t)key->size_bytes;
    case COLUMN_USABLE_SIZE_BYTES:
        return (int64_t)key->usable_size_bytes;
    case COLUMN_EXCESS_BYTES:
        return (int64_t)(key->usable_size_bytes - key->size_bytes);
    case COLUMN_ALIGNMENT_BYTES:
        return (int64_t)key->alignment_bytes;
    case COLUMN_STACK_DEPTH_BYTES:
        return (int64_t)key->depth_bytes;
    default:
        return 0; /* COLUMN_SCHEMA: one log */
    }
}

static int compare_in(const struct tn_grouped *grouped, const struct equal_rows *left,
                      const struct equal_rows *right, unsigned column)
{
    if (column == COLUMN_FUNCTION)
        return strcmp(tn_function_name(function_of(left)), tn_function_name(function_of(right)));
    int64_t a = value_of(grouped, left, column), b = value_of(grouped, right, column);
    return (a > b) - (a < b);
}

static int compare_groups(const void *left, const void *right, void *context)
{
    const struct tn_grouped *grouped = context;
    for (uint32_t i = 0; i < grouped->wish.order_count; i++) {
        int order = compare_in(grouped, left, right, grouped->wish.order[i].column);
        if (order != 0)
            return grouped->wish.order[i].is_descending ? -order : order;
    }
    return 0;
}

/* ---------------------------------------------------------------------------------------- the whole */

int tn_grouped_open(struct sqlite3 *database, const struct tn_cursor_range *range,
                    const struct tn_grouped_wish *wish, struct tn_grouped **ret_grouped)
{
    struct tn_grouped *grouped = calloc(1, sizeof(*grouped));
    if (grouped == NULL)
        return -ENOMEM;
    grouped->wish = *wish;
    grouped->range = *range;
    grouped->range.need = TN_NEED_COUNTS;
    int r = tn_event_cursor_open_range(database, &grouped->range, &grouped->cursor);
    if (r < 0) {
        tn_grouped_close(grouped);
        return r;
    }
    *ret_grouped = grouped;
    return 0;
}

/* All births, once. The cursor stays open until they are counted. */
static int read_births(struct tn_grouped *grouped)
{
    int r = widen(grouped);
    if (r == 0)
        r = count_births(grouped);
    if (r < 0)
        return r;
    tn_event_cursor_close(grouped->cursor);
    grouped->cursor = NULL;
    free(grouped->slots_1);
    grouped->slots_1 = NULL;
    qsort_r(grouped->groups, grouped->count, sizeof(grouped->groups[0]), compare_groups, grouped);
    return 0;
}

static void show(struct tn_grouped *grouped, const struct equal_rows *group)
{
    grouped->out = (struct tn_allocation){
        .process_id = (uint32_t)group->key.process_thread,
        .thread_id = group->key.process_thread >> 32,
        .stack_id = group->stack_id,
        .size_bytes = group->key.size_bytes,
        .usable_size_bytes = group->key.usable_size_bytes,
        .alignment_bytes = group->key.alignment_bytes,
        .depth_bytes = group->key.depth_bytes,
        .function = function_of(group),
        .is_live = true,
    };
}

int tn_grouped_next(struct tn_grouped *grouped, const struct tn_allocation **ret_allocation)
{
    int r = grouped->cursor != NULL ? read_births(grouped) : 0;
    if (r < 0)
        return r;
    if (grouped->left == 0) {
        if (grouped->index == grouped->count)
            return 0;
        const struct equal_rows *group = &grouped->groups[grouped->index++];
        grouped->left = group->count;
        show(grouped, group);
    }
    grouped->left--;
    *ret_allocation = &grouped->out;
    return 1;
}

int64_t tn_grouped_position(const struct tn_grouped *grouped)
{
    return grouped->cursor != NULL ? tn_event_cursor_position(grouped->cursor) : 0;
}

void tn_grouped_close(struct tn_grouped *grouped)
{
    if (grouped == NULL)
        return;
    tn_event_cursor_close(grouped->cursor);
    free(grouped->groups);
    free(grouped->slots_1);
    free(grouped);
}
