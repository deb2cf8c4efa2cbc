/* SPDX-License-Identifier: MIT */
/* Loads what can fail: for each site of a log, the ways from the allocation function outwards to the site's
 * own frame; for each stack, all of its frames. */
#include "tenure/fail.h"

#include "tenure/log.h"
#include "tenure/map.h"
#include "tenure/sql.h"
#include "tenure/symbol.h"
#include "tenure/system_path.h"

#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A frame as it is on the machine's stack. */
struct frame {
    uint64_t module, offset_bytes;
    bool is_on_stack; /* not one that a jump had removed */
};

struct node {
    uint64_t frame, caller; /* ids; 0: none */
    uint64_t births;        /* that have exactly this stack */
};

struct loader {
    struct sqlite3 *database;
    struct tn_fail_subjects *subjects;
    struct frame *frames; /* by id */
    struct node *nodes;   /* by id */
    uint64_t frame_count, node_count;
    uint64_t first_late;       /* id of the first allocation after the program had started up */
    struct tn_map site_frames; /* key of a frame and a site -> 1: the frame is the site's */
};

static uint64_t pair_key(uint64_t frame, uint64_t site)
{
    return frame << 32 | site;
}

/* For each row of a query without parameters. */
static int for_each(struct loader *loader, const char *sql, int (*take)(struct loader *, sqlite3_stmt *))
{
    sqlite3_stmt *statement = NULL;
    int r = tn_sql_prepare(loader->database, sql, &statement);
    int more = r < 0 ? r : 0;
    while (r == 0 && (more = tn_sql_next(statement)) == 1)
        r = take(loader, statement);
    sqlite3_finalize(statement);
    return r < 0 ? r : more;
}

/* ---------------------------------------------------------------------------------------- modules */

/* A module that was replaced since has other offsets: its frames match nothing. */
static int take_module(struct loader *loader, sqlite3_stmt *row)
{
    uint64_t id = tn_sql_count(row, 0);
    const char *path = tn_sql_text(row, 1), *build_id = tn_sql_text(row, 2);
    struct tn_symbol_file *file = NULL;
    struct stat status;
    if (id >= loader->subjects->module_count || path == NULL)
        return -EBADMSG;
    if (stat(path, &status) == 0 &&
        tn_symbol_open(path, -1, build_id != NULL ? build_id : "", &file, NULL) == 0) {
        loader->subjects->modules[id].device = status.st_dev;
        loader->subjects->modules[id].inode = status.st_ino;
    } else if (path[0] == '/') {
        loader->subjects->changed_count++;
    }
    tn_symbol_close(file);
    return 0;
}

static int load_modules(struct loader *loader)
{
    uint64_t count = 0;
    int r = tn_sql_id_count(loader->database, "module", &count);
    if (r < 0)
        return r;
    loader->subjects->modules = calloc(count, sizeof(*loader->subjects->modules));
    if (loader->subjects->modules == NULL)
        return -ENOMEM;
    loader->subjects->module_count = count;
    return for_each(loader, "SELECT id, path, build_id FROM module", take_module);
}

/* ---------------------------------------------------------------------------------------- stacks */

static int take_frame(struct loader *loader, sqlite3_stmt *row)
{
    uint64_t id = tn_sql_count(row, 0);
    if (id >= loader->frame_count)
        return -EBADMSG;
    loader->frames[id] = (struct frame){
        .module = tn_sql_count(row, 1),
        .offset_bytes = tn_sql_count(row, 2),
        .is_on_stack = tn_sql_count(row, 3) == 0,
    };
    return loader->frames[id].module < loader->subjects->module_count ? 0 : -EBADMSG;
}

static int take_node(struct loader *loader, sqlite3_stmt *row)
{
    uint64_t id = tn_sql_count(row, 0), frame = tn_sql_count(row, 1), caller = tn_sql_count(row, 2);
    if (id >= loader->node_count || frame >= loader->frame_count || caller >= loader->node_count)
        return -EBADMSG;
    loader->nodes[id] = (struct node){.frame = frame, .caller = caller};
    return 0;
}

/* Stacks of releases have sites, too. */
static int take_births(struct loader *loader, sqlite3_stmt *row)
{
    uint64_t id = tn_sql_count(row, 0);
    if (id >= loader->node_count)
        return -EBADMSG;
    loader->nodes[id].births = tn_sql_count(row, 1);
    return 0;
}

