/* SPDX-License-Identifier: MIT */
/* Findings in words of C++17, one row of a table for each maker of blocks. Sources: the C++17 standard
 * ([mem.res], [string.capacity], [util.smartptr.shared.create]); capacities kept inside of objects are those
 * of libstdc++ 12 and libc++ 16. Called by the kinds when they fill a finding. */
#include "tenure/cplusplus.h"

#include "resource_code.h"

#include "tenure/base.h"
#include "tenure/template.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

/* Sentences with marks: @P the place, @O the owner, @T the type, @N the allocations, @B the bytes and @C the
 * blocks; of what grows @R the room that it needs, @K how many elements, @W what to do where that is not
 * known. NULL: the kind has nothing to say of such blocks. */
struct words {
    const char *title, *advice;
};

static const struct words stack_words[TN_MAKER_COUNT] = {
    [TN_MAKER_NEW] =
        {"Make the object of @P a local variable of @O: none of @N outlives the call",
         "Declare it in @O and pass it by reference to what uses it, instead of making it by @T: no "
         "object outlived the call. A pointer that only owns it goes, too."},
    [TN_MAKER_TEXT] =
        {"Use one @T again for the @N texts of @P: none outlives @O",
         "Keep one @T beside the loop that asks for them, in @O or further out, and assign to it: it "
         "keeps its memory, so no text needs a limit; reserve(@B) spares the first growth. What only "
         "reads can take a std::string_view, and std::to_chars writes numbers into a local array."},
    [TN_MAKER_SEQUENCE] =
        {"Use one @T again for the @N buffers of @P: none outlives @O",
         "Keep one @T beside the loop that asks for them, in @O or further out, and clear() it: it "
         "keeps its memory. Where the number of elements has a limit, a std::array needs no heap "
         "at all."},
    [TN_MAKER_NODES] =
        {"Give the @T at @P memory of @O: none of @N nodes outlives the call",
         "Make it a std::pmr container with a std::pmr::monotonic_buffer_resource on a local array of "
         "@O: up to @C nodes of up to @B B live at once. The resource gives nothing back before its "
         "end, and takes more from the heap when the array is full; a copy of the container uses the "
         "default resource. Or use a sorted std::vector, and the same one again."},
    [TN_MAKER_SHARED] =
        {"Pass the object of @P by reference instead of @T: none of @N outlives @O",
         "Declare it in @O and pass a reference to what uses it: nobody kept one of them beyond the "
         "call, so nobody needs to share it."},
    [TN_MAKER_CALLABLE] =
        {"Pass the callable of @P without @T: none of @N outlives @O",
         "Take it as a template parameter, or by reference to a local variable of @O: it is only "
         "called during the call. A @T puts on the heap what has more than 16 bytes, or cannot be "
         "copied as bytes."},
};

static const struct words pool_words[TN_MAKER_COUNT] = {
    [TN_MAKER_NEW] =
        {"Give the objects that @P makes a pool of @C blocks of @B B: it serves all @N allocations",
         "Give their class an operator new and an operator delete of its own, which take @B bytes from "
         "the pool below: @C of them in static memory, what is more from the heap, and counted."},
    [TN_MAKER_SEQUENCE] =
        {"Give the @T at @P memory of its own, @C blocks of @B B: it serves all @N allocations",
         "Make it a std::pmr container and give it the resource below: @C blocks of @B bytes in "
         "static memory, what is more from the heap, and counted. A std::pmr container is another "
         "type, and a copy of it uses the default resource."},
    [TN_MAKER_NODES] =
        {"Give the @T at @P a pool of @C nodes of @B B: it serves all @N allocations",
         "Make it a std::pmr container and give it the resource below: @C nodes of @B bytes in static "
         "memory, what is more from the heap, and counted. A std::pmr container is another type, a "
         "copy of it uses the default resource, and elements that allocate need the resource, too."},
    [TN_MAKER_SHARED] =
        {"Give the shared objects of @P a pool of @C blocks of @B B: it serves all @N allocations",
         "Make them by std::allocate_shared with the resource below: @C blocks in static memory, what "
         "is more from the heap, and counted. Each block is 8 bytes larger than now, since it keeps "
         "its allocator."},
};

static const struct words presize_words[TN_MAKER_COUNT] = {
    [TN_MAKER_TEXT] =
        {"Reserve @R in the @T at @P: @N texts grew there step by step",
         "Call reserve(@K) before the text is put together: each step of growth takes a larger block, "
         "copies, and releases the old one, so both are needed at once."},
    [TN_MAKER_SEQUENCE] =
        {"Reserve @R in the @T at @P: @N of them grew there step by step",
         "Call reserve(@K) before the loop, or the calls, that fill it@W: each step of growth takes a larger "
         "block, moves all elements, and releases the old one, so both are needed at once."},
};

static const struct words overhead_words[TN_MAKER_COUNT] = {
    [TN_MAKER_NEW] =
        {"Keep the small objects of @P by value: headers and rounding take @B",
         "Make them members, or elements of a std::vector, instead of objects of their own: up to @C live "
         "at once, and each costs the heap more than it holds. Or give their class a pool."},
    [TN_MAKER_TEXT] =
        {"Keep the short texts of @P off the heap: headers and rounding take @B",
         "A @T keeps 15 characters inside itself with libstdc++, 22 with libc++: what is a little longer "
         "costs the heap more than it holds. Up to @C live at once: shorten them, keep an index instead "
         "of the text, or put them into one buffer and keep std::string_view."},
    [TN_MAKER_SEQUENCE] =
        {"Keep the few elements of the @T at @P off the heap: headers and rounding take @B",
         "Up to @C such buffers live at once, and each costs the heap more than it holds: a "
         "std::array and a count serve where their number has a limit."},
    [TN_MAKER_NODES] =
        {"Keep the elements of the @T at @P together: headers and rounding take @B",
         "Each of up to @C nodes costs the heap more than it holds: a sorted std::vector, or a pool "
         "behind a std::pmr container, keeps them in one block."},
    [TN_MAKER_SHARED] =
        {"Spare the counters of @T at @P a block of their own: headers and rounding take @B",
         "std::make_shared puts counters and object into one block; an object that has one owner needs "
         "none. Up to @C such blocks live at once, and each costs the heap more than it holds."},
};

