/* SPDX-License-Identifier: MIT */
/* Calls of the functions that own blocks: which a thread is in, and which have ended. A call goes on while a
 * frame of its function has the CFA that it had. One that ended and was made anew at the same CFA with no
 * event between looks the same: so a call is forgotten once all its blocks are gone. */
#include "trial_parts.h"

#include <pthread.h>

#define ACTIVATIONS_MAX 8192
#define WATCHED_MAX                                                                                          \
    16 /* calls of one thread that are looked at in one walk; others are at the next event                   \
        */

static struct tn_trial_activation activations[ACTIVATIONS_MAX];
static uint32_t used_count;
static struct tn_trial_activation *free_list;
static uint64_t next_serial;
static pthread_key_t key;
static bool has_key;

/* The thread's calls that have blocks, the latest first. Changed by any thread, with the lock held. */
static __thread struct tn_trial_activation *calls;
static __thread bool is_watched;

uint32_t tn_trial_activation_index(const struct tn_trial_activation *activation)
{
    return (uint32_t)(activation - activations);
}

struct tn_trial_activation *tn_trial_activation_at(uint32_t index)
{
    return &activations[index];
}

struct tn_trial_activation *tn_trial_activation_find(uint32_t change, const struct tn_trial_owner *owner)
{
    struct tn_trial_activation *found = calls;
    while (found != NULL && (found->change != change || found->owner.cfa != owner->cfa))
        found = found->next;
    return found;
}

struct tn_trial_activation *tn_trial_activation_make(uint32_t change, const struct tn_trial_owner *owner,
                                                     uintptr_t root)
{
    struct tn_trial_activation *made = free_list;
    if (made != NULL)
        free_list = made->next;
    else if (used_count < ACTIVATIONS_MAX)
        made = &activations[used_count++];
    else
        return NULL;
    *made = (struct tn_trial_activation){
        .next = calls,
        .list = &calls,
        .owner = *owner,
        .root = root,
        .serial = ++next_serial,
        .change = change,
    };
    __atomic_store_n(&calls, made, __ATOMIC_RELAXED);
    return made;
}

/* Its thread asks for it no more. */
static void unlink_call(struct tn_trial_activation *activation)
{
    struct tn_trial_activation **at = activation->list;
    if (at == NULL)
        return;
    while (*at != activation)
        at = &(*at)->next;
    __atomic_store_n(at, activation->next, __ATOMIC_RELAXED);
    activation->list = NULL;
}

void tn_trial_activation_drop(struct tn_trial_activation *activation)
{
    unlink_call(activation);
    activation->serial = 0;
    activation->next = free_list;
    free_list = activation;
}

/* ---------------------------------------------------------------------------------------- ended calls */

/* A call as a walk looks for it. */
struct watched {
    struct tn_trial_activation *activation;
    struct tn_trial_owner owner;
    uintptr_t root;
    uint64_t serial;
    bool is_there;
};

struct calls_look {
    struct watched items[WATCHED_MAX];
    size_t count, there_count;
    uintptr_t function; /* of the frame before */
    uintptr_t root;
};

/* The code before a return address says which function was called, if it says so directly: then a frame that
 * goes on in a part of its function that lies elsewhere is still the same one. */
static bool is_direct_call(uintptr_t return_address)
{
#if defined(__x86_64__)
    return *((const unsigned char *)return_address - 5) == 0xe8;
#else
    return (void)return_address, false;
#endif
}

static bool is_same_call(const struct tn_trial_owner *owner, const struct tn_preload_frame *caller,
                         uintptr_t function)
{
    if (caller->cfa != owner->cfa)
        return false;
    return function == owner->function ||
           (caller->address == owner->return_address && is_direct_call(caller->address));
}

static bool look_at(const struct tn_preload_frame *frame, void *user)
{
    struct calls_look *look = user;
    for (size_t i = 0; i < look->count; i++)
        if (!look->items[i].is_there && is_same_call(&look->items[i].owner, frame, look->function)) {
            look->items[i].is_there = true;
            look->there_count++;
        }
    look->function = frame->function;
    look->root = frame->cfa;
    return look->there_count < look->count;
}

static bool keep_root(const struct tn_preload_frame *frame, void *user)
{
    *(uintptr_t *)user = frame->cfa;
    return true;
}

uintptr_t tn_trial_root(void)
{
    uintptr_t root = 0;
    tn_preload_visit(keep_root, &root);
    return root;
}

static void begin_look(struct calls_look *look)
{
    tn_trial_lock();
    for (struct tn_trial_activation *i = calls; i != NULL && look->count < WATCHED_MAX; i = i->next)
        look->items[look->count++] =
            (struct watched){.activation = i, .owner = i->owner, .root = i->root, .serial = i->serial};
    tn_trial_unlock();
}

/* A block of a call that lives, as what contradicts its change. */
static struct tn_trial_finding outlived(const struct tn_trial_activation *activation)
{
    const struct tn_trial_area *area = tn_trial_area_at(activation->change);
    uint32_t wanted = tn_trial_activation_index(activation) + 1;
    uint64_t first = activation->region * area->region_slots;
    uint64_t after = area->region_slots != 0 ? first + area->region_slots : area->used_count;
    while (first < after && (area->slots[first].state != 1 || area->slots[first].activation != wanted))
        first++;
    return (struct tn_trial_finding){
        .kind = first < after ? TN_TRIAL_OUTLIVED : 0,
        .change = activation->change,
        .birth = first < after ? area->slots[first].birth : 0,
        .size_bytes = first < after ? area->slots[first].size_bytes : 0,
    };
}

/* The call has ended, unless another thread has released its last block meanwhile. */
static struct tn_trial_finding end_call(struct tn_trial_activation *activation, uint64_t serial)
{
    struct tn_trial_finding finding = {0};
    tn_trial_lock();
    if (activation->serial == serial) {
        finding = outlived(activation);
        unlink_call(activation);
    }
    tn_trial_unlock();
    return finding;
}

/* Of a call on another stack of the same thread nothing is known. */
void tn_trial_look(uintptr_t caller)
{
    struct calls_look look = {.count = 0};
    if (__atomic_load_n(&calls, __ATOMIC_RELAXED) == NULL)
        return;
    begin_look(&look);
    tn_preload_visit(look_at, &look);
    for (size_t i = 0; i < look.count; i++)
        if (!look.items[i].is_there && look.items[i].root == look.root) {
            struct tn_trial_finding finding = end_call(look.items[i].activation, look.items[i].serial);
            tn_trial_tell(&finding, caller);
        }
}

/* ---------------------------------------------------------------------------------------- ended threads */

static void end_thread(void *value)
{
    (void)value;
    while (__atomic_load_n(&calls, __ATOMIC_RELAXED) != NULL) {
        struct calls_look look = {.count = 0};
        begin_look(&look);
        for (size_t i = 0; i < look.count; i++) {
            struct tn_trial_finding finding = end_call(look.items[i].activation, look.items[i].serial);
            tn_trial_tell(&finding, 0);
        }
    }
}

void tn_trial_calls_open(void)
{
    has_key = pthread_key_create(&key, end_thread) == 0;
}

void tn_trial_watch_thread(void)
{
    if (is_watched || !has_key)
        return;
    is_watched = true;
    pthread_setspecific(key, &is_watched);
}
