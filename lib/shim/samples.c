/* SPDX-License-Identifier: MIT */

/* Keeps the samples of each thread and knows when they, and blocks that die, are looked at. Invariant: left
 * events from now is the earliest time at which something is due, and the mask has the bits of all samples. A
 * sample that another thread has released stays until others need its place; the recorder finds that it is
 * gone.
 *
 * An event whose stack is young ends the count at once, and one of a stack that releases fills the mask; so
 * the next release is looked at by tn_samples_release, which sees whether it is one of those. What there is
 * no time for is not wanted, and asked again at the thread's next turn. */

#include "samples.h"

#include "banned.h"

/* The last event at which a sample is looked for; afterwards only its release and outputs count, up to an
 * event at which it is forgotten: what lives longer is no local buffer. */
#define LAST_EVENT 32u
#define END_EVENT  4096u

static uint64_t now_of(const struct tn_samples *samples)
{
    return samples->next - samples->left;
}

static void set_next(struct tn_samples *samples, uint64_t now, uint64_t next)
{
    samples->next = next;
    samples->left = (uint32_t)(next - now);
}

/* Restore the invariant, at an event of this number. */
static void plan(struct tn_samples *samples, uint64_t now)
{
    uint64_t next = samples->turn;
    uint64_t mask = samples->is_turn ? UINT64_MAX : 0;
    for (uint32_t i = 0; i < samples->count; i++) {
        const struct tn_sample *sample = &samples->list[i];
        if (sample->due < next)
            next = sample->due;
        mask |= tn_sample_bit(sample->address);
    }
    set_next(samples, now, next);
    samples->mask = mask;
}

/* ---------------------------------------------------------------------------------------- turns */

/* Events from one turn to the next, 96 to 159: not always the same, for the program may repeat itself. */
static uint32_t turn_events(uint32_t turn_count)
{
    return 96 + turn_count * 29 % 64;
}

/* Begin a turn: what is there time for? */
static void begin_turn(struct tn_thread *thread, uint64_t now)
{
    struct tn_samples *samples = &thread->samples;
    bool may_scan = tn_links_may_scan(thread);
    samples->wants =
        (may_scan ? TN_YOUNG_FOR_RELEASES : 0) | (tn_links_may_search(thread) ? TN_YOUNG_FOR_BIRTHS : 0);
    samples->is_turn = may_scan;
    samples->turn = now + turn_events(samples->turn_count++);
}

void tn_samples_begin(struct tn_thread *thread)
{
    struct tn_samples *samples = &thread->samples;
    *samples = (struct tn_samples){.turn = UINT32_MAX};
    if (tn_hot.young_stacks != NULL) {
        begin_turn(thread, 1);
        samples->is_turn = false;
    }
    plan(samples, 1);
}

uint32_t tn_samples_see_young(struct tn_thread *thread, uint32_t stack_id)
{
    struct tn_samples *samples = &thread->samples;
    uint32_t young_for = tn_young_for(stack_id);
    uint32_t wanted = young_for & samples->wants;
    if (wanted != 0)
        set_next(samples, now_of(samples), now_of(samples) + 1);
    if ((wanted & TN_YOUNG_FOR_RELEASES) != 0)
        samples->mask = UINT64_MAX;
    return young_for;
}

/* ---------------------------------------------------------------------------------------- samples */

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