static int take_pair(struct loader *loader, sqlite3_stmt *row)
{
    return tn_map_put(&loader->site_frames, pair_key(tn_sql_count(row, 0), tn_sql_count(row, 1)), 1);
}

static int load_stacks(struct loader *loader)
{
    int r = tn_sql_id_count(loader->database, "frame", &loader->frame_count);
    if (r == 0)
        r = tn_sql_id_count(loader->database, "stack", &loader->node_count);
    if (r < 0)
        return r;
    loader->frames = calloc(loader->frame_count, sizeof(*loader->frames));
    loader->nodes = calloc(loader->node_count, sizeof(*loader->nodes));
    if (loader->frames == NULL || loader->nodes == NULL)
        return -ENOMEM;
    r = for_each(
        loader,
        "SELECT id, coalesce(module_id, 0), offset_bytes, is_tail_call FROM frame WHERE inlined_into IS NULL",
        take_frame);
    if (r == 0)
        r = for_each(loader, "SELECT id, frame_id, caller_id FROM stack", take_node);
    if (r == 0)
        r = for_each(loader,
                     "SELECT stack_id, count(*) FROM allocation WHERE stack_id IS NOT NULL GROUP BY stack_id",
                     take_births);
    if (r == 0)
        r = for_each(
            loader,
            "SELECT coalesce(f.inlined_into, f.id), s.id FROM site AS s JOIN frame AS f ON f.line = s.line "
            "AND f.function IS s.function AND f.file IS s.file WHERE s.line IS NOT NULL",
            take_pair);
    if (r == 0)
        r = for_each(
            loader,
            "SELECT f.id, s.id FROM site AS s JOIN module AS m ON m.path = s.module JOIN frame AS f ON "
            "f.module_id = m.id AND f.offset_bytes = s.offset_bytes WHERE s.line IS NULL AND f.inlined_into "
            "IS NULL",
            take_pair);
    return r;
}

/* ---------------------------------------------------------------------------------------- places */

static int reserve(void *array, size_t count, size_t *capacity, size_t item_bytes)
{
    void **items = array;
    if (count < *capacity)
        return 0;
    size_t wanted = *capacity == 0 ? 256 : *capacity * 2;
    void *grown = realloc(*items, wanted * item_bytes);
    if (grown == NULL)
        return -ENOMEM;
    *items = grown;
    *capacity = wanted;
    return 0;
}

/* Append the frames from a stack's innermost one to its site's, or all of them.
 *
 * site     0: all
 * Returns  1 appended; 0: a module of theirs is not here as it was; -ENOMEM */
static int add_steps(struct loader *loader, uint64_t stack, uint64_t site)
{
    struct tn_fail_subjects *subjects = loader->subjects;
    size_t first = subjects->step_count;
    for (uint64_t id = stack; id != 0 && subjects->step_count - first < TN_INJECT_STEPS_MAX;) {
        const struct node *node = &loader->nodes[id];
        const struct frame *frame = &loader->frames[node->frame];
        if (frame->is_on_stack && subjects->modules[frame->module].inode == 0) {
            subjects->step_count = first;
            return 0;
        }
        if (reserve(&subjects->steps, subjects->step_count, &subjects->step_capacity,
                    sizeof(*subjects->steps)) < 0)
            return -ENOMEM;
        if (frame->is_on_stack)
            subjects->steps[subjects->step_count++] =
                (struct tn_inject_step){.module = frame->module, .offset_bytes = frame->offset_bytes};
        if (site != 0 && tn_map_find(&loader->site_frames, pair_key(node->frame, site)) != NULL)
            break;
        id = node->caller;
    }
    return subjects->step_count > first;
}

/* user: the steps. */
static int compare_places(const void *a, const void *b, void *user)
{
    const struct tn_inject_place *left = a, *right = b;
    const struct tn_inject_step *steps = user;
    for (uint32_t i = 0; i < left->step_count && i < right->step_count; i++) {
        const struct tn_inject_step *l = &steps[left->first_step + i], *r = &steps[right->first_step + i];
        if (l->module != r->module)
            return l->module < r->module ? -1 : 1;
        if (l->offset_bytes != r->offset_bytes)
            return l->offset_bytes < r->offset_bytes ? -1 : 1;
    }
    return left->step_count == right->step_count ? 0 : left->step_count < right->step_count ? -1 : 1;
}

