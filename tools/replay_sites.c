/* SPDX-License-Identifier: MIT */
#include "replay_sites.h"

#include "tenure/site.h"

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

static int mark(struct tn_replay_sites *sites, uint64_t site_id)
{
    if (site_id >= SITES_MAX)
        return 0;
    if (site_id >= sites->site_count) {
        size_t count = (size_t)site_id * 2 + 64;
        bool *marks = realloc(sites->is_left_out, count * sizeof(*marks));
        if (marks == NULL)
            return -ENOMEM;
        memset(marks + sites->site_count, 0, (count - sites->site_count) * sizeof(*marks));
        sites->is_left_out = marks;
        sites->site_count = count;
    }
    sites->is_left_out[site_id] = true;
    return 0;
}

static int sql_failure(struct sqlite3 *database, struct tn_error *error)
{
    return tn_error_set(error, -EIO, "cannot read the sites of the log: %s", sqlite3_errmsg(database));
}

int tn_replay_sites_leave_runtime(struct tn_replay_sites *sites, struct sqlite3 *database,
                                  struct tn_error *error)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(database, "SELECT id, via, module FROM site", -1, &statement, NULL) != SQLITE_OK)
        return sql_failure(database, error);
    int r = 0, rc;
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW && r == 0) {
        const char *via = (const char *)sqlite3_column_text(statement, 1);
        const char *module = (const char *)sqlite3_column_text(statement, 2);
        if (tn_site_is_library_object(via) || (module != NULL && tn_site_is_runtime_module(module)))
            r = mark(sites, (uint64_t)sqlite3_column_int64(statement, 0));
    }
    sqlite3_finalize(statement);
    if (r < 0)
        return tn_error_set(error, r, "cannot read the sites of the log: out of memory");
    return rc == SQLITE_DONE ? 0 : sql_failure(database, error);
}

static int add_size(struct tn_replay_sites *sites, const struct tn_replay_size *size)
{
    struct tn_replay_size *sizes = realloc(sites->sizes, (sites->size_count + 1) * sizeof(*sizes));
    if (sizes == NULL)
        return -ENOMEM;
    sites->sizes = sizes;
    sizes[sites->size_count++] = *size;
    return 0;
}

/* Returns the number of sites at a place, or negative errno. */
static int add_place(struct tn_replay_sites *sites, struct sqlite3 *database, const char *place,
                     const struct tn_replay_size *size, struct tn_error *error)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(database, place_query, -1, &statement, NULL) != SQLITE_OK)
        return sql_failure(database, error);
    sqlite3_bind_text(statement, 1, place, -1, SQLITE_STATIC);
    int found = 0, r = 0, rc;
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW && r == 0) {
        struct tn_replay_size one = *size;
        one.site_id = (uint32_t)sqlite3_column_int64(statement, 0);
        r = add_size(sites, &one);
        found++;
    }
    sqlite3_finalize(statement);
    if (r < 0)
        return tn_error_set(error, r, "cannot read the sizes: out of memory");
    return rc == SQLITE_DONE ? found : sql_failure(database, error);
}

static int read_line(struct tn_replay_sites *sites, struct sqlite3 *database, const char *name,
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
    struct tn_replay_size size = {0};
    bool is_good = count == 2 || count == 3;
    if (is_good && count == 3)
        is_good = tn_parse_bytes(words[1], &size.from_bytes) == 0;
    if (is_good)
        is_good = tn_parse_bytes(words[count - 1], &size.to_bytes) == 0;
    if (!is_good)
        return tn_error_set(error, -EBADMSG, "sizes %s, line %u: a line is 'PLACE [FROM] TO', with bytes",
                            name, number);
    int found = add_place(sites, database, words[0], &size, error);
    if (found == 0)
        return tn_error_set(error, -EBADMSG, "sizes %s, line %u: '%s' is no site of the log", name, number,
                            words[0]);
    return found < 0 ? found : 0;
}

static int compare_sizes(const void *a, const void *b)
{
    const struct tn_replay_size *x = a, *y = b;
    return x->site_id < y->site_id ? -1 : x->site_id > y->site_id;
}

int tn_replay_sites_read(struct tn_replay_sites *sites, struct sqlite3 *database, const char *name,
                         char *text, struct tn_error *error)
{
    unsigned number = 0;
    int r = 0;
    for (char *line = text; line != NULL && r == 0;) {
        char *end = strchr(line, '\n');
        if (end != NULL)
            *end = '\0';
        r = read_line(sites, database, name, ++number, line, error);
        line = end != NULL ? end + 1 : NULL;
    }
    if (r == 0 && sites->size_count > 0)
        qsort(sites->sizes, sites->size_count, sizeof(*sites->sizes), compare_sizes);
    return r;
}

/* The first of a site's sizes, or NULL. */
static const struct tn_replay_size *find_size(const struct tn_replay_sites *sites, uint32_t site_id)
{
    size_t low = 0, high = sites->size_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sites->sizes[middle].site_id < site_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < sites->size_count && sites->sizes[low].site_id == site_id ? &sites->sizes[low] : NULL;
}

bool tn_replay_sites_apply(struct tn_replay_sites *sites, uint32_t site_id, uint64_t *size_bytes)
{
    sites->allocations++;
    sites->bytes += *size_bytes;
    if (site_id < sites->site_count && sites->is_left_out[site_id]) {
        sites->left_out_allocations++;
        sites->left_out_bytes += *size_bytes;
        return false;
    }
    const struct tn_replay_size *size = find_size(sites, site_id);
    for (; size != NULL && size < sites->sizes + sites->size_count && size->site_id == site_id; size++) {
        if (size->from_bytes != 0 && size->from_bytes != *size_bytes)
            continue;
        sites->overridden_allocations++;
        sites->overridden_bytes += *size_bytes;
        *size_bytes = size->to_bytes;
        break;
    }
    return true;
}

void tn_replay_sites_restart(struct tn_replay_sites *sites)
{
    sites->allocations = sites->bytes = 0;
    sites->left_out_allocations = sites->left_out_bytes = 0;
    sites->overridden_allocations = sites->overridden_bytes = 0;
}

void tn_replay_sites_finish(struct tn_replay_sites *sites)
{
    free(sites->is_left_out);
    free(sites->sizes);
    *sites = (struct tn_replay_sites){0};
}
