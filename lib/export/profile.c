/* SPDX-License-Identifier: MIT */
/* Figures by call stack, in two passes over the events: the first one counts everything and finds the peak,
 * the second one goes on to the peak and keeps what lives there. See profile.h; called by export.c. */
#include "profile.h"

#include "tenure/limits.h"
#include "tenure/log.h"
#include "tenure/sql.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* One pass over the events of a process. */
struct profile_pass {
    struct tn_profile *profile;
    struct tn_allocation_cursor *cursor; /* owned */
    uint64_t live_bytes, live_count;     /* of the process, now */
    uint64_t event, peak_event;          /* number of the event, from 1; of the one that made the peak */
};

static struct tn_profile_figures *figures_of(struct tn_profile *profile, uint64_t stack_id)
{
    return &profile->stacks[stack_id < profile->stack_count ? stack_id : 0];
}

static void see_birth(struct profile_pass *pass, const struct tn_allocation *allocation)
{
    struct tn_profile_figures *own = figures_of(pass->profile, allocation->stack_id);
    own->allocations++;
    own->total_bytes += allocation->size_bytes;
    own->live_count++;
    own->live_bytes += allocation->size_bytes;
    if (own->live_bytes > own->own_max_bytes) {
        own->own_max_bytes = own->live_bytes;
        own->own_max_count = own->live_count;
    }
    pass->live_count++;
    pass->live_bytes += allocation->size_bytes;
    struct tn_profile *profile = pass->profile;
    if (pass->live_bytes > profile->total.peak_bytes) {
        profile->total.peak_bytes = pass->live_bytes;
        profile->total.peak_count = pass->live_count;
        profile->peak_ns = allocation->birth_ns;
        pass->peak_event = pass->event;
    }
    if (allocation->birth_ns > profile->end_ns)
        profile->end_ns = allocation->birth_ns;
}

static void see_death(struct profile_pass *pass, const struct tn_allocation *allocation)
{
    struct tn_profile_figures *own = figures_of(pass->profile, allocation->stack_id);
    own->live_count--;
    own->live_bytes -= allocation->size_bytes;
    own->lifetime_ns += allocation->death_ns - allocation->birth_ns;
    if (allocation->lifetime_bytes < TN_SHORT_LIFETIME_BYTES) {
        own->short_lived++;
        own->short_lived_bytes += allocation->size_bytes;
    }
    pass->live_count--;
    pass->live_bytes -= allocation->size_bytes;
    if (allocation->death_ns > pass->profile->end_ns)
        pass->profile->end_ns = allocation->death_ns;
}

static int count_all(struct profile_pass *pass)
{
    const struct tn_allocation *allocation = NULL;
    enum tn_cursor_step step = TN_CURSOR_SURVIVOR;
    int r;
    while ((r = tn_allocation_cursor_step(pass->cursor, &step, &allocation)) == 1) {
        pass->event++;
        if (step == TN_CURSOR_BIRTH)
            see_birth(pass, allocation);
        else if (step == TN_CURSOR_DEATH)
            see_death(pass, allocation);
        else
            figures_of(pass->profile, allocation->stack_id)->lifetime_ns +=
                pass->profile->end_ns - allocation->birth_ns;
    }
    return r;
}

/* Go on to the peak: what was born and has not died then is what lived. */
static int count_peak(struct profile_pass *pass)
{
    const struct tn_allocation *allocation = NULL;
    enum tn_cursor_step step = TN_CURSOR_SURVIVOR;
    int r = 0;
    for (uint64_t event = 0; event < pass->peak_event; event++) {
        r = tn_allocation_cursor_step(pass->cursor, &step, &allocation);
        if (r != 1)
            return r;
        struct tn_profile_figures *own = figures_of(pass->profile, allocation->stack_id);
        bool is_birth = step == TN_CURSOR_BIRTH;
        own->peak_count += is_birth ? 1 : UINT64_MAX;
        own->peak_bytes += is_birth ? allocation->size_bytes : UINT64_MAX - allocation->size_bytes + 1;
    }
    return 0;
}

static int pass_over(struct tn_log *log, struct profile_pass *pass, int (*count)(struct profile_pass *))
{
    int r = tn_allocation_cursor_open(tn_log_database(log), pass->profile->process_id, &pass->cursor);
    if (r < 0)
        return r;
    r = count(pass);
    tn_allocation_cursor_close(pass->cursor);
    pass->cursor = NULL;
    return r;
}

static void add_up(struct tn_profile *profile)
{
    struct tn_profile_figures *total = &profile->total;
    for (size_t i = 0; i < profile->stack_count; i++) {
        const struct tn_profile_figures *own = &profile->stacks[i];
        total->allocations += own->allocations;
        total->total_bytes += own->total_bytes;
        total->live_count += own->live_count;
        total->live_bytes += own->live_bytes;
        total->short_lived += own->short_lived;
        total->short_lived_bytes += own->short_lived_bytes;
        total->lifetime_ns += own->lifetime_ns;
    }
    total->own_max_bytes = total->peak_bytes;
    total->own_max_count = total->peak_count;
}

/* What is known of the process without its events. */
static int load_process(struct tn_log *log, struct tn_profile *profile)
{
    struct sqlite3_stmt *row;
    int r = tn_sql_prepare(tn_log_database(log),
                           "SELECT pid, command_line, coalesce(end_ns, 0) FROM process WHERE id = ?1", &row);
    if (r < 0)
        return r;
    tn_sql_bind_count(row, 1, profile->process_id);
    r = tn_sql_next(row);
    if (r == 1) {
        profile->pid = tn_sql_count(row, 0);
        profile->command_line = tn_sql_copy_text(row, 1);
        profile->end_ns = tn_sql_count(row, 2);
    }
    sqlite3_finalize(row);
    if (r == 0)
        return -ENOENT;
    if (r == 1 && profile->command_line == NULL)
        return -ENOMEM;
    /* Formats have a line for it. */
    for (char *at = profile->command_line; at != NULL && *at != '\0'; at++)
        if (*at == '\n' || *at == '\r')
            *at = ' ';
    return r == 1 ? 0 : r;
}

int tn_profile_load(struct tn_log *log, uint64_t process_id, struct tn_profile *ret_profile)
{
    struct tn_profile profile = {.process_id = process_id};
    struct profile_pass pass = {.profile = &profile};
    int r = load_process(log, &profile);
    if (r == 0)
        r = tn_sql_id_count(tn_log_database(log), "stack", &profile.stack_count);
    if (r == 0) {
        profile.stacks = calloc(profile.stack_count + 1, sizeof(profile.stacks[0]));
        r = profile.stacks != NULL ? 0 : -ENOMEM;
    }
    if (r == 0)
        r = pass_over(log, &pass, count_all);
    if (r == 0)
        r = pass_over(log, &pass, count_peak);
    if (r == 0)
        r = tn_places_load(log, &profile.places);
    if (r < 0) {
        tn_profile_finish(&profile);
        return r;
    }
    add_up(&profile);
    *ret_profile = profile;
    return 0;
}

void tn_profile_finish(struct tn_profile *profile)
{
    tn_places_finish(&profile->places);
    free(profile->stacks);
    free(profile->command_line);
    memset(profile, 0, sizeof(*profile));
}
