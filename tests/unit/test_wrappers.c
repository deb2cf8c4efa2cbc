/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tenure/site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define APP        "/home/me/app"
#define LIBC       "/usr/lib/x86_64-linux-gnu/libc.so.6"
#define STACKS_MAX 200
#define FRAMES_MAX 200

/* Stacks that are being made up: a path of calls "main:1/work:7/grab:3" is one stack, outermost first; each
 * part is a function and a place in it. */
struct stacks {
    struct tn_site_rules *rules;
    struct tn_site_trie trie;
    struct tn_site_use uses[STACKS_MAX];
    struct tn_site_release releases[STACKS_MAX];
    size_t release_count;
    char *frames[FRAMES_MAX]; /* "function:place" by id */
    char *nodes[STACKS_MAX];  /* path by id */
    uint32_t frame_count, node_count;
};

static void begin(struct stacks *stacks)
{
    *stacks = (struct stacks){.frame_count = 1, .node_count = 1};
    assert_int_equal(tn_site_rules_open(NULL, &stacks->rules, NULL), 0);
    assert_int_equal(tn_site_trie_begin(&stacks->trie, STACKS_MAX, FRAMES_MAX, FRAMES_MAX), 0);
}

static void end(struct stacks *stacks)
{
    for (uint32_t i = 1; i < stacks->frame_count; i++)
        free(stacks->frames[i]);
    for (uint32_t i = 1; i < stacks->node_count; i++)
        free(stacks->nodes[i]);
    tn_site_trie_finish(&stacks->trie);
    tn_site_rules_close(stacks->rules);
}

static uint32_t frame_of(struct stacks *stacks, const char *text)
{
    char function[64];
    for (uint32_t i = 1; i < stacks->frame_count; i++)
        if (strcmp(stacks->frames[i], text) == 0)
            return i;
    uint32_t id = stacks->frame_count++;
    assert_true(id < FRAMES_MAX);
    stacks->frames[id] = strdup(text);
    snprintf(function, sizeof(function), "%.*s", (int)strcspn(text, ":"), text);
    const char *module = strcmp(function, "qsort") == 0 ? LIBC : APP;
    struct tn_site_source source = {function, NULL, 0, module, 16 * id};
    assert_int_equal(tn_site_trie_add_frame(&stacks->trie, stacks->rules, id, id, &source), 0);
    return id;
}

/* The stack of a path; callers stand before the stacks that they call. */
static uint32_t stack_of(struct stacks *stacks, const char *path)
{
    for (uint32_t i = 1; i < stacks->node_count; i++)
        if (strcmp(stacks->nodes[i], path) == 0)
            return i;
    char outer[256] = "";
    const char *slash = strrchr(path, '/');
    if (slash != NULL)
        snprintf(outer, sizeof(outer), "%.*s", (int)(slash - path), path);
    uint32_t caller = slash != NULL ? stack_of(stacks, outer) : 0;
    uint32_t frame = frame_of(stacks, slash != NULL ? slash + 1 : path);
    uint32_t id = stacks->node_count++;
    assert_true(id < STACKS_MAX);
    stacks->nodes[id] = strdup(path);
    tn_site_trie_add_stack(&stacks->trie, id, frame, caller,
                           caller != 0 ? stacks->trie.nodes[caller].depth + 1 : 1);
    return id;
}

static void add_births(struct stacks *stacks, const char *path, uint64_t births, uint64_t min_size_bytes,
                       uint64_t max_size_bytes)
{
    stacks->uses[stack_of(stacks, path)] = (struct tn_site_use){births, min_size_bytes, max_size_bytes};
}

static void add_releases(struct stacks *stacks, const char *birth, const char *release, uint64_t count)
{
    uint32_t birth_stack = stack_of(stacks, birth);
    stacks->releases[stacks->release_count++] =
        (struct tn_site_release){birth_stack, stack_of(stacks, release), count};
}

/* Find wrappers; they must be these, in this order, separated by blanks. Ends the stacks. */
static void expect(struct stacks *stacks, const char *names)
{
    struct tn_site_wrapper *wrappers = NULL;
    size_t count = 0;
    char found[512] = "";
    assert_int_equal(tn_site_find_wrappers(&stacks->trie, stacks->uses, stacks->releases,
                                           stacks->release_count, NULL, &wrappers, &count),
                     0);
    for (size_t i = 0; i < count; i++) {
        strcat(found, i == 0 ? "" : " ");
        strcat(found, wrappers[i].function);
    }
    assert_string_equal(found, names);
    free(wrappers);
    end(stacks);
}

