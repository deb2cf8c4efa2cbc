/* SPDX-License-Identifier: MIT */

/* From where each site of a log was called: a hash of the names of all functions that called the site's own,
 * outermost first. Inlined functions count as if they were called, so that the same source gives the same
 * contexts however it was compiled. Called by tools, for the comparison. */

#include "match_text.h"

#include "tenure/compare.h"
#include "tenure/log.h"
#include "tenure/map.h"
#include "tenure/sql.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

/* The names that one physical frame stands for: hashes, innermost first. */
struct frame_names {
    size_t first; /* in loader.names */
    size_t count; /* 0: the log does not have the frame */
};

/* While the contexts are loaded. All is owned but the connection. */
struct context_loader {
    struct sqlite3 *database;
    uint64_t *names; /* hashes of functions, physical frame by physical frame */
    size_t name_count, name_capacity;
    size_t group_first;         /* where the names of the frame begin that is being read */
    struct frame_names *frames; /* by id */
    uint64_t frame_count;
    uint64_t *chains;    /* by stack id: hash of all names from the root up to and with its frame; 0: none */
    uint32_t *frame_ids; /* by stack id */
    uint32_t *callers;   /* by stack id; 0: a root */
    uint64_t stack_count;
    uint64_t *site_names; /* by site id: hash of the site's function; 0: not known */
    size_t site_count;
};

static uint64_t chain(uint64_t callers, uint64_t name)
{
    uint64_t hash = tn_mix(callers * 31 + name);
    return hash != 0 ? hash : 1;
}

/* ---------------------------------------------------------------------------------------- names of frames */

static int add_name(struct context_loader *loader, uint64_t name)
{
    if (loader->name_count == loader->name_capacity) {
        size_t capacity = 2 * loader->name_capacity + 256;
        uint64_t *names = realloc(loader->names, capacity * sizeof(names[0]));
        if (names == NULL)
            return -ENOMEM;
        loader->names = names;
        loader->name_capacity = capacity;
    }
    loader->names[loader->name_count++] = name;
    return 0;
}

/* Frames come innermost first, and end with the physical one. */
static int see_frame(void *context, const struct tn_log_frame *frame)
{
    struct context_loader *loader = context;
    const char *module = frame->module != NULL ? frame->module : "";
    bool has_name = frame->function != NULL && frame->function[0] != '\0';
    int r =
        add_name(loader, has_name ? tn_match_function_hash(frame->function) : tn_match_module_hash(module));
    if (r < 0 || frame->id != frame->physical_id)
        return r;
    if (frame->id < loader->frame_count)
        loader->frames[frame->id] =
            (struct frame_names){loader->group_first, loader->name_count - loader->group_first};
    loader->group_first = loader->name_count;
    return 0;
}

static int load_frames(struct context_loader *loader)
{
    int r = tn_sql_id_count(loader->database, "frame", &loader->frame_count);
    if (r < 0)
        return r;
    loader->frames = calloc(loader->frame_count + 1, sizeof(loader->frames[0]));
    return loader->frames != NULL ? tn_log_each_frame(loader->database, see_frame, loader) : -ENOMEM;
}

/* ---------------------------------------------------------------------------------------- sites and modules
 */

static int load_sites(struct context_loader *loader, struct tn_call_contexts *contexts)
{
    struct sqlite3_stmt *rows;
    int64_t last;
    int r = tn_sql_number(loader->database, "SELECT max(id) FROM site", 0, 0, &last);
    if (r < 0)
        return r;
    /* Writers number them without gaps, each for some stack: more are damage, and no reason to allocate. */
    loader->site_count = last > 0 && (uint64_t)last <= loader->stack_count ? (size_t)last + 1 : 1;
    loader->site_names = calloc(loader->site_count, sizeof(loader->site_names[0]));
    contexts->sites = calloc(loader->site_count, sizeof(contexts->sites[0]));
    if (loader->site_names == NULL || contexts->sites == NULL)
        return -ENOMEM;
    contexts->site_count = loader->site_count;
    r = tn_sql_prepare(loader->database, "SELECT id, function FROM site", &rows);
    if (r < 0)
        return r;
    while ((r = tn_sql_next(rows)) == 1) {
        uint64_t id = tn_sql_count(rows, 0);
        const char *function = tn_sql_text(rows, 1);
        if (id < loader->site_count && function != NULL && function[0] != '\0')
            loader->site_names[id] = tn_match_function_hash(function);
    }
    sqlite3_finalize(rows);
    return r;
}

