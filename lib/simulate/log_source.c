/* SPDX-License-Identifier: MIT */
/* A recorded process as a source of events for the replay. A realloc is two events of one thread in the
 * log, the release of the old block and the birth of the new one: they become one resize, under the id of
 * the first block of the chain. Overrides of sites are applied to each birth. Called through the functions
 * of struct tn_replay_source. */
#include "overrides.h"
#include "tenure/map.h"
#include "tenure/simulate.h"
#include "tenure/sql.h"

#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

struct tn_log_source {
    struct tn_log *log;             /* borrowed */
    struct tn_overrides *overrides; /* borrowed; NULL: none */
    uint64_t process_id;
    struct tn_event_cursor *cursor; /* owned; NULL before the first rewind */
    uint32_t *site_of_stack;        /* owned; by stack id */
    size_t stack_count;
    struct tn_map roles; /* stack -> number of its role; empty: no roles are told */
    struct tn_map
        resizing;       /* thread -> block that its realloc has released, while the new one is not born yet */
    struct tn_map root; /* allocation -> first one of its chain of reallocs; only those made by realloc */
    struct tn_log_event held; /* to be emitted next, after the release that had to come first */
    bool is_held, has_ended;
    size_t flushed; /* entries of `resizing` that were flushed at the end */
};

static int query(struct tn_log_source *source, const char *sql, sqlite3_stmt **ret_statement,
                 struct tn_error *error)
{
    sqlite3 *database = tn_log_database(source->log);
    int r = tn_sql_prepare(database, sql, ret_statement);
    if (r == 0)
        return 0;
    return tn_error_set(error, r, "cannot read the log, %s: %s", tn_log_path(source->log),
                        sqlite3_errmsg(database));
}

/* An id beyond those that the table can have is damage. */
static int note_stack(struct tn_log_source *source, uint64_t stack_id, uint32_t site_id)
{
    if (stack_id >= source->stack_count)
        return -EBADMSG;
    source->site_of_stack[stack_id] = site_id;
    return 0;
}

static int make_stacks(struct tn_log_source *source)
{
    uint64_t count;
    int r = tn_sql_id_count(tn_log_database(source->log), "stack", &count);
    if (r < 0)
        return r;
    source->site_of_stack = calloc(count, sizeof(source->site_of_stack[0]));
    source->stack_count = count;
    return source->site_of_stack != NULL ? 0 : -ENOMEM;
}

static int read_stacks(struct tn_log_source *source, struct tn_error *error)
{
    sqlite3_stmt *statement = NULL;
    int r = query(source, "SELECT id, site_id FROM stack WHERE site_id IS NOT NULL", &statement, error);
    if (r < 0)
        return r;
    r = make_stacks(source);
    int next = 0;
    while (r == 0 && (next = tn_sql_next(statement)) == 1)
        r = note_stack(source, tn_sql_count(statement, 0), (uint32_t)tn_sql_count(statement, 1));
    sqlite3_finalize(statement);
    if (r == 0)
        r = next;
    if (r < 0)
        return tn_error_set(error, r, "cannot read the stacks of the log, %s: %s", tn_log_path(source->log),
                            r == -EBADMSG ? "it is damaged" : strerror(-r));
    return 0;
}

static int check_process(struct tn_log_source *source, struct tn_error *error)
{
    sqlite3_stmt *statement = NULL;
    int r = query(source, "SELECT 1 FROM process WHERE id = ?1", &statement, error);
    if (r < 0)
        return r;
    tn_sql_bind_count(statement, 1, source->process_id);
    int next = tn_sql_next(statement);
    sqlite3_finalize(statement);
    if (next == 1)
        return 0;
    return tn_error_set(error, -ENOENT,
                        "there is no process %" PRIu64 " in the log, %s; 'tenure info' lists them",
                        source->process_id, tn_log_path(source->log));
}

int tn_log_source_open(struct tn_log *log, uint64_t process_id, struct tn_log_source **ret_source,
                       struct tn_error *error)
{
    struct tn_log_source *source = calloc(1, sizeof(*source));
    if (source == NULL)
        return tn_error_set(error, -ENOMEM, "cannot read the log, %s: out of memory", tn_log_path(log));
    source->log = log;
    source->process_id = process_id != 0 ? process_id : tn_log_main_process(log);
    int r = check_process(source, error);
    if (r == 0)
        r = read_stacks(source, error);
    if (r < 0)
        tn_log_source_close(source);
    else
        *ret_source = source;
    return r;
}

