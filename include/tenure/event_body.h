/* SPDX-License-Identifier: MIT */
#ifndef TENURE_EVENT_BODY_H
#define TENURE_EVENT_BODY_H

/* Encodes and decodes the body of each kind of event; event.h shows the layout. The shim uses the put
 * functions, the recorder the get functions, tests both.
 *
 * A put function writes word 0 and the body; word 1 is written by the code that stamps the event. It trusts
 * its caller for room and ranges. A get function trusts nothing: it returns false, and leaves *ret_... alone,
 * when the event is shorter than its kind must be. It reads each word of a fixed body once, since a hostile
 * program may change it at any time. Any thread; no allocation; a few instructions, but for those that copy a
 * path, a build-id or a text. */

#include "tenure/event.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define TN_FRAME_BYTES_ESCAPE UINT64_C(0xffff)

/* ---- words 2 and 3 of events about a block ---- */

/* The address in word 2. */
static inline uint64_t tn_event_address_of(uint64_t word_2)
{
    return word_2 & TN_ADDRESS_MASK;
}

/* usable_size - size in word 2, bytes; means nothing in a wide event. */
static inline uint32_t tn_event_excess_bytes_of(uint64_t word_2)
{
    return (uint32_t)(word_2 >> 48);
}

/* The size in word 3, bytes; means nothing in a wide event. */
static inline uint32_t tn_event_size_bytes_of(uint64_t word_3)
{
    return (uint32_t)word_3;
}

/* depth_bytes in word 3. */
static inline uint32_t tn_event_depth_bytes_of(uint64_t word_3)
{
    return (uint32_t)(word_3 >> 32);
}

/* ---- BIRTH, REALLOC_COMMIT ---- */

/* A block that is given to the program. All sizes in bytes. */
struct tn_event_block {
    uint64_t address;           /* 48 bits; 0 in a REALLOC_COMMIT without a block */
    uint64_t size_bytes;        /* asked for */
    uint64_t usable_size_bytes; /* got; at least size_bytes */
    uint64_t alignment_bytes;   /* asked for; 0: the function has no such argument */
    uint32_t depth_bytes;
};

/* Whether four words can hold all of a block: alignment 0, size below 4 GiB, excess below 64 KiB.
 *
 * excess_bytes  usable size - size */
static inline bool tn_event_is_narrow(uint64_t size_bytes, uint64_t excess_bytes, uint64_t alignment_bytes)
{
    return (alignment_bytes | size_bytes >> 32 | excess_bytes >> 16) == 0;
}

/* Write BIRTH or REALLOC_COMMIT in TN_EVENT_BIRTH_WORDS words.
 *
 * head  kind, function, flags and stack id; the length is added
 * Rest  such that tn_event_is_narrow */
static inline void tn_event_put_narrow(uint64_t *event, uint64_t head, uint64_t address, uint64_t size_bytes,
                                       uint64_t excess_bytes, uint32_t depth_bytes)
{
    event[0] = head | (uint64_t)TN_EVENT_BIRTH_WORDS << 6;
    event[2] = (address & TN_ADDRESS_MASK) | excess_bytes << 48;
    event[3] = size_bytes | (uint64_t)depth_bytes << 32;
}

/* Write BIRTH or REALLOC_COMMIT in TN_EVENT_WIDE_WORDS words, for any block.
 *
 * head  kind, function, flags and stack id; length and TN_EVENT_FLAG_WIDE are added */
static inline void tn_event_put_wide(uint64_t *event, uint64_t head, const struct tn_event_block *block)
{
    event[0] = head | (uint64_t)TN_EVENT_WIDE_WORDS << 6 | (uint64_t)TN_EVENT_FLAG_WIDE << 26;
    event[2] = (block->address & TN_ADDRESS_MASK) | (block->usable_size_bytes - block->size_bytes) << 48;
    event[3] = (block->size_bytes & UINT32_MAX) | (uint64_t)block->depth_bytes << 32;
    event[4] = block->size_bytes;
    event[5] = block->usable_size_bytes;
    event[6] = block->alignment_bytes;
}

/* Read BIRTH or REALLOC_COMMIT, narrow or wide.
 *
 * head, words  its word 0, read before, and its checked length
 * ret_block    any address; a usable size below the size is raised to it
 * Returns      false: it is too short */