/* Three places that each ask a function for a size of their own. */
static void add_callers(struct stacks *stacks, const char *inner)
{
    static const char *const callers[] = {"main:1/one:5", "main:2/two:6", "main:3/three:7"};
    static const uint64_t sizes[] = {24, 56, 200};
    for (size_t i = 0; i < 3; i++) {
        char path[256];
        snprintf(path, sizeof(path), "%s/%s", callers[i], inner);
        add_births(stacks, path, 50, sizes[i], sizes[i]);
    }
}

static void a_function_whose_callers_choose_is_a_wrapper(void **state)
{
    (void)state;
    struct stacks stacks;
    struct tn_site_wrapper *wrappers = NULL;
    size_t count = 0;
    const char *via = NULL;
    begin(&stacks);
    add_callers(&stacks, "grab:1");
    assert_int_equal(tn_site_find_wrappers(&stacks.trie, stacks.uses, NULL, 0, NULL, &wrappers, &count), 0);
    assert_int_equal(count, 1);
    assert_string_equal(wrappers[0].function, "grab");
    assert_int_equal(wrappers[0].allocations, 150);
    assert_int_equal(wrappers[0].callers, 3);
    assert_int_equal(wrappers[0].fixed_callers, 3);
    assert_int_equal(wrappers[0].sizes, 3);
    const struct tn_site_frame *site =
        tn_site_trie_find(&stacks.trie, stack_of(&stacks, "main:1/one:5/grab:1"), "malloc", &via);
    assert_string_equal(stacks.trie.functions[site->function].name, "one");
    assert_string_equal(via, "grab");
    free(wrappers);
    end(&stacks);
}

static void wrappers_around_wrappers_are_found(void **state)
{
    (void)state;
    struct stacks stacks;
    begin(&stacks);
    add_callers(&stacks, "grab_object:3/grab_clear:2/grab:1");
    expect(&stacks, "grab grab_clear grab_object");
}

/* get is called by many, one of which passes on what its own callers ask for. */
static void a_wrapper_is_one_caller_of_another(void **state)
{
    (void)state;
    struct stacks stacks;
    begin(&stacks);
    add_callers(&stacks, "get:1");
    add_births(&stacks, "main:4/outer:1/get:1", 60, 48, 48);
    add_births(&stacks, "main:5/four:9/get_zero:2/get:1", 40, 300, 300);
    add_births(&stacks, "main:6/five:9/get_zero:2/get:1", 40, 300, 300);
    add_births(&stacks, "main:7/six:9/get_zero:2/get:1", 40, 300, 300);
    expect(&stacks, "get");
    begin(&stacks);
    add_callers(&stacks, "get:1");
    add_births(&stacks, "main:5/four:9/get_zero:2/get:1", 40, 301, 301);
    add_births(&stacks, "main:6/five:9/get_zero:2/get:1", 40, 302, 302);
    add_births(&stacks, "main:7/six:9/get_zero:2/get:1", 40, 303, 303);
    add_births(&stacks, "main:8/seven:9/get:1", 40, 12, 12);
    add_births(&stacks, "main:9/eight:9/get:1", 40, 16, 16);
    expect(&stacks, "get get_zero");
}

static void a_constructor_of_one_size_is_none(void **state)
{
    (void)state;
    struct stacks stacks;
    begin(&stacks);
    add_births(&stacks, "main:1/one:5/node_new:1", 50, 64, 64);
    add_births(&stacks, "main:2/two:6/node_new:1", 50, 64, 64);
    add_births(&stacks, "main:3/three:7/node_new:1", 50, 64, 64);
    expect(&stacks, "");
}

/* It makes a head of its own besides what it is asked for. */
static void a_function_with_something_of_its_own_is_none(void **state)
{
    (void)state;
    struct stacks stacks;
    begin(&stacks);
    add_callers(&stacks, "array_new:2");
    add_births(&stacks, "main:1/one:5/array_new:1", 50, 32, 32);
    add_births(&stacks, "main:2/two:6/array_new:1", 50, 32, 32);
    expect(&stacks, "");
}