static int add_module(struct tn_call_contexts *contexts, struct sqlite3_stmt *row)
{
    size_t count = contexts->module_count;
    struct tn_module_build *modules = realloc(contexts->modules, (count + 1) * sizeof(modules[0]));
    if (modules == NULL)
        return -ENOMEM;
    contexts->modules = modules;
    modules[count] = (struct tn_module_build){tn_sql_copy_text(row, 0), tn_sql_copy_text(row, 1)};
    contexts->module_count++;
    return modules[count].path != NULL && modules[count].build_id != NULL ? 0 : -ENOMEM;
}

static int load_modules(struct sqlite3 *database, struct tn_call_contexts *contexts)
{
    struct sqlite3_stmt *rows;
    int r = tn_sql_prepare(database, "SELECT path, build_id FROM module ORDER BY id", &rows);
    if (r < 0)
        return r;
    while ((r = tn_sql_next(rows)) == 1)
        if ((r = add_module(contexts, rows)) < 0)
            break;
    sqlite3_finalize(rows);
    return r;
}

/* ---------------------------------------------------------------------------------------- stacks */

static struct frame_names names_of(const struct context_loader *loader, uint64_t frame_id)
{
    return frame_id < loader->frame_count ? loader->frames[frame_id] : (struct frame_names){0};
}

static int add_context(struct tn_context_set *set, uint64_t hash)
{
    /* Capacities are the powers of two. */
    if ((set->count & (set->count - 1)) == 0) {
        uint64_t *hashes = realloc(set->hashes, (set->count == 0 ? 1 : 2 * set->count) * sizeof(hashes[0]));
        if (hashes == NULL)
            return -ENOMEM;
        set->hashes = hashes;
    }
    set->hashes[set->count++] = hash;
    return 0;
}

/* The innermost frame of the site's function, from the leaf on; what called it is the context. */
static int see_site_stack(struct context_loader *loader, uint64_t stack_id, uint64_t site_id,
                          struct tn_call_contexts *contexts)
{
    uint64_t wanted = site_id < loader->site_count ? loader->site_names[site_id] : 0;
    for (uint64_t node = stack_id; wanted != 0 && node != 0; node = loader->callers[node]) {
        struct frame_names names = names_of(loader, loader->frame_ids[node]);
        for (size_t i = 0; i < names.count; i++) {
            if (loader->names[names.first + i] != wanted)
                continue;
            uint64_t hash = loader->callers[node] != 0 ? loader->chains[loader->callers[node]] : 1;
            for (size_t k = names.count - 1; k > i; k--)
                hash = chain(hash, loader->names[names.first + k]);
            return add_context(&contexts->sites[site_id], hash);
        }
    }
    return 0;
}

static int see_stack(struct context_loader *loader, struct sqlite3_stmt *row,
                     struct tn_call_contexts *contexts)
{
    uint64_t id = tn_sql_count(row, 0), frame_id = tn_sql_count(row, 1), caller = tn_sql_count(row, 2);
    if (id >= loader->stack_count || frame_id > UINT32_MAX)
        return -EBADMSG;
    /* Rows come by depth, so that a caller has been seen; anything else would be a circle. */
    if (caller >= loader->stack_count || loader->chains[caller] == 0)
        caller = 0;
    uint64_t hash = caller != 0 ? loader->chains[caller] : 1;
    struct frame_names names = names_of(loader, frame_id);
    for (size_t k = names.count; k-- > 0;)
        hash = chain(hash, loader->names[names.first + k]);
    loader->chains[id] = hash;
    loader->frame_ids[id] = (uint32_t)frame_id;
    loader->callers[id] = (uint32_t)caller;
    uint64_t site_id = tn_sql_count(row, 3);
    return site_id != 0 ? see_site_stack(loader, id, site_id, contexts) : 0;
}

