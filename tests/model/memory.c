/* SPDX-License-Identifier: MIT */

/* See memory.h. Invariant: outside memory_enter and memory_leave the real memory is what all see. The regions
 * are small: each step copies and compares them whole. */

#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REGIONS_MAX 24
#define EVERYBODY   (-2)

static struct region {
    char *real;
    char *initial, *view; /* view: what the running thread has seen at the start of its step */
    size_t size_bytes;
} regions[REGIONS_MAX];
static int region_count;

static struct {
    char *start;
    size_t size_bytes;
} privates[REGIONS_MAX];
static int private_count;

static struct {
    const volatile char *start;
    size_t size_bytes;
    int thread;
} owned[REGIONS_MAX];
static int owned_count;

static struct {
    char *start;
    size_t size_bytes;
} notes[REGIONS_MAX];
static int note_count;

static uint64_t version;

static void check_room(int count, int room)
{
    if (count < room)
        return;
    fputs("the model has no room\n", stderr);
    exit(2);
}

void model_region(void *start, size_t size_bytes)
{
    check_room(region_count, REGIONS_MAX);
    struct region *region = &regions[region_count++];
    region->real = start;
    region->size_bytes = (size_bytes + 7) & ~(size_t)7;
    region->initial = malloc(region->size_bytes);
    region->view = malloc(region->size_bytes);
    if (region->initial == NULL || region->view == NULL)
        exit(2);
}

void model_private(void *start, size_t size_bytes)
{
    check_room(private_count, REGIONS_MAX);
    privates[private_count].start = start;
    privates[private_count++].size_bytes = size_bytes;
}

void model_owned(const volatile void *start, size_t size_bytes, int thread)
{
    check_room(owned_count, REGIONS_MAX);
    owned[owned_count].start = start;
    owned[owned_count].size_bytes = size_bytes;
    owned[owned_count++].thread = thread;
}

bool memory_is_own(const volatile void *at, int thread)
{
    for (int i = 0; i < owned_count; i++)
        if ((size_t)((const volatile char *)at - owned[i].start) < owned[i].size_bytes)
            return owned[i].thread == thread || owned[i].thread == EVERYBODY;
    return false;
}

void model_ignore(const volatile void *start, size_t size_bytes)
{
    model_owned(start, size_bytes, EVERYBODY);
}

bool memory_is_ignored(const volatile void *at)
{
    return memory_is_own(at, EVERYBODY);
}

static bool is_private(const char *at)
{
    for (int i = 0; i < private_count; i++)
        if ((size_t)(at - privates[i].start) < privates[i].size_bytes)
            return true;
    return false;
}

void model_note(void *start, size_t size_bytes)
{
    check_room(note_count, REGIONS_MAX);
    notes[note_count].start = start;
    notes[note_count++].size_bytes = size_bytes;
}

/* Copy between a snapshot and a place. Returns the snapshot's next place. */
static size_t copy_part(char *snapshot, size_t at, char *real, size_t size_bytes, bool is_saving)
{
    if (at + size_bytes > MEMORY_SNAPSHOT_BYTES)
        check_room(1, 0);
    if (is_saving)
        memcpy(snapshot + at, real, size_bytes);
    else
        memcpy(real, snapshot + at, size_bytes);
    return at + size_bytes;
}

static void copy_all(char *snapshot, bool is_saving)
{
    size_t at = copy_part(snapshot, 0, (char *)&version, sizeof(version), is_saving);
    for (int i = 0; i < region_count; i++)
        at = copy_part(snapshot, at, regions[i].real, regions[i].size_bytes, is_saving);
    for (int i = 0; i < note_count; i++)
        at = copy_part(snapshot, at, notes[i].start, notes[i].size_bytes, is_saving);
}

void memory_save(char *to)
{
    copy_all(to, true);
}

void memory_restore(const char *from)
{
    copy_all((char *)(uintptr_t)from, false);
}

void memory_take_initial(void)
{
    for (int i = 0; i < region_count; i++)
        memcpy(regions[i].initial, regions[i].real, regions[i].size_bytes);
}

void memory_begin(void)
{
    for (int i = 0; i < region_count; i++)
        memcpy(regions[i].real, regions[i].initial, regions[i].size_bytes);
    version = 0;
}

uint64_t memory_read(const volatile void *at, size_t size_bytes)
{
    uint64_t value = 0;
    memcpy(&value, (const void *)(uintptr_t)at, size_bytes);
    return value;
}

static void put(volatile void *at, size_t size_bytes, uint64_t value)
{
    memcpy((void *)(uintptr_t)at, &value, size_bytes);
}

/* The same place in the view; NULL outside all regions. */
static char *view_of(const volatile void *at)
{
    for (int i = 0; i < region_count; i++)
        if ((size_t)((const char *)(uintptr_t)at - regions[i].real) < regions[i].size_bytes)
            return regions[i].view + ((const char *)(uintptr_t)at - regions[i].real);
    return NULL;
}

/* Real memory: what all see, with one thread's stores on top; the shared values below them are kept in
 * `under`. */
static char under[MEMORY_STORES_MAX][8];
static int under_count;

void memory_enter(struct memory_buffer *buffer)
{
    under_count = 0;
    for (int i = 0; i < buffer->count; i++) {
        struct memory_store *store = &buffer->stores[i];
        memcpy(under[under_count++], (const void *)(uintptr_t)store->at, store->size_bytes);
        put(store->at, store->size_bytes, store->value);
    }
    for (int i = 0; i < region_count; i++)
        memcpy(regions[i].view, regions[i].real, regions[i].size_bytes);
}

