/* SPDX-License-Identifier: MIT */
/* What a program may have written into its control ring: events whose lengths fit, of any content, each as
 * the recorder applies it. The first byte of an event is its kind, the second its words. */
#include "fake_writer.h"
#include "fuzz.h"
#include "mappings.h"
#include "stacks.h"

#include "tenure/event_body.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define EVENT_WORDS_MAX 255

struct world {
    struct fake_writer fake;
    struct tn_module_files files;
    struct tn_mappings mappings;
    struct tn_stacks stacks;
    struct tn_mapping_context context;
};

static int apply_stack(struct world *world, const uint64_t *event, uint32_t words)
{
    uint64_t row;
    return tn_stacks_intern(&world->stacks, world->context.writer, &world->mappings, event, words, &row);
}

static int apply_module(struct world *world, const uint64_t *event, uint32_t words, bool is_gone)
{
    tn_stacks_reset(&world->stacks);
    int r = is_gone ? tn_mappings_remove(&world->mappings, &world->context, event, words)
                    : tn_mappings_add(&world->mappings, &world->context, event, words);
    for (uint32_t i = 0; i < world->mappings.count; i++) {
        const struct tn_mapping *mapping = &world->mappings.list[i];
        fuzz_check(mapping->start < mapping->end, "a mapping of no bytes");
        fuzz_check(i == 0 || mapping[-1].end <= mapping->start, "mappings overlap");
    }
    return r;
}

static void apply_text(const uint64_t *event, uint32_t words)
{
    const char *text, *end = (const char *)(event + words);
    struct tn_event_child child;
    uint32_t text_bytes;
    if (tn_event_get_mark(event, words, &text, &text_bytes))
        fuzz_check(text_bytes <= TN_MARK_TEXT_BYTES_MAX && text + text_bytes <= end,
                   "a mark beyond its event");
    if (tn_event_get_child(event, words, &child))
        fuzz_check(child.name + child.name_bytes <= end, "a name beyond its event");
}

static void apply(struct world *world, const uint64_t *event, uint32_t words)
{
    int r = 0;
    apply_text(event, words);
    switch (tn_event_kind_of(event[0])) {
    case TN_EVENT_STACK:
        r = apply_stack(world, event, words);
        break;
    case TN_EVENT_MODULE:
    case TN_EVENT_MODULE_GONE:
        r = apply_module(world, event, words, tn_event_kind_of(event[0]) == TN_EVENT_MODULE_GONE);
        break;
    default:
        break;
    }
    fuzz_check(r == 0 || r == -EBADMSG, "an event is refused for another reason than that it is malformed");
}

/* From memory of just that size, so that a sanitizer sees what is read beyond. */
static size_t take(struct world *world, const uint8_t *data, size_t size_bytes)
{
    uint32_t words = 2 + data[1] % (EVENT_WORDS_MAX - 1);
    if (words * sizeof(uint64_t) > size_bytes)
        words = (uint32_t)(size_bytes / sizeof(uint64_t));
    uint64_t *event = malloc(words * sizeof(event[0]));
    fuzz_check(event != NULL, "out of memory");
    memcpy(event, data, words * sizeof(event[0]));
    event[0] = (event[0] & ~UINT64_C(0xffff)) | tn_event_head(data[0] % 32, words, TN_FUNCTION_NONE, 0, 0);
    event[1] = 0;
    apply(world, event, words);
    free(event);
    return words * sizeof(uint64_t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    struct world world = {0};
    world.context = (struct tn_mapping_context){
        .writer = fake_writer_of(&world.fake),
        .files = &world.files,
        .process_id = 1,
        .pid = getpid(),
    };
    while (size_bytes >= 2 * sizeof(uint64_t)) {
        size_t taken = take(&world, data, size_bytes);
        data += taken;
        size_bytes -= taken;
    }
    tn_mappings_finish(&world.mappings);
    tn_module_files_finish(&world.files);
    tn_stacks_finish(&world.stacks);
    fake_writer_finish(&world.fake);
    return 0;
}