static void search_due(struct tn_thread *thread, uint64_t now)
{
    struct tn_samples *samples = &thread->samples;
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

/* Take a block among the samples that is born at an event of this number. */
static void add_sample(struct tn_thread *thread, uint32_t stack_id, void *address, uint64_t now)
{
    struct tn_samples *samples = &thread->samples;
    if (!tn_links_may_search(thread))
        samples->wants &= ~TN_YOUNG_FOR_BIRTHS;
    else if (stack_id != 0 && make_room(samples)) {
        tn_young_count(stack_id, TN_YOUNG_HAS_BIRTHS, TN_YOUNG_ONE_BIRTH);
        samples->list[samples->count++] = (struct tn_sample){(uintptr_t)address, now, now + 1, stack_id};
    }
}

static void see_birth(struct tn_thread *thread, uint32_t stack_id, void *address, uint64_t now)
{
    if (tn_hot.young_stacks == NULL)
        return;
    tn_young_count(stack_id, TN_YOUNG_HAS_BIRTHS, 0);
    if ((tn_young_for(stack_id) & thread->samples.wants & TN_YOUNG_FOR_BIRTHS) != 0)
        add_sample(thread, stack_id, address, now);
}

void tn_samples_due(struct tn_thread *thread, uint32_t stack_id, void *address)
{
    struct tn_samples *samples = &thread->samples;
    uint64_t now = samples->next;
    search_due(thread, now);
    if (now >= samples->turn && tn_hot.young_stacks != NULL)
        begin_turn(thread, now);
    else if (now >= samples->turn)
        samples->turn = now + UINT32_MAX;
    if (address != NULL)
        see_birth(thread, stack_id, address, now);
    uint64_t mask = samples->mask;
    plan(samples, now);
    samples->mask |= address == NULL && mask == UINT64_MAX ? mask : 0;
}

void tn_samples_see_realloc(struct tn_thread *thread, uint32_t stack_id, void *address)
{
    struct tn_samples *samples = &thread->samples;
    uint64_t now = now_of(samples);
    if ((samples->wants & TN_YOUNG_FOR_BIRTHS) == 0)
        return;
    see_birth(thread, stack_id, address, now);
    plan(samples, now);
}

/* ---------------------------------------------------------------------------------------- releases */

/* Look into the block if it is the stack's turn, or the thread's. */
static void look_into(struct tn_thread *thread, uint32_t stack_id, void *address)
{
    struct tn_samples *samples = &thread->samples;
    tn_young_count(stack_id, TN_YOUNG_HAS_DEATHS, 0);
    bool is_first = (tn_young_for(stack_id) & samples->wants & TN_YOUNG_FOR_RELEASES) != 0;
    if (!is_first && !samples->is_turn)
        return;
    samples->is_turn = false;
    if (!tn_links_may_scan(thread)) {
        samples->wants &= ~TN_YOUNG_FOR_RELEASES;
        return;
    }
    if (is_first)
        tn_young_count(stack_id, TN_YOUNG_HAS_DEATHS, TN_YOUNG_ONE_DEATH);
    tn_links_scan(thread, stack_id, address);
}

/* Look for a sample that is about to be released a last time. */
static void end_sample(struct tn_thread *thread, void *address)
{
    struct tn_samples *samples = &thread->samples;
    for (uint32_t i = 0; i < samples->count; i++) {
        const struct tn_sample *sample = &samples->list[i];
        if (sample->address != (uintptr_t)address)
            continue;
        struct tn_sought sought = {sample->address, sample->stack_id, TN_LINK_HELD_DEATH};
        remove_sample(samples, i);
        tn_links_search(thread, &sought, 1);
        return;
    }
}

void tn_samples_release(struct tn_thread *thread, uint32_t stack_id, void *address)
{
    end_sample(thread, address);
    if (tn_hot.young_stacks != NULL)
        look_into(thread, stack_id, address);
    plan(&thread->samples, now_of(&thread->samples));
}

/* ---------------------------------------------------------------------------------------- output */

void tn_samples_output(struct tn_thread *thread)
{
    const struct tn_samples *samples = &thread->samples;
    struct tn_sought sought[TN_SAMPLES_MAX];
    for (uint32_t i = 0; i < samples->count; i++)
        sought[i] = (struct tn_sought){samples->list[i].address, samples->list[i].stack_id, TN_LINK_OUTPUT};
    tn_links_search(thread, sought, samples->count);
}