/* Stacks of a site differ further out: what is equal up to the site is one place. */
static void settle_places(struct tn_fail_subjects *subjects, struct tn_fail_subject *subject)
{
    struct tn_inject_place *places = subjects->places + subject->first_place;
    size_t count = subjects->place_count - subject->first_place, kept = 0;
    if (count > 0)
        qsort_r(places, count, sizeof(*places), compare_places, subjects->steps);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || compare_places(&places[kept - 1], &places[i], subjects->steps) != 0)
            places[kept++] = places[i];
    subject->place_count = kept;
    subjects->place_count = subject->first_place + kept;
}

static int add_place(struct loader *loader, uint64_t stack, uint64_t site)
{
    struct tn_fail_subjects *subjects = loader->subjects;
    size_t first = subjects->step_count;
    int r = reserve(&subjects->places, subjects->place_count, &subjects->place_capacity,
                    sizeof(*subjects->places));
    if (r == 0)
        r = add_steps(loader, stack, site);
    if (r == 1)
        subjects->places[subjects->place_count++] = (struct tn_inject_place){
            .first_step = (uint32_t)first, .step_count = (uint32_t)(subjects->step_count - first)};
    return r < 0 ? r : 0;
}

static int add_places(struct loader *loader, struct tn_fail_subject *subject, sqlite3_stmt *stacks)
{
    int more = 0, r = 0;
    subject->first_place = loader->subjects->place_count;
    if (loader->subjects->is_by_stack)
        r = add_place(loader, subject->id, 0);
    sqlite3_reset(stacks);
    tn_sql_bind_count(stacks, 1, subject->id);
    while (r == 0 && !loader->subjects->is_by_stack && (more = tn_sql_next(stacks)) == 1)
        if (loader->nodes[tn_sql_count(stacks, 0)].births > 0)
            r = add_place(loader, tn_sql_count(stacks, 0), subject->id);
    settle_places(loader->subjects, subject);
    return r < 0 ? r : more;
}

/* ---------------------------------------------------------------------------------------- subjects */

/* "read_line (input.c:12)"; NULL: no memory. */
static char *make_place(const char *function, const char *file, uint64_t line)
{
    char *text = NULL;
    const char *slash = file != NULL ? strrchr(file, '/') : NULL;
    if (file == NULL || line == 0)
        return strdup(function);
    return asprintf(&text, "%s (%s:%" PRIu64 ")", function, slash != NULL ? slash + 1 : file, line) >= 0
               ? text
               : NULL;
}

static int take_subject(struct loader *loader, sqlite3_stmt *row)
{
    struct tn_fail_subjects *subjects = loader->subjects;
    struct tn_fail_subject *subject = &subjects->items[subjects->count];
    const char *module = tn_sql_text(row, 5);
    uint64_t births =
        subjects->is_by_stack ? loader->nodes[tn_sql_count(row, 0)].births : tn_sql_count(row, 1);
    if (births == 0)
        return 0;
    *subject = (struct tn_fail_subject){
        .id = tn_sql_count(row, 0),
        .allocations = births,
        .place = make_place(tn_sql_text(row, 2), tn_sql_text(row, 6), tn_sql_count(row, 7)),
        .via = tn_sql_copy_text(row, 3),
        .key = tn_sql_copy_text(row, 4),
        .is_library = module != NULL && tn_is_system_path(module),
    };
    subjects->count++;
    return subject->place != NULL && subject->via != NULL && subject->key != NULL ? 0 : -ENOMEM;
}

static const char sites_sql[] =
    "SELECT s.id, sum(m.allocations) AS n, p.place, s.via, s.key, s.module, s.file, s.line FROM site AS s "
    "JOIN site_summary AS m ON m.site_id = s.id JOIN site_place AS p ON p.site_id = s.id GROUP BY s.id "
    "HAVING n > 0 AND p.place IS NOT NULL ORDER BY n DESC, s.id";

static const char stacks_sql[] =
    "SELECT k.id, 0, p.place, s.via, s.key, s.module, s.file, s.line FROM stack AS k JOIN site AS s ON s.id "
    "= "
    "k.site_id JOIN site_place AS p ON p.site_id = s.id WHERE p.place IS NOT NULL ORDER BY s.id, k.id";