void tn_log_source_close(struct tn_log_source *source)
{
    if (source == NULL)
        return;
    tn_event_cursor_close(source->cursor);
    tn_map_finish(&source->resizing);
    tn_map_finish(&source->root);
    tn_map_finish(&source->roles);
    free(source->site_of_stack);
    free(source);
}

void tn_log_source_assume(struct tn_log_source *source, struct tn_overrides *overrides)
{
    source->overrides = overrides;
}

static int number_stack(struct tn_log_source *source, uint32_t stack_id)
{
    if (tn_map_find(&source->roles, stack_id) != NULL)
        return 0;
    uint64_t number = source->roles.count + 1;
    return number > UINT16_MAX ? -E2BIG : tn_map_put(&source->roles, stack_id, number);
}

int tn_log_source_tell_roles(struct tn_log_source *source, const struct tn_finding *const *findings,
                             size_t count, struct tn_error *error)
{
    int r = 0;
    tn_map_finish(&source->roles);
    for (size_t i = 0; i < count; i++)
        for (size_t s = 0; s < findings[i]->site_count; s++)
            for (size_t k = 0; k < findings[i]->sites[s].stack_count && r == 0; k++)
                r = number_stack(source, findings[i]->sites[s].stacks[k]);
    if (r < 0)
        return tn_error_set(error, r, "cannot measure changes: %s",
                            r == -E2BIG ? "they speak of more than 65,535 call paths" : "out of memory");
    return 0;
}

const struct tn_map *tn_log_source_roles(const struct tn_log_source *source)
{
    return &source->roles;
}

uint64_t tn_log_source_process(const struct tn_log_source *source)
{
    return source->process_id;
}

static int go_back(void *state, struct tn_error *error)
{
    struct tn_log_source *source = state;
    tn_event_cursor_close(source->cursor);
    source->cursor = NULL;
    tn_map_finish(&source->resizing);
    tn_map_finish(&source->root);
    source->is_held = source->has_ended = false;
    source->flushed = 0;
    if (source->overrides != NULL)
        tn_overrides_restart(source->overrides);
    int r = tn_event_cursor_open(tn_log_database(source->log), source->process_id, &source->cursor);
    if (r < 0)
        return tn_error_set(error, r, "cannot read the events of the log, %s: %s", tn_log_path(source->log),
                            strerror(-r));
    return 0;
}

/* The id under which the replay knows a block: that of the first in a chain of reallocs. */
static uint64_t root_of(const struct tn_log_source *source, uint64_t allocation_id)
{
    const uint64_t *root = tn_map_find(&source->root, allocation_id);
    return root != NULL ? *root : allocation_id;
}

static int emit_release(struct tn_log_source *source, uint64_t allocation_id, uint64_t time_ns,
                        uint64_t thread_id, struct tn_replay_event *ret_event)
{
    *ret_event = (struct tn_replay_event){
        .kind = TN_REPLAY_RELEASE,
        .id = root_of(source, allocation_id),
        .time_ns = time_ns,
        .thread_id = (uint32_t)thread_id,
    };
    tn_map_remove(&source->root, allocation_id, NULL);
    return 1;
}

static int emit_birth(struct tn_log_source *source, const struct tn_log_event *event, uint64_t resized_id,
                      struct tn_replay_event *ret_event)
{
    uint64_t id = event->allocation_id;
    if (resized_id != 0) {
        id = root_of(source, resized_id);
        tn_map_remove(&source->root, resized_id, NULL);
        if (tn_map_put(&source->root, event->allocation_id, id) < 0)
            return -ENOMEM;
    }
    *ret_event = (struct tn_replay_event){
        .kind = resized_id != 0 ? TN_REPLAY_RESIZE : TN_REPLAY_PLACE,
        .id = id,
        .size_bytes = event->size_bytes,
        .alignment_bytes = event->alignment_bytes,
        .time_ns = event->time_ns,
        .thread_id = (uint32_t)event->thread_id,
    };
    if (event->stack_id < source->stack_count)
        ret_event->site_id = source->site_of_stack[event->stack_id];
    const uint64_t *role = source->roles.count != 0 && event->stack_id != 0
                               ? tn_map_find(&source->roles, event->stack_id)
                               : NULL;
    ret_event->role = role != NULL ? (uint16_t)*role : 0;
    /* A block that is left out is never placed, so its resizes and its release do nothing. */
    if (source->overrides != NULL &&
        !tn_overrides_apply(source->overrides, ret_event->site_id, &ret_event->size_bytes))
        return 0;
    return 1;
}