static inline bool tn_event_get_block(const uint64_t *event, uint64_t head, uint32_t words,
                                      struct tn_event_block *ret_block)
{
    bool is_wide = (tn_event_flags_of(head) & TN_EVENT_FLAG_WIDE) != 0;
    if (words < (is_wide ? TN_EVENT_WIDE_WORDS : TN_EVENT_BIRTH_WORDS))
        return false;
    uint64_t word_2 = event[2], word_3 = event[3];
    ret_block->address = tn_event_address_of(word_2);
    ret_block->depth_bytes = tn_event_depth_bytes_of(word_3);
    if (is_wide) {
        uint64_t size_bytes = event[4], usable_bytes = event[5];
        ret_block->size_bytes = size_bytes;
        ret_block->usable_size_bytes = usable_bytes > size_bytes ? usable_bytes : size_bytes;
        ret_block->alignment_bytes = event[6];
        return true;
    }
    ret_block->size_bytes = tn_event_size_bytes_of(word_3);
    ret_block->usable_size_bytes = ret_block->size_bytes + tn_event_excess_bytes_of(word_2);
    ret_block->alignment_bytes = 0;
    return true;
}

/* ---- DEATH, REALLOC_BEGIN, FAILURE ---- */

/* Write DEATH or REALLOC_BEGIN in TN_EVENT_DEATH_WORDS words.
 *
 * head  kind, function and stack id; the length is added */
static inline void tn_event_put_release(uint64_t *event, uint64_t head, uint64_t address,
                                        uint32_t depth_bytes)
{
    event[0] = head | (uint64_t)TN_EVENT_DEATH_WORDS << 6;
    event[2] = address & TN_ADDRESS_MASK;
    event[3] = (uint64_t)depth_bytes << 32;
}

/* Read DEATH or REALLOC_BEGIN. words: its checked length. */
static inline bool tn_event_get_release(const uint64_t *event, uint32_t words, uint64_t *ret_address,
                                        uint32_t *ret_depth_bytes)
{
    if (words < TN_EVENT_DEATH_WORDS)
        return false;
    *ret_address = tn_event_address_of(event[2]);
    *ret_depth_bytes = tn_event_depth_bytes_of(event[3]);
    return true;
}

/* Write FAILURE in TN_EVENT_FAILURE_WORDS words. size_bytes: asked for, any value. */
static inline void tn_event_put_failure(uint64_t *event, enum tn_function function, uint32_t stack_id,
                                        uint64_t size_bytes, uint32_t depth_bytes)
{
    event[0] = tn_event_head(TN_EVENT_FAILURE, TN_EVENT_FAILURE_WORDS, function, 0, stack_id);
    event[2] = size_bytes;
    event[3] = (uint64_t)depth_bytes << 32;
}

/* Read FAILURE: the size that was asked for. words: its checked length. */
static inline bool tn_event_get_failure(const uint64_t *event, uint32_t words, uint64_t *ret_size_bytes)
{
    if (words < TN_EVENT_FAILURE_WORDS)
        return false;
    *ret_size_bytes = event[2];
    return true;
}

/* ---- LOSS, LEAVE, THREAD_BEGIN, and events without a body ---- */

/* Write an event without a body (THREAD_END, PAUSE, RESUME) in TN_EVENT_BARE_WORDS words. */
static inline void tn_event_put_bare(uint64_t *event, enum tn_event_kind kind)
{
    event[0] = tn_event_head(kind, TN_EVENT_BARE_WORDS, TN_FUNCTION_NONE, 0, 0);
}

/* Write LOSS in TN_EVENT_LOSS_WORDS words. why: one TN_LOSS_*. */
static inline void tn_event_put_loss(uint64_t *event, uint64_t count, uint32_t why)
{
    event[0] = tn_event_head(TN_EVENT_LOSS, TN_EVENT_LOSS_WORDS, TN_FUNCTION_NONE, why, 0);
    event[2] = count;
}

/* Read LOSS: how many events were lost; why is in the flags. words: its checked length. */
static inline bool tn_event_get_loss(const uint64_t *event, uint32_t words, uint64_t *ret_count)
{
    if (words < TN_EVENT_LOSS_WORDS)
        return false;
    *ret_count = event[2];
    return true;
}

/* Write LEAVE in TN_EVENT_LEAVE_WORDS words. depth_bytes: not 0. */
static inline void tn_event_put_leave(uint64_t *event, uint32_t depth_bytes)
{
    event[0] = tn_event_head(TN_EVENT_LEAVE, TN_EVENT_LEAVE_WORDS, TN_FUNCTION_NONE, 0, 0);
    event[2] = depth_bytes;
}

/* Read LEAVE. words: its checked length. A depth of 0, which is never written, may come out of a damaged
 * ring.
 */
static inline bool tn_event_get_leave(const uint64_t *event, uint32_t words, uint32_t *ret_depth_bytes)
{
    if (words < TN_EVENT_LEAVE_WORDS)
        return false;
    *ret_depth_bytes = (uint32_t)event[2];
    return true;
}

