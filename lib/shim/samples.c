/* SPDX-License-Identifier: MIT */

/* Keeps the samples of each thread and knows when their addresses are looked for. Invariant: left events from
 * now is the earliest time at which a sample is due, and the mask has the bits of all. A sample that another
 * thread has released stays until others need its place; the recorder finds that it is gone. */

#include "samples.h"

#include "banned.h"

/* The last event at which a sample is looked for; afterwards only its release and outputs count, up to an
 * event at which it is forgotten: what lives longer is no local buffer. */
#define LAST_EVENT 32u
#define END_EVENT  4096u

/* Births of a stack that pass when there was no time to search: so that these cost little. */
#define PAUSE_BIRTHS 500u

static uint64_t now_of(const struct tn_samples *samples)
{
    return samples->next - samples->left;
}

/* Restore the invariant, at an event of this number. */
static void plan(struct tn_samples *samples, uint64_t now)
{
    uint64_t next = now + UINT32_MAX;
    uint64_t mask = 0;
    for (uint32_t i = 0; i < samples->count; i++) {
        const struct tn_sample *sample = &samples->list[i];
        if (sample->due < next)
            next = sample->due;
        mask |= tn_sample_bit(sample->address);
    }
    samples->next = next;
    samples->left = (uint32_t)(next - now);
    samples->mask = mask;
}

void tn_samples_begin(struct tn_thread *thread)
{
    thread->samples.count = 0;
    plan(&thread->samples, 1);
}

static void remove_sample(struct tn_samples *samples, uint32_t index)
{
    samples->count--;
    for (uint32_t i = index; i < samples->count; i++)
        samples->list[i] = samples->list[i + 1];
}

/* The moment of the nth event, n a power of two. */
static enum tn_link_moment moment_of(uint64_t nth)
{
    return (enum tn_link_moment)(TN_LINK_EVENT_1 + __builtin_ctzll(nth));
}

/* Note what is sought of a sample that is due, and when it is due next. Returns false when it is at its end.
 */
static bool take_due(struct tn_sample *sample, uint64_t now, struct tn_sought *ret_sought)
{
    uint64_t nth = now - sample->birth;
    if (nth == END_EVENT)
        return false;
    *ret_sought = (struct tn_sought){sample->address, sample->stack_id, moment_of(nth)};
    sample->due = sample->birth + (nth < LAST_EVENT ? 2 * nth : END_EVENT);
    return true;
}

void tn_samples_due(struct tn_thread *thread)
{
    struct tn_samples *samples = &thread->samples;
    uint64_t now = samples->next;
    struct tn_sought sought[TN_SAMPLES_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < samples->count;) {
        if (samples->list[i].due != now)
            i++;
        else if (take_due(&samples->list[i], now, &sought[count]))
            count++, i++;
        else
            remove_sample(samples, i);
    }
    plan(samples, now);
    if (count != 0)
        tn_links_search(thread, sought, count);
}

/* The oldest sample that only waits for its end gives way. */
static bool make_room(struct tn_samples *samples)
{
    if (samples->count < TN_SAMPLES_MAX)
        return true;
    for (uint32_t i = 0; i < samples->count; i++) {
        if (samples->list[i].due - samples->list[i].birth != END_EVENT)
            continue;
        remove_sample(samples, i);
        return true;
    }
    return false;
}

void tn_samples_add(struct tn_thread *thread, uint32_t stack_id, void *address)
{
    struct tn_samples *samples = &thread->samples;
    _Atomic uint16_t *counter = &tn_hot.sample_counters[stack_id % TN_LINK_COUNTERS];
    uint32_t count = atomic_load_explicit(counter, memory_order_relaxed) % TN_SAMPLES_EACH;
    uint64_t now = now_of(samples);
    if (!tn_links_may_search()) {
        uint32_t paused = count + PAUSE_BIRTHS * TN_SAMPLES_EACH;
        atomic_store_explicit(counter, (uint16_t)paused, memory_order_relaxed);
        return;
    }
    if (stack_id == 0 || !make_room(samples))
        return;
    uint32_t next = count + 1 < TN_SAMPLES_EACH ? count + 1 : TN_SAMPLES_DONE;
    atomic_store_explicit(counter, (uint16_t)next, memory_order_relaxed);
    samples->list[samples->count++] = (struct tn_sample){(uintptr_t)address, now, now + 1, stack_id};
    plan(samples, now);
}

void tn_samples_end(struct tn_thread *thread, void *address)
{
    struct tn_samples *samples = &thread->samples;
    for (uint32_t i = 0; i < samples->count; i++) {
        const struct tn_sample *sample = &samples->list[i];
        if (sample->address != (uintptr_t)address)
            continue;
        struct tn_sought sought = {sample->address, sample->stack_id, TN_LINK_HELD_DEATH};
        remove_sample(samples, i);
        plan(samples, now_of(samples));
        tn_links_search(thread, &sought, 1);
        return;
    }
}

void tn_samples_output(struct tn_thread *thread)
{
    const struct tn_samples *samples = &thread->samples;
    struct tn_sought sought[TN_SAMPLES_MAX];
    for (uint32_t i = 0; i < samples->count; i++)
        sought[i] = (struct tn_sought){samples->list[i].address, samples->list[i].stack_id, TN_LINK_OUTPUT};
    tn_links_search(thread, sought, samples->count);
}
