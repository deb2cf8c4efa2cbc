/* SPDX-License-Identifier: MIT */
/* Searches all ways of jumps from the target of a call, depth first. Whatever is not certain (a jump through
 * a pointer, a function whose jumps are not all described, a circle, a second way, too much to look at) means
 * that there is no answer. Called by tail_calls.c for each pair of a call and the frame below it. */
#include "jump_ways.h"

#include "tenure/log.h"
#include "tenure/site.h"
#include "tenure/sql.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LOOKS_MAX 256u /* jumps that one search may look at */

struct tn_jump_ways {
    struct tn_finish_job *job; /* borrowed */
    uint64_t *module_ids;      /* owned; modules of the program, in which names are looked for */
    size_t module_count;
    struct tn_map homes; /* address of a name -> 1 + index of the function that it stands for; 0: none, or not
                            known */
    struct jump_function *functions; /* owned; that names stand for */
    size_t function_count;
};

/* A function with debug information. */
struct jump_function {
    uint64_t module_id;
    uint64_t number; /* of lib/symbol; 0: not known */
};

/* What is searched for. */
struct goal {
    struct tn_code_place place;    /* module_id 0: an allocation function */
    struct jump_function function; /* around place, if it has debug information */
    enum tn_function allocator;
};

/* A function on the current way, and the next of its jumps to look at. */
struct level {
    struct jump_function function;
    size_t next;
    struct tn_code_place jump; /* the one that is being looked at */
};

struct way_search {
    struct tn_jump_ways *ways;
    const struct goal *goal;
    struct level levels[TN_WAY_JUMPS_MAX];
    size_t depth;
    unsigned looks_left, found_count;
    bool is_unsure;
    struct tn_jump_way way; /* valid if found_count is not 0 */
};

/* ---------------------------------------------------------------------------------------- names */

static int load_modules(struct tn_jump_ways *ways)
{
    struct tn_finish_job *job = ways->job;
    int64_t count;
    int r = tn_finish_number(job, "SELECT count(*) FROM module", 0, 0, &count);
    if (r < 0)
        return r;
    ways->module_ids = malloc(((size_t)count + 1) * sizeof(ways->module_ids[0]));
    if (ways->module_ids == NULL)
        return tn_finish_refuse(job, -ENOMEM, "cannot find tail calls");
    sqlite3_stmt *rows;
    r = tn_finish_prepare(job, "SELECT id, path FROM module ORDER BY id", &rows);
    if (r < 0)
        return r;
    while ((r = tn_sql_next(rows)) == 1 && ways->module_count < (size_t)count) {
        const char *path = tn_sql_text(rows, 1);
        if (path != NULL && !tn_site_is_runtime_module(path))
            ways->module_ids[ways->module_count++] = tn_sql_count(rows, 0);
    }
    sqlite3_finalize(rows);
    return r < 0 ? tn_finish_fail(job, r, "cannot find tail calls") : 0;
}

int tn_jump_ways_open(struct tn_finish_job *job, struct tn_jump_ways **ret_ways)
{
    struct tn_jump_ways *ways = calloc(1, sizeof(*ways));
    if (ways == NULL)
        return tn_finish_refuse(job, -ENOMEM, "cannot find tail calls");
    ways->job = job;
    int r = load_modules(ways);
    if (r < 0) {
        tn_jump_ways_close(ways);
        return r;
    }
    *ret_ways = ways;
    return 0;
}

void tn_jump_ways_close(struct tn_jump_ways *ways)
{
    if (ways == NULL)
        return;
    tn_map_finish(&ways->homes);
    free(ways->module_ids);
    free(ways->functions);
    free(ways);
}

static int refuse(const struct tn_jump_ways *ways, int code)
{
    return tn_finish_refuse(ways->job, code, "cannot find tail calls");
}

/* Look for a name in all modules of the program. Two of them that have it are one too many. */
static int look_for(struct tn_jump_ways *ways, const char *symbol, struct jump_function *ret_function)
{
    *ret_function = (struct jump_function){0};
    int r = 0, count = 0;
    for (size_t i = 0; r == 0 && i < ways->module_count; i++) {
        struct tn_symbol_file *file;
        uint64_t number = 0;
        r = tn_finish_files_get(ways->job, ways->module_ids[i], &file, NULL);
        if (r < 0 || file == NULL)
            continue;
        r = tn_symbol_function_named(file, symbol, &number);
        if (r < 0)
            return refuse(ways, r);
        if (number != 0 && ++count == 1)
            *ret_function = (struct jump_function){ways->module_ids[i], number};
    }
    if (count > 1)
        *ret_function = (struct jump_function){0};
    return r;
}

static int keep_home(struct tn_jump_ways *ways, const char *symbol, struct jump_function function)
{
    size_t count = ways->function_count;
    if (function.number != 0) {
        void *functions = realloc(ways->functions, (count + 1) * sizeof(ways->functions[0]));
        if (functions == NULL)
            return refuse(ways, -ENOMEM);
        ways->functions = functions;
        ways->functions[count] = function;
        ways->function_count = ++count;
    }
    int r = tn_map_put(&ways->homes, (uint64_t)(uintptr_t)symbol, function.number != 0 ? count : 0);
    return r < 0 ? refuse(ways, r) : 0;
}