/* Translate an event of the log. A realloc's release waits for the birth, which is the thread's next
 * event; if that is another one, the realloc only released. Returns 1: *ret_event is written; 0: nothing
 * to emit yet; negative errno. */
static int translate(struct tn_log_source *source, const struct tn_log_event *event,
                     struct tn_replay_event *ret_event)
{
    uint64_t resizing = 0;
    if (event->thread_id != 0 && tn_map_remove(&source->resizing, event->thread_id, &resizing) &&
        !(event->is_birth && event->previous_id == resizing)) {
        source->held = *event;
        source->is_held = true;
        return emit_release(source, resizing, event->time_ns, event->thread_id, ret_event);
    }
    if (event->is_birth)
        return emit_birth(source, event, resizing, ret_event);
    bool is_resize = event->function == TN_FUNCTION_REALLOC || event->function == TN_FUNCTION_REALLOCARRAY;
    if (is_resize && event->thread_id != 0)
        return tn_map_put(&source->resizing, event->thread_id, event->allocation_id);
    return emit_release(source, event->allocation_id, event->time_ns, event->thread_id, ret_event);
}

/* At the end: reallocs whose birth was not recorded any more only released. */
static int flush(struct tn_log_source *source, struct tn_replay_event *ret_event)
{
    for (; source->flushed < source->resizing.capacity; source->flushed++) {
        const struct tn_map_entry *entry = &source->resizing.entries[source->flushed];
        if (entry->key == 0)
            continue;
        source->flushed++;
        return emit_release(source, entry->value, source->held.time_ns, entry->key, ret_event);
    }
    return 0;
}

static int next(void *state, struct tn_replay_event *ret_event, struct tn_error *error)
{
    struct tn_log_source *source = state;
    int r = 0;
    while (r == 0 && !source->has_ended) {
        if (source->is_held) {
            struct tn_log_event held = source->held;
            source->is_held = false;
            r = translate(source, &held, ret_event);
            continue;
        }
        const struct tn_log_event *event = NULL;
        r = tn_event_cursor_next(source->cursor, &event);
        source->has_ended = r == 0;
        if (r > 0) {
            source->held.time_ns = event->time_ns;
            r = translate(source, event, ret_event);
        }
    }
    if (r == 0)
        r = flush(source, ret_event);
    if (r < 0)
        return tn_error_set(error, r, "cannot read the events of the log, %s: %s", tn_log_path(source->log),
                            r == -EBADMSG ? "it is damaged" : strerror(-r));
    return r;
}

struct tn_replay_source tn_log_source_events(struct tn_log_source *source)
{
    return (struct tn_replay_source){.state = source, .next = next, .rewind = go_back};
}

static char *copy_column(sqlite3_stmt *statement, int column)
{
    const char *text = tn_sql_text(statement, column);
    return text != NULL ? strdup(text) : NULL;
}

int tn_log_source_site(struct tn_log_source *source, uint32_t site_id, struct tn_source_site *ret_site)
{
    struct tn_source_site site = {0};
    sqlite3_stmt *statement = NULL;
    int r = query(source, "SELECT function, file, line, module, via, offset_bytes FROM site WHERE id = ?1",
                  &statement, NULL);
    if (r < 0)
        return r;
    sqlite3_bind_int64(statement, 1, site_id);
    if (tn_sql_next(statement) == 1) {
        site.function = copy_column(statement, 0);
        site.file = copy_column(statement, 1);
        site.line = sqlite3_column_int64(statement, 2);
        site.module = copy_column(statement, 3);
        site.via = copy_column(statement, 4);
        site.offset_bytes = tn_sql_count(statement, 5);
    }
    sqlite3_finalize(statement);
    *ret_site = site;
    return 0;
}

void tn_source_site_finish(struct tn_source_site *site)
{
    free(site->function);
    free(site->file);
    free(site->module);
    free(site->via);
    *site = (struct tn_source_site){0};
}