/* ---- LINKS ---- */

/* An address that was found, as a word of LINKS: what stands in the low 48 bits, and the bytes above. */
static inline uint64_t tn_event_found(uint64_t low, uint32_t bytes)
{
    return (low & TN_ADDRESS_MASK) | (uint64_t)bytes << 48;
}

/* Write LINKS in TN_EVENT_LINKS_WORDS + count words.
 *
 * address  of the block that was looked into, or for
 * found    count words as tn_event_found makes them; copied */
static inline void tn_event_put_links(uint64_t *event, uint32_t stack_id, uint64_t address,
                                      enum tn_link_moment moment, const uint64_t *found, uint32_t count)
{
    event[0] = tn_event_head(TN_EVENT_LINKS, TN_EVENT_LINKS_WORDS + count, TN_FUNCTION_NONE, 0, stack_id);
    event[2] = tn_event_found(address, (uint32_t)moment);
    for (uint32_t i = 0; i < count; i++)
        event[TN_EVENT_LINKS_WORDS + i] = found[i];
}

/* Read what stands before the addresses of LINKS, which are the words from TN_EVENT_LINKS_WORDS on.
 *
 * words       its checked length
 * ret_moment  any number below 65,536 */
static inline bool tn_event_get_links(const uint64_t *event, uint32_t words, uint64_t *ret_address,
                                      uint32_t *ret_moment)
{
    if (words < TN_EVENT_LINKS_WORDS)
        return false;
    uint64_t word_2 = event[2];
    *ret_address = tn_event_address_of(word_2);
    *ret_moment = (uint32_t)(word_2 >> 48);
    return true;
}

/* ---- THREAD_BEGIN ---- */

/* What a THREAD_BEGIN says of its thread. */
struct tn_event_thread {
    uint32_t tid;        /* the kernel's */
    uint64_t stack_high; /* one past the highest address of its stack in use; what depths are measured from */
    uint64_t stack_size_bytes;           /* down from there */
    char name[TN_THREAD_NAME_BYTES + 1]; /* NUL padded */
};

/* Write THREAD_BEGIN in TN_EVENT_THREAD_WORDS words. */
static inline void tn_event_put_thread(uint64_t *event, const struct tn_event_thread *thread)
{
    event[0] = tn_event_head(TN_EVENT_THREAD_BEGIN, TN_EVENT_THREAD_WORDS, TN_FUNCTION_NONE, 0, 0);
    event[2] = thread->tid;
    event[3] = thread->stack_high;
    event[4] = thread->stack_size_bytes;
    memcpy(event + 5, thread->name, TN_THREAD_NAME_BYTES);
}

/* Read THREAD_BEGIN. words: its checked length. */
static inline bool tn_event_get_thread(const uint64_t *event, uint32_t words,
                                       struct tn_event_thread *ret_thread)
{
    if (words < TN_EVENT_THREAD_WORDS)
        return false;
    ret_thread->tid = (uint32_t)event[2];
    ret_thread->stack_high = event[3];
    ret_thread->stack_size_bytes = event[4];
    memcpy(ret_thread->name, event + 5, TN_THREAD_NAME_BYTES);
    ret_thread->name[TN_THREAD_NAME_BYTES] = '\0';
    return true;
}

/* ---- STACK ---- */

/* One frame of a stack. */
struct tn_event_frame {
    uint64_t pc; /* return address; the address after the interrupted instruction below a signal frame, so
                  * that pc - 1 always lies in the calling (interrupted) instruction */
    uint64_t frame_bytes; /* this frame's CFA minus its callee's; the innermost frame's callee is the
                           * allocation function, whose CFA is the event's own */
};

/* Write a frame.
 *
 * words    room for two
 * Returns  how many words it took, 1 or 2: a size that is too large for 16 bits of units of 8 bytes, or no
 *          multiple of 8, has a word of its own */
static inline uint32_t tn_frame_put(uint64_t *words, uint64_t pc, uint64_t frame_bytes)
{
    uint64_t units = frame_bytes / 8;
    bool is_escaped = frame_bytes % 8 != 0 || units >= TN_FRAME_BYTES_ESCAPE;
    words[0] = (pc & TN_ADDRESS_MASK) | (is_escaped ? TN_FRAME_BYTES_ESCAPE : units) << 48;
    if (!is_escaped)
        return 1;
    words[1] = frame_bytes;
    return 2;
}

/* How many words the frame takes whose first word this is: 1 or 2. */
static inline uint32_t tn_frame_words(uint64_t first_word)
{
    return first_word >> 48 == TN_FRAME_BYTES_ESCAPE ? 2 : 1;
}