/* The function that a target is: in the module of the jump, or by its name in another one. */
static int function_of(struct tn_jump_ways *ways, uint64_t module_id, const struct tn_symbol_target *target,
                       struct jump_function *ret_function)
{
    *ret_function = (struct jump_function){module_id, target->function};
    if (target->function != 0 || target->symbol == NULL)
        return 0;
    const uint64_t *home = tn_map_find(&ways->homes, (uint64_t)(uintptr_t)target->symbol);
    if (home != NULL) {
        *ret_function = *home != 0 ? ways->functions[*home - 1] : (struct jump_function){0};
        return 0;
    }
    int r = look_for(ways, target->symbol, ret_function);
    return r < 0 ? r : keep_home(ways, target->symbol, *ret_function);
}

/* ---------------------------------------------------------------------------------------- the goal */

static bool is_same(struct jump_function one, struct jump_function other)
{
    return one.number != 0 && one.number == other.number && one.module_id == other.module_id;
}

/* Whether a symbol names an allocation function. Those of C++ are told apart by what comes before their
 * parameters. */
static bool is_allocator(const char *symbol, enum tn_function function)
{
    switch (function) {
    case TN_FUNCTION_NEW:
        return strncmp(symbol, "_Znw", 4) == 0;
    case TN_FUNCTION_NEW_ARRAY:
        return strncmp(symbol, "_Zna", 4) == 0;
    case TN_FUNCTION_DELETE:
        return strncmp(symbol, "_Zdl", 4) == 0;
    case TN_FUNCTION_DELETE_ARRAY:
        return strncmp(symbol, "_Zda", 4) == 0;
    default:
        return strcmp(symbol, tn_function_name(function)) == 0;
    }
}

/* Whether a target is what is searched for. */
static int is_goal(struct way_search *search, struct jump_function function,
                   const struct tn_symbol_target *target, bool *ret_is_goal)
{
    const struct goal *goal = search->goal;
    *ret_is_goal = false;
    if (goal->place.module_id == 0) {
        *ret_is_goal = target->symbol != NULL && is_allocator(target->symbol, goal->allocator);
        return 0;
    }
    if (function.number != 0 || target->symbol == NULL) {
        *ret_is_goal = is_same(function, goal->function);
        return 0;
    }
    struct tn_symbol_file *file;
    int r = tn_finish_files_get(search->ways->job, goal->place.module_id, &file, NULL);
    if (r < 0 || file == NULL)
        return r;
    r = tn_symbol_is_named(file, goal->place.offset_bytes, target->symbol);
    if (r < 0)
        return refuse(search->ways, r);
    *ret_is_goal = r == 1;
    return 0;
}

/* ---------------------------------------------------------------------------------------- the search */

static void note_found(struct way_search *search)
{
    if (++search->found_count > 1)
        return;
    search->way.count = search->depth;
    for (size_t i = 0; i < search->depth; i++)
        search->way.jumps[i] = search->levels[i].jump;
}

/* Go on in a function, unless the way has been there. A function of another module that is not described is
 * taken not to jump back. */
static void enter(struct way_search *search, struct jump_function function, bool is_named)
{
    if (function.number == 0) {
        search->is_unsure |= !is_named;
        return;
    }
    for (size_t i = 0; i < search->depth; i++)
        search->is_unsure |= is_same(search->levels[i].function, function);
    search->is_unsure |= search->depth == TN_WAY_JUMPS_MAX;
    if (!search->is_unsure)
        search->levels[search->depth++] = (struct level){.function = function};
}

/* Look at a target of the innermost function of the way, or at the call's. */
static int look_at(struct way_search *search, uint64_t module_id, const struct tn_symbol_target *target)
{
    struct jump_function function;
    bool is_there = false;
    int r = function_of(search->ways, module_id, target, &function);
    if (r == 0)
        r = is_goal(search, function, target, &is_there);
    if (r < 0)
        return r;
    if (is_there)
        note_found(search);
    else
        enter(search, function, target->symbol != NULL);
    return 0;
}

static bool is_described(const struct tn_symbol_jump *jumps, size_t count,
                         const struct tn_code_import_jump *jump)
{
    for (size_t i = 0; i < count; i++)
        if (jumps[i].offset_bytes <= jump->end && jumps[i].offset_bytes > jump->end - jump->size_bytes)
            return true;
    return false;
}

/* Look at the jumps of the innermost function that its debug information leaves out: those to the allocation
 * function that is searched for. */