static void append(struct memory_buffer *buffer, struct memory_store store)
{
    check_room(buffer->count, MEMORY_STORES_MAX);
    memcpy(under[buffer->count], (const void *)(uintptr_t)store.at, store.size_bytes);
    buffer->stores[buffer->count++] = store;
}

/* Plain stores since the step began or the last atomic operation, found by comparing. */
static void collect_plain(struct memory_buffer *buffer, uint64_t ticks)
{
    for (int r = 0; r < region_count; r++) {
        struct region *region = &regions[r];
        for (size_t at = 0; at < region->size_bytes; at += 4) {
            size_t size_bytes = 4;
            if (memcmp(region->view + at, region->real + at, 4) == 0)
                continue;
            if (at % 8 == 0 && memcmp(region->view + at + 4, region->real + at + 4, 4) != 0)
                size_bytes = 8;
            if (is_private(region->real + at)) {
                memcpy(region->view + at, region->real + at, size_bytes);
                continue;
            }
            struct memory_store store = {.at = region->real + at, .size_bytes = (uint8_t)size_bytes};
            store.value = memory_read(store.at, size_bytes);
            store.ticks = ticks;
            store.is_plain = true;
            put(store.at, size_bytes, memory_read(region->view + at, size_bytes));
            append(buffer, store);
            put(store.at, size_bytes, store.value);
            put(region->view + at, size_bytes, store.value);
            at += size_bytes - 4;
        }
    }
}

void memory_leave(struct memory_buffer *buffer, uint64_t ticks)
{
    collect_plain(buffer, ticks);
    /* Take the stores away again, the last first, so that each uncovers what lay under it. */
    for (int i = buffer->count; i-- > 0;)
        memcpy((void *)(uintptr_t)buffer->stores[i].at, under[i], buffer->stores[i].size_bytes);
}

void memory_store_later(struct memory_buffer *buffer, struct memory_store store)
{
    append(buffer, store);
    put(store.at, store.size_bytes, store.value);
    char *view = view_of(store.at);
    if (view != NULL)
        put(view, store.size_bytes, store.value);
}

void memory_store_now(volatile void *at, size_t size_bytes, uint64_t value)
{
    version += memory_read(at, size_bytes) != value;
    put(at, size_bytes, value);
    char *view = view_of(at);
    if (view != NULL)
        put(view, size_bytes, value);
}

static bool overlaps(const struct memory_store *one, const struct memory_store *other)
{
    return one->at < other->at + other->size_bytes && other->at < one->at + one->size_bytes;
}

bool memory_may_drain(const struct memory_buffer *buffer, int index, bool has_plain)
{
    const struct memory_store *store = &buffer->stores[index];
    if (store->is_held || (store->is_plain && !has_plain))
        return false;
    for (int i = 0; i < index && !store->is_release; i++)
        if (overlaps(&buffer->stores[i], store))
            return false;
    return true;
}

static void show(struct memory_buffer *buffer, int index)
{
    struct memory_store *store = &buffer->stores[index];
    version++;
    put(store->at, store->size_bytes, store->value);
    buffer->count--;
    memmove(store, store + 1, (size_t)(buffer->count - index) * sizeof(*store));
}

/* The first `count` of them, but for what a fault holds back. */
static void show_first(struct memory_buffer *buffer, int count)
{
    int at = 0;
    for (int i = 0; i < count; i++)
        if (buffer->stores[at].is_held)
            at++;
        else
            show(buffer, at);
}

void memory_drain(struct memory_buffer *buffer, int index)
{
    if (buffer->stores[index].is_release)
        show_first(buffer, index + 1);
    else
        show(buffer, index);
}

void memory_drain_all(struct memory_buffer *buffer)
{
    show_first(buffer, buffer->count);
}

void memory_drain_older(struct memory_buffer *buffer, uint64_t ticks)
{
    int count = 0;
    while (count < buffer->count && buffer->stores[count].ticks < ticks)
        count++;
    show_first(buffer, count);
}

int memory_waiting_count(const struct memory_buffer *buffer)
{
    int count = 0;
    for (int i = 0; i < buffer->count; i++)
        count += !buffer->stores[i].is_held;
    return count;
}

void memory_drain_location(struct memory_buffer *buffer, const volatile void *at)
{
    for (int i = 0; i < buffer->count;)
        if (buffer->stores[i].at == at)
            show(buffer, i);
        else
            i++;
}

uint64_t memory_version(void)
{
    return version;
}

uint64_t memory_hash(uint64_t hash)
{
    for (int r = 0; r < region_count; r++)
        for (size_t at = 0; at < regions[r].size_bytes; at += 8)
            hash = memory_mix(hash, memory_read(regions[r].real + at, 8));
    for (int n = 0; n < note_count; n++)
        hash = memory_mix(hash, memory_read(notes[n].start, notes[n].size_bytes));
    return hash;
}

uint64_t memory_buffer_hash(const struct memory_buffer *buffer, uint64_t hash, uint64_t ticks)
{
    hash = memory_mix(hash, (uint64_t)buffer->count);
    for (int i = 0; i < buffer->count; i++) {
        const struct memory_store *store = &buffer->stores[i];
        hash = memory_mix(hash, (uintptr_t)store->at);
        hash = memory_mix(hash, store->value);
        hash = memory_mix(hash,
                          (uint64_t)store->is_plain << 2 | (uint64_t)store->is_release << 1 | store->is_held);
        hash = memory_mix(hash, ticks != 0 ? ticks - store->ticks : 0);
    }
    return hash;
}