/* Read a frame; words: its tn_frame_words, which the caller knows to be there. */
static inline struct tn_event_frame tn_frame_get(const uint64_t *words)
{
    bool is_escaped = tn_frame_words(words[0]) == 2;
    return (struct tn_event_frame){words[0] & TN_ADDRESS_MASK, is_escaped ? words[1] : (words[0] >> 48) * 8};
}

/* Write STACK in TN_EVENT_STACK_WORDS + frame_words words.
 *
 * frames  frame_count of them as tn_frame_put made them, innermost first, frame_words words in all; copied
 * is_cut  what lies further out was not taken */
static inline void tn_event_put_stack(uint64_t *event, uint32_t stack_id, const uint64_t *frames,
                                      uint32_t frame_words, uint32_t frame_count, bool is_cut)
{
    event[0] =
        tn_event_head(TN_EVENT_STACK, TN_EVENT_STACK_WORDS + frame_words, TN_FUNCTION_NONE, 0, stack_id);
    event[2] = frame_count | (uint64_t)is_cut << 32;
    memcpy(event + TN_EVENT_STACK_WORDS, frames, frame_words * sizeof(frames[0]));
}

/* Read what stands before the frames of a STACK.
 *
 * words            its checked length
 * ret_frame_count  as stated: any number; the frames begin at word TN_EVENT_STACK_WORDS, and it is the
 * reader's to check that they are there */
static inline bool tn_event_get_stack(const uint64_t *event, uint32_t words, uint32_t *ret_frame_count,
                                      bool *ret_is_cut)
{
    if (words < TN_EVENT_STACK_WORDS)
        return false;
    uint64_t word_2 = event[2];
    *ret_frame_count = (uint32_t)word_2;
    *ret_is_cut = (word_2 >> 32 & 1) != 0;
    return true;
}

/* ---- MODULE, MODULE_GONE, MARK ---- */

/* A mapped module. build_id and path point into the event, or to what is to be copied into it. */
struct tn_event_module {
    uint64_t bias;       /* what is added to an address in the file */
    uint64_t start, end; /* of the mapped range: [start, end) */
    const uint8_t *build_id;
    const char *path; /* not NUL terminated */
    uint32_t build_id_bytes;
    uint32_t path_bytes;
};

/* Words that `bytes` of text take, padded. */
static inline uint32_t tn_event_text_words(uint32_t bytes)
{
    return (uint32_t)(((uint64_t)bytes + 7) / 8);
}

/* Copy a text and zero what pads its last word. */
static inline void tn_event_put_text(uint64_t *words, const void *text, uint32_t bytes)
{
    if (bytes == 0)
        return;
    words[tn_event_text_words(bytes) - 1] = 0;
    memcpy(words, text, bytes);
}

/* Length of the MODULE event of a module, words. */
static inline uint32_t tn_event_module_words(const struct tn_event_module *module)
{
    return TN_EVENT_MODULE_WORDS + tn_event_text_words(module->build_id_bytes) +
           tn_event_text_words(module->path_bytes);
}

/* Write MODULE in tn_event_module_words words. */
static inline void tn_event_put_module(uint64_t *event, const struct tn_event_module *module)
{
    event[0] = tn_event_head(TN_EVENT_MODULE, tn_event_module_words(module), TN_FUNCTION_NONE, 0, 0);
    event[2] = module->bias;
    event[3] = module->start;
    event[4] = module->end;
    event[5] = module->build_id_bytes | (uint64_t)module->path_bytes << 32;
    tn_event_put_text(event + TN_EVENT_MODULE_WORDS, module->build_id, module->build_id_bytes);
    tn_event_put_text(event + TN_EVENT_MODULE_WORDS + tn_event_text_words(module->build_id_bytes),
                      module->path, module->path_bytes);
}

/* Read MODULE. The pointers are valid as long as the event's words are; that start lies before end is for the
 * reader to check.
 *
 * words    its checked length
 * Returns  false also if build-id and path do not fit in it */
static inline bool tn_event_get_module(const uint64_t *event, uint32_t words,
                                       struct tn_event_module *ret_module)
{
    if (words < TN_EVENT_MODULE_WORDS)
        return false;
    uint64_t lengths = event[5];
    uint32_t build_id_bytes = (uint32_t)lengths, path_bytes = (uint32_t)(lengths >> 32);
    uint32_t build_id_words = tn_event_text_words(build_id_bytes);
    if ((uint64_t)TN_EVENT_MODULE_WORDS + build_id_words + tn_event_text_words(path_bytes) > words)
        return false;
    *ret_module = (struct tn_event_module){
        .bias = event[2],
        .start = event[3],
        .end = event[4],
        .build_id = (const uint8_t *)(event + TN_EVENT_MODULE_WORDS),
        .path = (const char *)(event + TN_EVENT_MODULE_WORDS + build_id_words),
        .build_id_bytes = build_id_bytes,
        .path_bytes = path_bytes,
    };
    return true;
}