static int look_at_others(struct way_search *search, const struct tn_symbol_jump *jumps, size_t count)
{
    struct level *level = &search->levels[search->depth - 1];
    uint64_t module_id = level->function.module_id;
    struct tn_code_import_jump others[TN_WAY_JUMPS_MAX];
    struct tn_symbol_file *file;
    struct tn_code *code;
    size_t other_count = 0;
    int r = tn_finish_files_get(search->ways->job, module_id, &file, NULL);
    if (r == 0)
        r = tn_finish_files_code(search->ways->job, module_id, &code);
    if (r < 0)
        return r;
    uint64_t begin = tn_symbol_function_begin(file, level->function.number);
    if (code != NULL && begin != 0)
        tn_code_import_jumps(code, begin, others, TN_WAY_JUMPS_MAX, &other_count);
    for (size_t i = 0; i < other_count; i++) {
        if (is_described(jumps, count, &others[i]) ||
            !is_allocator(others[i].symbol, search->goal->allocator))
            continue;
        level->jump = (struct tn_code_place){module_id, others[i].end};
        note_found(search);
    }
    return 0;
}

/* Take the next jump of the innermost function; leave the function when there is none. */
static int step(struct way_search *search)
{
    struct level *level = &search->levels[search->depth - 1];
    struct tn_symbol_file *file;
    const struct tn_symbol_jump *jumps;
    size_t count;
    bool is_complete;
    int r = tn_finish_files_get(search->ways->job, level->function.module_id, &file, NULL);
    if (r < 0)
        return r;
    r = tn_symbol_jumps(file, level->function.number, &jumps, &count, &is_complete);
    if (r < 0)
        return refuse(search->ways, r);
    search->is_unsure |= !is_complete || search->looks_left == 0;
    if (level->next == count) {
        r = search->goal->place.module_id == 0 ? look_at_others(search, jumps, count) : 0;
        search->depth--;
        return r;
    }
    struct tn_symbol_jump jump = jumps[level->next++];
    level->jump = (struct tn_code_place){level->function.module_id, jump.offset_bytes};
    search->looks_left -= search->looks_left != 0;
    return look_at(search, level->function.module_id, &jump.target);
}

/* Search from a target on, until it is certain that there is no single way. */
static int run(struct way_search *search, uint64_t module_id, const struct tn_symbol_target *target)
{
    int r = look_at(search, module_id, target);
    while (r == 0 && search->depth != 0 && !search->is_unsure && search->found_count < 2)
        r = step(search);
    return r;
}

/* Whether the function that was found can jump, through others, to itself: then it may have been entered
 * several times. What is not known of its jumps is no reason to doubt the way to it. */
static int can_come_back(struct tn_jump_ways *ways, const struct goal *goal, bool *ret_can)
{
    struct way_search search = {.ways = ways, .goal = goal, .looks_left = LOOKS_MAX};
    *ret_can = false;
    if (goal->function.number == 0)
        return 0;
    search.levels[search.depth++] = (struct level){.function = goal->function};
    int r = 0;
    while (r == 0 && search.depth != 0 && search.found_count == 0 && search.looks_left != 0) {
        r = step(&search);
        search.is_unsure = false;
    }
    *ret_can = search.found_count != 0;
    return r;
}

static int find_way(struct tn_jump_ways *ways, struct tn_code_place call, const struct goal *goal,
                    struct tn_jump_way *ret_way)
{
    struct way_search search = {.ways = ways, .goal = goal, .looks_left = LOOKS_MAX};
    struct tn_symbol_file *file;
    struct tn_symbol_target target;
    ret_way->count = 0;
    int r = tn_finish_files_get(ways->job, call.module_id, &file, NULL);
    if (r < 0 || file == NULL)
        return r;
    r = tn_symbol_call_target(file, call.offset_bytes, &target);
    if (r < 0)
        return refuse(ways, r);
    if (target.function == 0 && target.symbol == NULL)
        return 0;
    r = run(&search, call.module_id, &target);
    if (r < 0 || search.is_unsure || search.found_count != 1 || search.way.count == 0)
        return r;
    bool can;
    r = can_come_back(ways, goal, &can);
    if (r == 0 && !can)
        *ret_way = search.way;
    return r;
}

int tn_jump_ways_to_place(struct tn_jump_ways *ways, struct tn_code_place call, struct tn_code_place callee,
                          struct tn_jump_way *ret_way)
{
    struct goal goal = {.place = callee, .function = {.module_id = callee.module_id}};
    struct tn_symbol_file *file;
    ret_way->count = 0;
    if (callee.module_id == 0)
        return 0;
    int r = tn_finish_files_get(ways->job, callee.module_id, &file, NULL);
    if (r < 0 || file == NULL)
        return r;
    r = tn_symbol_function_at(file, callee.offset_bytes, &goal.function.number);
    return r < 0 ? refuse(ways, r) : find_way(ways, call, &goal, ret_way);
}

int tn_jump_ways_to_allocator(struct tn_jump_ways *ways, struct tn_code_place call, enum tn_function function,
                              struct tn_jump_way *ret_way)
{
    struct goal goal = {.allocator = function};
    return find_way(ways, call, &goal, ret_way);
}