static void a_function_that_releases_the_blocks_is_none(void **state)
{
    (void)state;
    struct stacks stacks;
    begin(&stacks);
    add_callers(&stacks, "hash:1");
    add_releases(&stacks, "main:1/one:5/hash:1", "main:1/one:5/hash:2", 50);
    expect(&stacks, "");
    begin(&stacks);
    add_callers(&stacks, "hash:1");
    add_releases(&stacks, "main:1/one:5/hash:1", "main:1/one:9", 50);
    add_releases(&stacks, "main:2/two:6/hash:1", "main:2/two:6/hash:2", 3);
    expect(&stacks, "hash");
}

/* What it reads decides, not who calls. */
static void a_function_whose_sizes_vary_for_every_caller_is_none(void **state)
{
    (void)state;
    struct stacks stacks;
    begin(&stacks);
    add_births(&stacks, "main:1/one:5/read_line:1", 50, 1, 80);
    add_births(&stacks, "main:2/two:6/read_line:1", 50, 3, 99);
    add_births(&stacks, "main:3/three:7/read_line:1", 50, 24, 24);
    expect(&stacks, "");
}

static void a_name_that_says_so_counts(void **state)
{
    (void)state;
    struct stacks stacks;
    begin(&stacks);
    add_births(&stacks, "main:1/one:5/my_strdup:1", 50, 1, 80);
    add_births(&stacks, "main:2/two:6/my_strdup:1", 50, 3, 99);
    expect(&stacks, "my_strdup");
}

static void few_allocations_or_callers_say_nothing(void **state)
{
    (void)state;
    struct stacks stacks;
    begin(&stacks);
    add_births(&stacks, "main:1/one:5/grab:1", 5, 24, 24);
    add_births(&stacks, "main:2/two:6/grab:1", 5, 56, 56);
    add_births(&stacks, "main:3/three:7/grab:1", 5, 80, 80);
    expect(&stacks, "");
    begin(&stacks);
    add_births(&stacks, "main:1/one:5/grab:1", 500, 24, 24);
    add_births(&stacks, "main:2/two:6/grab:1", 500, 56, 56);
    expect(&stacks, "");
}

/* A vector that grows has its steps where it is pushed to: a few of one size at each place. */
static void chance_is_no_choice(void **state)
{
    (void)state;
    struct stacks stacks;
    begin(&stacks);
    add_births(&stacks, "main:1/one:5/push:1", 4, 8, 8);
    add_births(&stacks, "main:2/two:6/push:1", 4, 16, 16);
    add_births(&stacks, "main:3/three:7/push:1", 4, 32, 32);
    add_births(&stacks, "main:4/four:7/push:1", 4, 64, 64);
    add_births(&stacks, "main:5/five:7/push:1", 9, 8, 128);
    expect(&stacks, "");
}

static void recursion_and_main_end_the_question(void **state)
{
    (void)state;
    struct stacks stacks;
    begin(&stacks);
    add_births(&stacks, "main:1/walk:5", 50, 24, 24);
    add_births(&stacks, "main:1/walk:5/walk:5", 50, 56, 56);
    add_births(&stacks, "main:1/walk:5/walk:5/walk:5", 50, 80, 80);
    add_births(&stacks, "main:7", 50, 24, 99);
    add_births(&stacks, "main:8/qsort:1/compare:1", 50, 24, 99);
    expect(&stacks, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_function_whose_callers_choose_is_a_wrapper),
        cmocka_unit_test(wrappers_around_wrappers_are_found),
        cmocka_unit_test(a_wrapper_is_one_caller_of_another),
        cmocka_unit_test(a_constructor_of_one_size_is_none),
        cmocka_unit_test(a_function_with_something_of_its_own_is_none),
        cmocka_unit_test(a_function_that_releases_the_blocks_is_none),
        cmocka_unit_test(a_function_whose_sizes_vary_for_every_caller_is_none),
        cmocka_unit_test(a_name_that_says_so_counts),
        cmocka_unit_test(few_allocations_or_callers_say_nothing),
        cmocka_unit_test(chance_is_no_choice),
        cmocka_unit_test(recursion_and_main_end_the_question),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