/* Write MODULE_GONE in TN_EVENT_GONE_WORDS words. */
static inline void tn_event_put_gone(uint64_t *event, uint64_t bias, uint64_t start)
{
    event[0] = tn_event_head(TN_EVENT_MODULE_GONE, TN_EVENT_GONE_WORDS, TN_FUNCTION_NONE, 0, 0);
    event[2] = bias;
    event[3] = start;
}

/* Read MODULE_GONE. words: its checked length. */
static inline bool tn_event_get_gone(const uint64_t *event, uint32_t words, uint64_t *ret_bias,
                                     uint64_t *ret_start)
{
    if (words < TN_EVENT_GONE_WORDS)
        return false;
    *ret_bias = event[2];
    *ret_start = event[3];
    return true;
}

/* Write MARK in TN_EVENT_MARK_WORDS + tn_event_text_words(text_bytes) words. text: need not end with NUL. */
static inline void tn_event_put_mark(uint64_t *event, const char *text, uint32_t text_bytes)
{
    uint32_t words = TN_EVENT_MARK_WORDS + tn_event_text_words(text_bytes);
    event[0] = tn_event_head(TN_EVENT_MARK, words, TN_FUNCTION_NONE, 0, 0);
    event[2] = text_bytes;
    tn_event_put_text(event + TN_EVENT_MARK_WORDS, text, text_bytes);
}

/* Read MARK.
 *
 * words     its checked length
 * ret_text  points into the event and has no NUL
 * Returns   false also if the text does not fit in it, or is longer than TN_MARK_TEXT_BYTES_MAX */
static inline bool tn_event_get_mark(const uint64_t *event, uint32_t words, const char **ret_text,
                                     uint32_t *ret_text_bytes)
{
    if (words < TN_EVENT_MARK_WORDS)
        return false;
    uint64_t text_bytes = event[2];
    if (text_bytes > TN_MARK_TEXT_BYTES_MAX || text_bytes > (words - TN_EVENT_MARK_WORDS) * UINT64_C(8))
        return false;
    *ret_text = (const char *)(event + TN_EVENT_MARK_WORDS);
    *ret_text_bytes = (uint32_t)text_bytes;
    return true;
}

/* ---- CHILD ---- */

/* A child that shares its parent's memory until it executes an image. */
struct tn_event_child {
    uint32_t pid;         /* as its parent sees it; 0: not known, of system and popen */
    bool is_taken_back;   /* it has not executed the image that was told of */
    uint64_t since_ticks; /* before it was started */
    const char *name;     /* of the image, without folders; not NUL terminated */
    uint32_t name_bytes;  /* at most TN_EVENT_CHILD_NAME_BYTES */
};

/* Write CHILD in TN_EVENT_CHILD_WORDS + tn_event_text_words(name_bytes) words. */
static inline void tn_event_put_child(uint64_t *event, const struct tn_event_child *child)
{
    uint32_t words = TN_EVENT_CHILD_WORDS + tn_event_text_words(child->name_bytes);
    event[0] = tn_event_head(TN_EVENT_CHILD, words, TN_FUNCTION_NONE, 0, 0);
    event[2] = child->pid | (uint64_t)child->is_taken_back << 32;
    event[3] = child->since_ticks;
    event[4] = child->name_bytes;
    tn_event_put_text(event + TN_EVENT_CHILD_WORDS, child->name, child->name_bytes);
}

/* Read CHILD. words: its checked length. False also if the name does not fit in it, or is too long. */
static inline bool tn_event_get_child(const uint64_t *event, uint32_t words, struct tn_event_child *ret_child)
{
    if (words < TN_EVENT_CHILD_WORDS)
        return false;
    uint64_t word_2 = event[2], name_bytes = event[4];
    if (name_bytes > TN_EVENT_CHILD_NAME_BYTES || name_bytes > (words - TN_EVENT_CHILD_WORDS) * UINT64_C(8))
        return false;
    *ret_child = (struct tn_event_child){(uint32_t)word_2, (word_2 >> 32 & 1) != 0, event[3],
                                         (const char *)(event + TN_EVENT_CHILD_WORDS), (uint32_t)name_bytes};
    return true;
}

#endif