static int load_stacks(struct context_loader *loader, struct tn_call_contexts *contexts)
{
    struct sqlite3_stmt *rows;
    size_t count = (size_t)loader->stack_count + 1;
    loader->chains = calloc(count, sizeof(loader->chains[0]));
    loader->frame_ids = calloc(count, sizeof(loader->frame_ids[0]));
    loader->callers = calloc(count, sizeof(loader->callers[0]));
    if (loader->chains == NULL || loader->frame_ids == NULL || loader->callers == NULL)
        return -ENOMEM;
    int r = tn_sql_prepare(loader->database,
                           "SELECT id, frame_id, caller_id, site_id FROM stack ORDER BY depth, id", &rows);
    if (r < 0)
        return r;
    while ((r = tn_sql_next(rows)) == 1)
        if ((r = see_stack(loader, rows, contexts)) < 0)
            break;
    sqlite3_finalize(rows);
    return r;
}

/* ---------------------------------------------------------------------------------------- the whole */

static int compare_hashes(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void sort_contexts(struct tn_context_set *set)
{
    if (set->count == 0)
        return;
    qsort(set->hashes, set->count, sizeof(set->hashes[0]), compare_hashes);
    size_t kept = 1;
    for (size_t i = 1; i < set->count; i++)
        if (set->hashes[i] != set->hashes[kept - 1])
            set->hashes[kept++] = set->hashes[i];
    set->count = kept;
}

static int load(struct context_loader *loader, struct tn_call_contexts *contexts)
{
    int r = tn_sql_id_count(loader->database, "stack", &loader->stack_count);
    if (r == 0)
        r = load_frames(loader);
    if (r == 0)
        r = load_sites(loader, contexts);
    if (r == 0)
        r = load_modules(loader->database, contexts);
    if (r == 0)
        r = load_stacks(loader, contexts);
    for (size_t i = 0; i < contexts->site_count; i++)
        sort_contexts(&contexts->sites[i]);
    return r;
}

int tn_call_contexts_load(struct tn_log *log, struct tn_call_contexts *ret_contexts, struct tn_error *error)
{
    struct context_loader loader = {.database = tn_log_database(log)};
    struct tn_call_contexts contexts = {0};
    int r = load(&loader, &contexts);
    free(loader.names);
    free(loader.frames);
    free(loader.chains);
    free(loader.frame_ids);
    free(loader.callers);
    free(loader.site_names);
    if (r == 0) {
        *ret_contexts = contexts;
        return 0;
    }
    tn_call_contexts_finish(&contexts);
    if (r == -EBADMSG)
        return tn_error_set(error, r,
                            "the log is damaged, %s: its stacks do not fit together; take another copy, or "
                            "record again",
                            tn_log_path(log));
    return tn_error_set(error, r, "cannot read the log, %s: %s", tn_log_path(log), strerror(-r));
}

void tn_call_contexts_finish(struct tn_call_contexts *contexts)
{
    if (contexts == NULL)
        return;
    for (size_t i = 0; i < contexts->site_count; i++)
        free(contexts->sites[i].hashes);
    free(contexts->sites);
    for (size_t i = 0; i < contexts->module_count; i++) {
        free(contexts->modules[i].path);
        free(contexts->modules[i].build_id);
    }
    free(contexts->modules);
    *contexts = (struct tn_call_contexts){0};
}
