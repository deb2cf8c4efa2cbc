/* SPDX-License-Identifier: MIT */

/* Opens a log for reading and checks that it is one: the file's header first, so that the refusal can say
 * what is wrong, then application_id and version. Answers the few questions that every reader asks. */

#include "tenure/log.h"
#include "tenure/sql.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* SQLite's messages may quote the schema, which is what somebody wrote into the file. */
#define WHY_BYTES_MAX 200

#define SQLITE_HEADER_BYTES 100 /* https://www.sqlite.org/fileformat2.html, 1.3 */

struct tn_log {
    struct sqlite3 *database; /* owned; read-only */
    char *path;               /* owned */
};

/* ---------------------------------------------------------------------------------------- the file */

static uint32_t big_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Whether a companion of the log (-wal, -journal) exists and is not empty. */
static bool has_companion(const char *path, const char *suffix)
{
    struct stat status;
    char *name = sqlite3_mprintf("%s%s", path, suffix);
    bool is_there = name != NULL && stat(name, &status) == 0 && status.st_size > 0;
    sqlite3_free(name);
    return is_there;
}

static int say_unreadable(struct tn_error *error, const char *path, int code)
{
    return tn_error_set(error, code, "cannot read the log, %s: %s", path, strerror(-code));
}

static int say_no_log(struct tn_error *error, const char *path, const char *why)
{
    return tn_error_set(error, -EBADMSG, "%s is not a log: %s; name a file that `tenure record` wrote", path,
                        why);
}

static int say_damaged(struct tn_error *error, const char *path, const char *why)
{
    return tn_error_set(error, -EBADMSG, "the log is damaged, %s: %.*s; take another copy, or record again",
                        path, WHY_BYTES_MAX, why);
}

static uint64_t size_now(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 ? (uint64_t)status.st_size : 0;
}

/* Check the first page against the file's size. While a journal exists, the file itself may lag behind, and
 * SQLite puts that right. The first page is written before the others; so the size is asked for once more
 * after the journal was seen to be gone. */
static int check_header(const char *path, int fd, const uint8_t *header, struct tn_error *error)
{
    if (memcmp(header, "SQLite format 3", 16) != 0)
        return say_no_log(error, path, "no SQLite database");
    uint64_t page_bytes = (uint64_t)header[16] << 8 | header[17];
    if (page_bytes == 1)
        page_bytes = 65536;
    bool is_count_valid = memcmp(header + 24, header + 92, 4) == 0;
    uint64_t need_bytes = page_bytes * big_endian(header + 28);
    if (!is_count_valid || size_now(fd) >= need_bytes || has_companion(path, "-wal") ||
        has_companion(path, "-journal"))
        return 0;
    uint64_t size_bytes = size_now(fd);
    if (size_bytes >= need_bytes)
        return 0;
    return tn_error_set(error, -EBADMSG,
                        "the log is truncated, %s: %llu of %llu bytes are there; copy it again, whole", path,
                        (unsigned long long)size_bytes, (unsigned long long)need_bytes);
}

static int check_file(const char *path, struct tn_error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return say_unreadable(error, path, -errno);
    struct stat status;
    uint8_t header[SQLITE_HEADER_BYTES];
    ssize_t length = -1;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
        length = pread(fd, header, sizeof(header), 0);
    int r = -errno;
    if (!S_ISREG(status.st_mode))
        r = say_no_log(error, path, "no regular file");
    else if (length < 0)
        say_unreadable(error, path, r);
    else if (length < (ssize_t)sizeof(header))
        r = say_no_log(error, path, length == 0 ? "it is empty" : "no SQLite database");
    else
        r = check_header(path, fd, header, error);
    close(fd);
    return r;
}

/* ---------------------------------------------------------------------------------------- the database */

