/* SPDX-License-Identifier: MIT */
/* What makes the blocks of a site (tenure/maker.h). The names of the library's functions are simplified as
 * they are for `via`, so that both libraries' internal names need one table each; the innermost type that is
 * found owns the block: in emplace_back that makes a string, the string. Kinds ask when they state findings.
 */
#include "makers.h"

#include "pass.h"

#include "tenure/container.h"
#include "tenure/finding.h"
#include "tenure/maker.h"
#include "tenure/site.h"
#include "tenure/source_frames.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The maker by type, in words of `via`. Types that are not listed pass on what others make (std::pair), or
 * are algorithms. */
static const struct {
    const char *type;
    enum tn_maker maker;
} types[] = {
    {"operator new", TN_MAKER_NEW},
    {"operator new[]", TN_MAKER_NEW},
    {"std::make_unique", TN_MAKER_NEW},
    {"std::string", TN_MAKER_TEXT},
    {"std::wstring", TN_MAKER_TEXT},
    {"std::u16string", TN_MAKER_TEXT},
    {"std::u32string", TN_MAKER_TEXT},
    {"std::stringbuf", TN_MAKER_TEXT},
    {"std::to_string", TN_MAKER_TEXT},
    {"std::vector", TN_MAKER_SEQUENCE},
    {"std::deque", TN_MAKER_SEQUENCE},
    {"std::map", TN_MAKER_NODES},
    {"std::set", TN_MAKER_NODES},
    {"std::multimap", TN_MAKER_NODES},
    {"std::multiset", TN_MAKER_NODES},
    {"std::list", TN_MAKER_NODES},
    {"std::forward_list", TN_MAKER_NODES},
    {"std::unordered_map", TN_MAKER_NODES},
    {"std::unordered_set", TN_MAKER_NODES},
    {"std::unordered_multimap", TN_MAKER_NODES},
    {"std::unordered_multiset", TN_MAKER_NODES},
    {"std::shared_ptr", TN_MAKER_SHARED},
    {"std::make_shared", TN_MAKER_SHARED},
    {"std::allocate_shared", TN_MAKER_SHARED},
    {"std::function", TN_MAKER_CALLABLE},
    {"std::any", TN_MAKER_CALLABLE},
    {"std::thread", TN_MAKER_LIBRARY},
    {"std::async", TN_MAKER_LIBRARY},
    {"std::promise", TN_MAKER_LIBRARY},
    {"std::packaged_task", TN_MAKER_LIBRARY},
    {"std::regex", TN_MAKER_LIBRARY},
    {"std::locale", TN_MAKER_LIBRARY},
    {"std::filebuf", TN_MAKER_LIBRARY},
    {"throw", TN_MAKER_LIBRARY},
};

/* Parts of names of functions that allocate a hash container's table. */
static const char *const table_functions[] = {"_M_allocate_buckets", "_M_rehash", "__rehash", "::rehash("};

struct tn_makers {
    struct tn_made_by *sites; /* owned; by index in tn_pass.sites; NULL: not filled yet */
    uint8_t *has_stack;       /* owned; by site: some stack of it was looked at */
};

int tn_makers_open(struct tn_makers **ret_makers)
{
    *ret_makers = calloc(1, sizeof(**ret_makers));
    return *ret_makers != NULL ? 0 : -ENOMEM;
}

void tn_makers_close(struct tn_makers *makers)
{
    if (makers == NULL)
        return;
    free(makers->sites);
    free(makers->has_stack);
    free(makers);
}

static enum tn_maker find_type(const char *via)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(via, types[i].type) == 0)
            return types[i].maker;
    return TN_MAKER_CALL;
}

enum tn_maker tn_maker_of_function(const char *function, char *ret_type)
{
    char via[TN_SITE_VIA_BYTES];
    tn_site_library_via(function, via);
    enum tn_maker maker = find_type(via);
    ret_type[0] = '\0';
    if (maker == TN_MAKER_CALL)
        return maker;
    for (size_t i = 0; maker == TN_MAKER_NODES && i < sizeof(table_functions) / sizeof(table_functions[0]);
         i++)
        if (strstr(function, table_functions[i]) != NULL)
            maker = TN_MAKER_SEQUENCE;
    memcpy(ret_type, via, TN_MAKER_TYPE_BYTES);
    return maker;
}

/* What a stack's own allocation function says, where no frame inside of the site does. */
static enum tn_maker maker_of_call(uint8_t function)
{
    return function == TN_FUNCTION_NEW || function == TN_FUNCTION_NEW_ARRAY ? TN_MAKER_NEW : TN_MAKER_CALL;
}