/* Sites whose last allocation came after the mark 'initialisation done', if the log has it. */
static int take_late(struct loader *loader, sqlite3_stmt *row)
{
    struct tn_fail_subjects *subjects = loader->subjects;
    for (size_t i = 0; i < subjects->count; i++)
        if (subjects->items[i].id == tn_sql_count(row, 0))
            subjects->items[i].is_late = tn_sql_count(row, 1) >= loader->first_late;
    return 0;
}

static int compare_subjects(const void *a, const void *b)
{
    const struct tn_fail_subject *left = a, *right = b;
    if (left->is_late != right->is_late)
        return left->is_late ? -1 : 1;
    if (left->allocations != right->allocations)
        return left->allocations > right->allocations ? -1 : 1;
    return left->id < right->id ? -1 : left->id > right->id;
}

/* What input leads to comes first: a sweep that is stopped has looked at that. */
static int order_subjects(struct loader *loader)
{
    struct tn_fail_subjects *subjects = loader->subjects;
    loader->first_late = (uint64_t)tn_sql_int(loader->database,
                                              "SELECT min(a.id) FROM allocation AS a, (SELECT min(time_ns) "
                                              "AS t FROM mark WHERE text = 'initialisation "
                                              "done') AS m WHERE m.t IS NOT NULL AND a.birth_ns >= m.t",
                                              INT64_MAX);
    int r =
        for_each(loader,
                 subjects->is_by_stack
                     ? "SELECT stack_id, max(id) FROM allocation WHERE stack_id IS NOT NULL GROUP BY stack_id"
                     : "SELECT site_id, max(id) FROM allocation WHERE site_id IS NOT NULL GROUP BY site_id",
                 take_late);
    if (r == 0 && subjects->count > 0)
        qsort(subjects->items, subjects->count, sizeof(*subjects->items), compare_subjects);
    return r;
}

static int load_subjects(struct loader *loader)
{
    bool is_by_stack = loader->subjects->is_by_stack;
    int64_t count = tn_sql_int(loader->database,
                               is_by_stack ? "SELECT count(*) FROM stack" : "SELECT count(*) FROM site", 0);
    loader->subjects->items = calloc((size_t)count + 1, sizeof(*loader->subjects->items));
    if (loader->subjects->items == NULL)
        return -ENOMEM;
    int r = for_each(loader, is_by_stack ? stacks_sql : sites_sql, take_subject);
    if (r == 0)
        r = order_subjects(loader);
    sqlite3_stmt *stacks = NULL;
    if (r == 0)
        r = tn_sql_prepare(loader->database, "SELECT id FROM stack WHERE site_id = ?1", &stacks);
    for (size_t i = 0; r == 0 && i < loader->subjects->count; i++)
        r = add_places(loader, &loader->subjects->items[i], stacks);
    sqlite3_finalize(stacks);
    return r;
}

int tn_fail_subjects_load(struct tn_log *log, bool is_by_stack, struct tn_fail_subjects *ret_subjects,
                          struct tn_error *error)
{
    struct loader loader = {.database = tn_log_database(log), .subjects = ret_subjects};
    *ret_subjects = (struct tn_fail_subjects){.is_by_stack = is_by_stack};
    int r = load_modules(&loader);
    if (r == 0)
        r = load_stacks(&loader);
    if (r == 0)
        r = load_subjects(&loader);
    tn_map_finish(&loader.site_frames);
    free(loader.frames);
    free(loader.nodes);
    if (r < 0)
        return tn_error_set(error, r, "stacks and sites of '%s' cannot be read: %s", tn_log_path(log),
                            r == -EBADMSG ? sqlite3_errmsg(loader.database) : strerror(-r));
    if (ret_subjects->count == 0)
        return tn_error_set(
            error, -EBADMSG,
            "'%s' has no sites: nothing can be made to fail; record the program, and let the log be "
            "finished",
            tn_log_path(log));
    return 0;
}

const struct tn_fail_subject *tn_fail_subject_find(const struct tn_fail_subjects *subjects, uint64_t id)
{
    for (size_t i = 0; i < subjects->count; i++)
        if (subjects->items[i].id == id)
            return &subjects->items[i];
    return NULL;
}

void tn_fail_subjects_finish(struct tn_fail_subjects *subjects)
{
    for (size_t i = 0; i < subjects->count; i++) {
        free(subjects->items[i].place);
        free(subjects->items[i].via);
        free(subjects->items[i].key);
    }
    free(subjects->items);
    free(subjects->modules);
    free(subjects->places);
    free(subjects->steps);
    *subjects = (struct tn_fail_subjects){0};
}