/* A file: URI for a path. Owned by the caller (sqlite3_free); NULL: no memory. */
static char *immutable_uri(const char *path)
{
    sqlite3_str *uri = sqlite3_str_new(NULL);
    sqlite3_str_appendall(uri, "file:");
    for (const unsigned char *c = (const unsigned char *)path; *c != '\0'; c++) {
        if (*c == '%' || *c == '?' || *c == '#' || *c < ' ' || *c > '~')
            sqlite3_str_appendf(uri, "%%%02X", *c);
        else
            sqlite3_str_appendchar(uri, 1, (char)*c);
    }
    sqlite3_str_appendall(uri, "?immutable=1");
    return sqlite3_str_finish(uri);
}

/* Open the file and read from it, since SQLite reads nothing before the first query. Returns an SQLite
 * code. */
static int open_once(const char *name, int flags, struct sqlite3 **ret_database)
{
    struct sqlite3 *database = NULL;
    int rc = sqlite3_open_v2(name, &database, SQLITE_OPEN_READONLY | SQLITE_OPEN_FULLMUTEX | flags, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_busy_timeout(database, TN_SQL_PATIENCE_MS);
        rc = sqlite3_exec(database, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
    }
    *ret_database = database;
    return rc;
}

/* In a folder that cannot be written, SQLite cannot make the companions of a log that was left in WAL mode.
 * If there is no journal to read, the file alone is the whole log, and nobody can be writing it: it is then
 * opened as immutable. */
static int open_database(struct tn_log *log, struct tn_error *error)
{
    int rc = open_once(log->path, 0, &log->database);
    if ((rc == SQLITE_CANTOPEN || rc == SQLITE_READONLY) && !has_companion(log->path, "-wal")) {
        sqlite3_close(log->database);
        char *uri = immutable_uri(log->path);
        if (uri == NULL)
            return -ENOMEM;
        rc = open_once(uri, SQLITE_OPEN_URI, &log->database);
        sqlite3_free(uri);
    }
    if (rc == SQLITE_OK)
        return 0;
    int code = tn_sql_errno(log->database, rc);
    if (code == -EBADMSG)
        return say_damaged(error, log->path, sqlite3_errmsg(log->database));
    if (rc == SQLITE_CANTOPEN)
        return tn_error_set(
            error, code,
            "cannot read the log, %s: its journal (%s-wal) needs a folder that can be written; "
            "copy both to one",
            log->path, log->path);
    return say_unreadable(error, log->path, code);
}

/* What readers ask of the tables and views that every log has, of whatever version. */
static const char *const readable[] = {
    "SELECT key, value FROM meta",
    "SELECT id, pid, parent_id, executable, command_line, start_ns, end_ns, exit_kind, exit_code FROM "
    "process",
    "SELECT id, process_id, tid, name, stack_size_bytes, start_ns, end_ns FROM thread",
    "SELECT id, path, build_id FROM module",
    "SELECT id, process_id, module_id, base_address, mapped_ns, unmapped_ns FROM mapping",
    "SELECT id, module_id, offset_bytes, function, file, line, inlined_into, inline_position FROM frame",
    "SELECT id, frame_id, caller_id, frame_bytes, depth, is_cut, site_id FROM stack",
    "SELECT stack_id, position, function, file, line, module, offset_bytes FROM stack_frame",
    "SELECT id, function, file, line, module, offset_bytes, via FROM site",
    "SELECT id, name FROM function",
    "SELECT id, process_id, thread_id, stack_id, function, size_bytes, time_ns FROM allocation_failure",
    "SELECT id, process_id, time_ns, text FROM mark",
    "SELECT process_id, site_id, allocations, total_bytes, peak_live_bytes FROM site_summary",
    "SELECT process_id, time_ns, live_count, live_bytes, allocations, allocated_bytes FROM timeline",
    "SELECT id, process_id, first_id, last_id, first_ns, last_ns, births, deaths, reallocs, birth_bytes,"
    " usable_bytes, codec, checksum, data FROM chunk",
};

static int check_tables(struct tn_log *log, struct tn_error *error)
{
    for (size_t i = 0; i < sizeof(readable) / sizeof(readable[0]); i++) {
        struct sqlite3_stmt *statement;
        int r = tn_sql_prepare(log->database, readable[i], &statement);
        sqlite3_finalize(statement);
        if (r == -EBADMSG)
            return say_damaged(error, log->path, sqlite3_errmsg(log->database));
        if (r < 0)
            return say_unreadable(error, log->path, r);
    }
    return 0;
}

static int check_identity(struct tn_log *log, struct tn_error *error)
{
    if (tn_sql_int(log->database, "PRAGMA application_id", 0) != TN_LOG_APPLICATION_ID)
        return say_no_log(error, log->path, "another application's SQLite database");
    int64_t version = tn_sql_int(log->database, "PRAGMA user_version", 0);
    if (version > TN_LOG_FORMAT_VERSION)
        return tn_error_set(
            error, -EPROTO,
            "the log is of a newer format, %s: version %lld, this program reads up to %d; use "
            "a newer tenure",
            log->path, (long long)version, TN_LOG_FORMAT_VERSION);
    if (version >= 1 && version < TN_LOG_FORMAT_OLDEST)
        return tn_error_set(
            error, -EPROTO,
            "the log is of an older format, %s: version %lld, this program reads from %d on; record "
            "again, or read it "
            "with the tenure that wrote it",
            log->path, (long long)version, TN_LOG_FORMAT_OLDEST);
    if (version < 1)
        return say_damaged(error, log->path, "it has no version");
    return check_tables(log, error);
}

int tn_log_open(const char *path, struct tn_log **ret_log, struct tn_error *error)
{
    int r = check_file(path, error);
    if (r < 0)
        return r;
    struct tn_log *log = calloc(1, sizeof(*log));
    if (log == NULL || (log->path = strdup(path)) == NULL) {
        free(log);
        return say_unreadable(error, path, -ENOMEM);
    }
    r = open_database(log, error);
    if (r == 0)
        r = check_identity(log, error);
    if (r == 0 && tn_allocation_vtab_register(log->database) != SQLITE_OK)
        r = say_unreadable(error, path, -ENOMEM);
    if (r < 0) {
        tn_log_close(log);
        return r;
    }
    *ret_log = log;
    return 0;
}

void tn_log_close(struct tn_log *log)
{
    if (log == NULL)
        return;
    sqlite3_close(log->database);
    free(log->path);
    free(log);
}

/* ---------------------------------------------------------------------------------------- questions */

struct sqlite3 *tn_log_database(struct tn_log *log)
{
    return log->database;
}

const char *tn_log_path(const struct tn_log *log)
{
    return log->path;
}

int64_t tn_log_meta_int(struct tn_log *log, const char *key, int64_t fallback)
{
    struct sqlite3_stmt *statement;
    if (tn_sql_prepare(log->database, "SELECT CAST(value AS INTEGER) FROM meta WHERE key = ?1", &statement) <
        0)
        return fallback;
    int64_t value = fallback;
    sqlite3_bind_text(statement, 1, key, -1, SQLITE_TRANSIENT);
    if (sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_type(statement, 0) != SQLITE_NULL)
        value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return value;
}

/* Logs that were recorded before meta.closed was written have meta.complete in this sense. */
bool tn_log_is_closed(struct tn_log *log)
{
    return tn_log_meta_int(log, "closed", tn_log_meta_int(log, "complete", 0)) != 0;
}

bool tn_log_is_complete(struct tn_log *log)
{
    return tn_log_meta_int(log, "complete", 0) != 0;
}

bool tn_log_is_packed(struct tn_log *log)
{
    return tn_sql_int(log->database, "SELECT count(*) FROM sqlite_schema WHERE name = 'allocation'", 0) == 0;
}

uint64_t tn_log_main_process(struct tn_log *log)
{
    int64_t id = tn_sql_int(log->database,
                            "SELECT process_id FROM chunk GROUP BY process_id"
                            " ORDER BY sum(births) DESC, process_id LIMIT 1",
                            0);
    return id != 0 ? (uint64_t)id : (uint64_t)tn_sql_int(log->database, "SELECT min(id) FROM process", 0);
}