/* The containers between the allocator and the first function of the program. */
static void find_containers(const struct tn_pass *pass, const struct tn_source_frames *frames,
                            uint32_t stack_id, struct tn_container_stack *ret_stack)
{
    struct tn_source_cursor at = {stack_id, 0};
    *ret_stack = (struct tn_container_stack){0};
    for (uint32_t steps = 0; at.node != 0 && steps < TN_SOURCE_STEPS_MAX; steps++) {
        const struct tn_source_frame *frame = tn_source_cursor_frame(frames, pass, at);
        const struct tn_source_function *function = &frames->functions[frame->function];
        struct tn_container container;
        if (frame->function == 0 ? !frames->frames[pass->nodes[at.node].frame_id].is_runtime
                                 : function->is_program)
            break;
        if (frame->function != 0 && tn_container_of_function(function->name, &container))
            tn_container_stack_add(ret_stack, &container);
        at = tn_source_cursor_outwards(frames, pass, at);
    }
}

int tn_pass_outgrew_inline(const struct tn_pass *pass, uint32_t stack_id, bool *ret_is_first)
{
    static const char *const operations[] = {"push_back", "append", "operator+=", "operator+",
                                             "insert",    "resize", "replace",    "getline"};
    const struct tn_source_frames *frames;
    struct tn_container_stack stack;
    int r = tn_pass_frames(pass, &frames);
    if (r < 0)
        return r;
    *ret_is_first = false;
    find_containers(pass, frames, stack_id, &stack);
    if (stack.inner.type == NULL || find_type(stack.inner.type) != TN_MAKER_TEXT)
        return 0;
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
        *ret_is_first = *ret_is_first || strcmp(stack.inner.operation, operations[i]) == 0;
    return 0;
}

/* The maker of the blocks of one stack: its frames outwards, up to the first that is the program's. */
static struct tn_made_by maker_of_stack(const struct tn_pass *pass, const struct tn_source_frames *frames,
                                        uint32_t stack_id)
{
    struct tn_made_by made_by = {.maker = maker_of_call(pass->nodes[stack_id].function)};
    struct tn_source_cursor at = {stack_id, 0};
    bool has_type = false;
    for (uint32_t steps = 0; at.node != 0 && steps < TN_SOURCE_STEPS_MAX; steps++) {
        const struct tn_source_frame *frame = tn_source_cursor_frame(frames, pass, at);
        const struct tn_source_function *function = &frames->functions[frame->function];
        struct tn_made_by outer = {0};
        if (frame->function == 0 ? !frames->frames[pass->nodes[at.node].frame_id].is_runtime
                                 : function->is_program)
            break;
        if (frame->function != 0)
            outer.maker = tn_maker_of_function(function->name, outer.type);
        /* what a regular expression or a thread makes inside of itself is its own business, whatever it is */
        if (outer.maker != TN_MAKER_CALL && (!has_type || outer.maker == TN_MAKER_LIBRARY))
            made_by = outer;
        has_type = has_type || outer.maker >= TN_MAKER_TEXT;
        at = tn_source_cursor_outwards(frames, pass, at);
    }
    struct tn_container_stack stack;
    if (tn_maker_is_library(made_by.maker)) {
        find_containers(pass, frames, stack_id, &stack);
        tn_function_short_name(stack.inner.element, made_by.element, sizeof(made_by.element));
        memcpy(made_by.operation, stack.inner.operation, sizeof(made_by.operation));
    }
    return made_by;
}

/* What two stacks of a site have in common. */
static void agree(struct tn_made_by *known, const struct tn_made_by *other)
{
    if (known->maker != other->maker) {
        *known = (struct tn_made_by){.maker = TN_MAKER_CALL};
        return;
    }
    if (strcmp(known->element, other->element) != 0)
        known->element[0] = '\0';
    if (strcmp(known->operation, other->operation) != 0)
        known->operation[0] = '\0';
}

static int fill(const struct tn_pass *pass, struct tn_makers *makers)
{
    const struct tn_source_frames *frames;
    int r = tn_pass_frames(pass, &frames);
    if (r < 0)
        return r;
    makers->sites = calloc(pass->site_count, sizeof(makers->sites[0]));
    makers->has_stack = calloc(pass->site_count, 1);
    if (makers->sites == NULL || makers->has_stack == NULL)
        return -ENOMEM;
    for (uint32_t id = 1; id < pass->node_count; id++) {
        const struct tn_stack_node *node = &pass->nodes[id];
        if (node->site == 0 || node->function == 0)
            continue;
        struct tn_made_by made_by = maker_of_stack(pass, frames, id), *known = &makers->sites[node->site];
        if (!makers->has_stack[node->site])
            *known = made_by;
        else
            agree(known, &made_by);
        makers->has_stack[node->site] = 1;
    }
    return 0;
}

int tn_pass_maker(const struct tn_pass *pass, uint32_t site, struct tn_made_by *ret_made_by)
{
    int r = pass->makers->sites == NULL ? fill(pass, pass->makers) : 0;
    if (r == 0)
        *ret_made_by = pass->makers->sites[site];
    return r;
}