bool tn_cplusplus_stack_has(enum tn_maker maker)
{
    return stack_words[maker].title != NULL;
}

bool tn_cplusplus_pool_has(enum tn_maker maker)
{
    return pool_words[maker].title != NULL;
}

bool tn_cplusplus_presize_has(enum tn_maker maker)
{
    return presize_words[maker].title != NULL;
}

bool tn_cplusplus_overhead_has(enum tn_maker maker)
{
    return overhead_words[maker].title != NULL;
}

/* What the marks of a sentence stand for. */
struct sentence {
    const struct tn_cplusplus_scene *scene;
    bool is_quantity; /* bytes are for reading, not to be put into a source */
};

/* How many elements need room; 0: not known. A text keeps a character more, which ends it. */
static uint64_t count_elements(const struct tn_cplusplus_scene *scene)
{
    if (scene->made_by->maker == TN_MAKER_TEXT)
        return strcmp(scene->made_by->element, "char") == 0 && scene->block_bytes > 1 ? scene->block_bytes - 1
                                                                                      : 0;
    if (scene->made_by->element[0] == '\0' || scene->element_bytes == 0 ||
        scene->block_bytes % scene->element_bytes != 0)
        return 0;
    return scene->block_bytes / scene->element_bytes;
}

static int print_room(const struct tn_cplusplus_scene *scene, struct tn_buffer *out)
{
    char text[TN_QUANTITY_TEXT_BYTES];
    uint64_t count = count_elements(scene);
    if (count != 0 && scene->made_by->maker == TN_MAKER_TEXT)
        return tn_buffer_print(out, "%s characters", tn_print_count(text, count));
    if (count != 0)
        return tn_buffer_print(out, "%s elements of %s", tn_print_count(text, count),
                               scene->made_by->element);
    return tn_buffer_print(out, "%s B", tn_print_count(text, scene->block_bytes));
}

static int print_mark(const void *context, char mark, struct tn_buffer *out)
{
    const struct sentence *filling = context;
    const struct tn_cplusplus_scene *scene = filling->scene;
    char text[TN_QUANTITY_TEXT_BYTES];
    switch (mark) {
    case 'P':
        return tn_buffer_print(out, "%s", scene->place);
    case 'O':
        return tn_buffer_print(out, "%s", scene->owner);
    case 'T':
        return tn_buffer_print(out, "%s", scene->made_by->type);
    case 'N':
        return tn_buffer_print(out, "%s", tn_print_count(text, scene->allocations));
    case 'C':
        return tn_buffer_print(out, "%s", tn_print_count(text, scene->block_count));
    case 'R':
        return print_room(scene, out);
    case 'K':
        return count_elements(scene) == 0 ? tn_buffer_print(out, "N")
                                          : tn_buffer_print(out, "%" PRIu64, count_elements(scene));
    case 'W':
        return count_elements(scene) != 0
                   ? 0
                   : tn_buffer_print(out, ", with N times the size of an element %" PRIu64 " bytes or more",
                                     scene->block_bytes);
    default:
        return tn_buffer_print(out, "%s",
                               filling->is_quantity ? tn_print_bytes(text, scene->block_bytes)
                                                    : tn_print_count(text, scene->block_bytes));
    }
}

static int fill(const char *template, const struct sentence *filling, char **ret_text)
{
    struct tn_buffer out = {0};
    int r = tn_template_print(template, print_mark, filling, &out);
    if (r == 0)
        r = tn_finding_set(ret_text, "%.*s", (int)out.size_bytes, (const char *)out.data);
    tn_buffer_finish(&out);
    return r;
}

static int fill_words(const struct words *words, const struct tn_cplusplus_scene *scene, bool is_quantity,
                      struct tn_finding *finding)
{
    struct sentence filling = {scene, is_quantity};
    int r = fill(words->title, &filling, &finding->title);
    if (scene->made_by->type[0] != '\0')
        tn_evidence_add_text(&finding->evidence, "made_by", scene->made_by->type);
    return r == 0 ? fill(words->advice, &filling, &finding->advice) : r;
}

int tn_cplusplus_stack_words(const struct tn_cplusplus_scene *scene, struct tn_finding *finding)
{
    return fill_words(&stack_words[scene->made_by->maker], scene, false, finding);
}

int tn_cplusplus_pool_words(const struct tn_cplusplus_scene *scene, struct tn_finding *finding)
{
    int r = fill_words(&pool_words[scene->made_by->maker], scene, false, finding);
    return r == 0 ? tn_cplusplus_pool_code(scene, finding) : r;
}

int tn_cplusplus_presize_words(const struct tn_cplusplus_scene *scene, struct tn_finding *finding)
{
    return fill_words(&presize_words[scene->made_by->maker], scene, false, finding);
}

int tn_cplusplus_overhead_words(const struct tn_cplusplus_scene *scene, struct tn_finding *finding)
{
    return fill_words(&overhead_words[scene->made_by->maker], scene, true, finding);
}
