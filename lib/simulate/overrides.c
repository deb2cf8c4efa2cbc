/* SPDX-License-Identifier: MIT */
/* What a replay assumes of sites: some are left out, some get other sizes. Both are found once by SQL over
 * the log's sites; a birth then costs an array look-up and a binary search. Called by cmd_simulate to read
 * them, by the source of events to apply them. */
#include "overrides.h"

#include "tenure/site.h"
#include "tenure/sql.h"

#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#define SITES_MAX 10000000

/* A place is a function's name, or the end of FILE:LINE from a slash on. */
static const char place_query[] =
    "SELECT id FROM site WHERE function = ?1 OR file || ':' || line = ?1"
    " OR substr(file || ':' || line, -length(?1) - 1) = '/' || ?1";

static int mark(struct tn_overrides *overrides, uint64_t site_id)
{
    if (site_id >= SITES_MAX)
        return 0;
    if (site_id >= overrides->site_count) {
        size_t count = (size_t)site_id * 2 + 64;
        bool *marks = realloc(overrides->is_left_out, count * sizeof(*marks));
        if (marks == NULL)
            return -ENOMEM;
        memset(marks + overrides->site_count, 0, (count - overrides->site_count) * sizeof(*marks));
        overrides->is_left_out = marks;
        overrides->site_count = count;
    }
    overrides->is_left_out[site_id] = true;
    return 0;
}

static int sql_failure(struct sqlite3 *database, struct tn_error *error)
{
    return tn_error_set(error, tn_sql_errno(database, sqlite3_errcode(database)),
                        "cannot read the sites of the log: %s", sqlite3_errmsg(database));
}

int tn_overrides_leave_runtime(struct tn_overrides *overrides, struct tn_log *log, struct tn_error *error)
{
    sqlite3 *database = tn_log_database(log);
    sqlite3_stmt *statement = NULL;
    if (tn_sql_prepare(database, "SELECT id, via, module FROM site", &statement) < 0)
        return sql_failure(database, error);
    int r = 0, next = 0;
    while (r == 0 && (next = tn_sql_next(statement)) == 1) {
        const char *via = tn_sql_text(statement, 1);
        const char *module = tn_sql_text(statement, 2);
        if (tn_site_is_library_object(via) || (module != NULL && tn_site_is_runtime_module(module)))
            r = mark(overrides, tn_sql_count(statement, 0));
    }
    sqlite3_finalize(statement);
    if (r < 0)
        return tn_error_set(error, r, "cannot read the sites of the log: out of memory");
    return next < 0 ? sql_failure(database, error) : 0;
}

static int add_size(struct tn_overrides *overrides, const struct tn_size_override *size)
{
    struct tn_size_override *sizes = realloc(overrides->sizes, (overrides->size_count + 1) * sizeof(*sizes));
    if (sizes == NULL)
        return -ENOMEM;
    overrides->sizes = sizes;
    sizes[overrides->size_count++] = *size;
    return 0;
}

/* Returns the number of sites at a place, or negative errno. */
static int add_place(struct tn_overrides *overrides, struct sqlite3 *database, const char *place,
                     const struct tn_size_override *size, struct tn_error *error)
{
    sqlite3_stmt *statement = NULL;
    if (tn_sql_prepare(database, place_query, &statement) < 0)
        return sql_failure(database, error);
    tn_sql_bind_text(statement, 1, place);
    int found = 0, r = 0, next = 0;
    while (r == 0 && (next = tn_sql_next(statement)) == 1) {
        struct tn_size_override one = *size;
        one.site_id = (uint32_t)tn_sql_count(statement, 0);
        r = add_size(overrides, &one);
        found++;
    }
    sqlite3_finalize(statement);
    if (r < 0)
        return tn_error_set(error, r, "cannot read the sizes: out of memory");
    return next < 0 ? sql_failure(database, error) : found;
}

static int read_line(struct tn_overrides *overrides, struct sqlite3 *database, const char *name,
                     unsigned number, char *line, struct tn_error *error)
{
    char *words[4] = {NULL}, *rest = NULL;
    size_t count = 0;
    line[strcspn(line, "#\r")] = '\0';
    for (char *word = strtok_r(line, " \t", &rest); word != NULL && count < 4;
         word = strtok_r(NULL, " \t", &rest))
        words[count++] = word;
    if (count == 0)
        return 0;
    struct tn_size_override size = {0};
    bool is_good = count == 2 || count == 3;
    if (is_good && count == 3)
        is_good = tn_parse_bytes(words[1], &size.from_bytes) == 0;
    if (is_good)
        is_good = tn_parse_bytes(words[count - 1], &size.to_bytes) == 0;
    if (!is_good)
        return tn_error_set(error, -EBADMSG, "sizes %s, line %u: a line is 'PLACE [FROM] TO', with bytes",
                            name, number);
    int found = add_place(overrides, database, words[0], &size, error);
    if (found == 0)
        return tn_error_set(error, -EBADMSG, "sizes %s, line %u: '%s' is no site of the log", name, number,
                            words[0]);
    return found < 0 ? found : 0;
}

static int compare_sizes(const void *a, const void *b)
{
    const struct tn_size_override *x = a, *y = b;
    return x->site_id < y->site_id ? -1 : x->site_id > y->site_id;
}

int tn_overrides_read(struct tn_overrides *overrides, struct tn_log *log, const char *name, char *text,
                      struct tn_error *error)
{
    unsigned number = 0;
    int r = 0;
    for (char *line = text; line != NULL && r == 0;) {
        char *end = strchr(line, '\n');
        if (end != NULL)
            *end = '\0';
        r = read_line(overrides, tn_log_database(log), name, ++number, line, error);
        line = end != NULL ? end + 1 : NULL;
    }
    if (r == 0 && overrides->size_count > 0)
        qsort(overrides->sizes, overrides->size_count, sizeof(*overrides->sizes), compare_sizes);
    return r;
}

/* The first of a site's sizes, or NULL. */
static const struct tn_size_override *find_size(const struct tn_overrides *overrides, uint32_t site_id)
{
    size_t low = 0, high = overrides->size_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (overrides->sizes[middle].site_id < site_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < overrides->size_count && overrides->sizes[low].site_id == site_id ? &overrides->sizes[low]
                                                                                   : NULL;
}

bool tn_overrides_apply(struct tn_overrides *overrides, uint32_t site_id, uint64_t *size_bytes)
{
    overrides->allocations++;
    overrides->bytes += *size_bytes;
    if (site_id < overrides->site_count && overrides->is_left_out[site_id]) {
        overrides->left_out_allocations++;
        overrides->left_out_bytes += *size_bytes;
        return false;
    }
    const struct tn_size_override *size = find_size(overrides, site_id);
    for (; size != NULL && size < overrides->sizes + overrides->size_count && size->site_id == site_id;
         size++) {
        if (size->from_bytes != 0 && size->from_bytes != *size_bytes)
            continue;
        overrides->overridden_allocations++;
        overrides->overridden_bytes += *size_bytes;
        *size_bytes = size->to_bytes;
        break;
    }
    return true;
}

void tn_overrides_restart(struct tn_overrides *overrides)
{
    overrides->allocations = overrides->bytes = 0;
    overrides->left_out_allocations = overrides->left_out_bytes = 0;
    overrides->overridden_allocations = overrides->overridden_bytes = 0;
}

void tn_overrides_finish(struct tn_overrides *overrides)
{
    free(overrides->is_left_out);
    free(overrides->sizes);
    *overrides = (struct tn_overrides){0};
}
