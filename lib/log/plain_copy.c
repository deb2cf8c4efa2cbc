/* SPDX-License-Identifier: MIT */

/* A copy of a log with plain rows of `allocation` and with all helper views, so that every SQLite tool can
 * read it. The copy is made of one snapshot of the log, which may be one that is still being written. Called
 * by `tenure unpack`. */

#include "helper_views.h"

#include "tenure/log.h"
#include "tenure/log_write.h"
#include "tenure/sql.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STEP_PAGES        1024 /* copied between two calls of the caller */
#define STEP_INSTRUCTIONS 1000000
#define CREATE_IF_MISSING "CREATE VIEW IF NOT EXISTS "

struct plain_copy {
    const char *path;                                            /* of the copy; borrowed */
    struct sqlite3 *from;                                        /* borrowed from the log */
    struct sqlite3 *to;                                          /* owned */
    void (*progress)(void *user, uint64_t done, uint64_t total); /* or NULL */
    void *user;
    uint64_t allocations; /* that the log has, for the progress */
    struct tn_error *error;
};

static int fail_copy(struct plain_copy *copy, int code)
{
    const char *why = copy->to != NULL && code != -ENOSPC ? sqlite3_errmsg(copy->to) : strerror(-code);
    return tn_error_set(copy->error, code, "cannot write %s: %s; nothing is left of it", copy->path, why);
}

/* The first half of the progress is the copy of the pages, the second the rows. */
static void show_copied(const struct plain_copy *copy, sqlite3_backup *backup)
{
    int total = sqlite3_backup_pagecount(backup);
    if (copy->progress != NULL && total > 0)
        copy->progress(copy->user, (uint64_t)(total - sqlite3_backup_remaining(backup)), 2 * (uint64_t)total);
}

/* The read transaction holds the snapshot, so that a writer does not make the copy begin again. */
static int copy_pages(struct plain_copy *copy)
{
    int r = tn_sql_run(copy->from, "BEGIN; SELECT count(*) FROM sqlite_schema");
    if (r < 0)
        return r;
    sqlite3_backup *backup = sqlite3_backup_init(copy->to, "main", copy->from, "main");
    int rc = backup != NULL ? SQLITE_OK : sqlite3_errcode(copy->to);
    while (rc == SQLITE_OK) {
        rc = sqlite3_backup_step(backup, STEP_PAGES);
        show_copied(copy, backup);
    }
    if (backup != NULL)
        rc = sqlite3_backup_finish(backup);
    tn_sql_run(copy->from, "COMMIT");
    return tn_sql_errno(copy->to, rc);
}

static int show_filled(void *context)
{
    const struct plain_copy *copy = context;
    if (copy->progress != NULL && copy->allocations != 0) {
        uint64_t done = (uint64_t)sqlite3_last_insert_rowid(copy->to);
        copy->progress(copy->user, copy->allocations + (done < copy->allocations ? done : copy->allocations),
                       2 * copy->allocations);
    }
    return 0;
}

/* What logs of older programs lack. */
static int add_views(struct sqlite3 *database)
{
    int r = tn_log_functions_register(database) == SQLITE_OK ? 0 : -ENOMEM;
    if (r == 0 &&
        tn_sql_int(database, "SELECT count(*) FROM pragma_table_info('site') WHERE name = 'key'", 0) == 0) {
        r = tn_sql_run(database, "ALTER TABLE site ADD COLUMN key TEXT");
        if (r == 0)
            r = tn_sql_run(database, tn_log_site_keys);
    }
    if (r < 0)
        return r;
    return tn_sql_run(database,
                      TN_SITE_PLACE_VIEW(CREATE_IF_MISSING, "site AS s", "s.key")
                          TN_STACK_TEXT_VIEW(CREATE_IF_MISSING, "") TN_PEAK_VIEW(CREATE_IF_MISSING, ""));
}

/* A copy of a log that is being written is in WAL mode, as that is. No journal on the disk: a copy that fails
 * is removed. */
static int make_plain(struct plain_copy *copy)
{
    tn_sql_fold_journal(copy->to, 0);
    int r = tn_sql_run(copy->to,
                       "PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY;"
                       "PRAGMA cache_size = -32768");
    if (r == 0)
        r = add_views(copy->to);
    if (r < 0)
        return fail_copy(copy, r);
    copy->allocations = (uint64_t)tn_sql_int(copy->to, "SELECT max(last_id) FROM chunk", 0);
    sqlite3_progress_handler(copy->to, STEP_INSTRUCTIONS, show_filled, copy);
    r = tn_log_fill_rows(copy->to, copy->error);
    sqlite3_progress_handler(copy->to, 0, NULL, NULL);
    return r;
}

/* Ours, readable by the owner only, and nobody else's. */
static int make_target(struct plain_copy *copy)
{
    int fd = open(copy->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST)
        return tn_error_set(copy->error, -EINVAL, "cannot write %s: it exists already; give another name",
                            copy->path);
    if (fd < 0)
        return fail_copy(copy, -errno);
    close(fd);
    return 0;
}

static void remove_target(const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        char *name = sqlite3_mprintf("%s%s", path, suffixes[i]);
        if (name != NULL)
            unlink(name);
        sqlite3_free(name);
    }
}

int tn_log_copy_plain(struct tn_log *log, const char *path,
                      void (*progress)(void *user, uint64_t done, uint64_t total), void *user,
                      struct tn_error *error)
{
    struct plain_copy copy = {
        .path = path, .from = tn_log_database(log), .progress = progress, .user = user, .error = error};
    int r = make_target(&copy);
    if (r < 0)
        return r;
    int rc = sqlite3_open_v2(path, &copy.to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX, NULL);
    r = tn_sql_errno(copy.to, rc);
    if (r == 0)
        r = tn_sql_run(copy.to, "PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY");
    if (r == 0)
        r = copy_pages(&copy);
    r = r < 0 ? fail_copy(&copy, r) : make_plain(&copy);
    sqlite3_close(copy.to);
    if (r < 0)
        remove_target(path);
    return r;
}
