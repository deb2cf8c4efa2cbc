/* SPDX-License-Identifier: MIT */

/* The life of a writer: the file, the schema, the journal, commits and the close. Whatever fails first is
 * kept as the writer's error, and ends it. Rows are written by write_rows.c, events by write_events.c. */

#include "schema.h"
#include "writer.h"

#include "tenure/log.h"
#include "tenure/sql.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static const char *const statement_sql[TN_WRITER_STATEMENT_COUNT] = {
    [TN_WRITER_BEGIN] = "BEGIN IMMEDIATE",
    [TN_WRITER_COMMIT] = "COMMIT",
    [TN_WRITER_META] =
        "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2",
    [TN_WRITER_TEXT_BYTES] = "INSERT OR IGNORE INTO text_bytes (text, bytes) VALUES (?1, CAST(?2 AS BLOB))",
    [TN_WRITER_PROCESS] =
        ("INSERT INTO process (id, pid, parent_id, executable, command_line, start_ns, exit_kind, name)"
         " VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'running', ?7)"),
    [TN_WRITER_PROCESS_NAME] = "UPDATE process SET executable = ?2, command_line = ?3 WHERE id = ?1",
    [TN_WRITER_PROCESS_END] = "UPDATE process SET end_ns = ?2, exit_kind = ?3, exit_code = ?4 WHERE id = ?1",
    [TN_WRITER_THREAD] = ("INSERT INTO thread (id, process_id, tid, name, stack_size_bytes, start_ns)"
                          " VALUES (?1, ?2, ?3, ?4, ?5, ?6)"),
    [TN_WRITER_THREAD_END] = "UPDATE thread SET end_ns = ?2 WHERE id = ?1",
    [TN_WRITER_THREAD_LOSS] = "UPDATE thread SET events_lost = events_lost + ?2 WHERE id = ?1",
    /* The update changes nothing; with it, RETURNING gives the id of a row that existed. */
    [TN_WRITER_MODULE] = ("INSERT INTO module (path, build_id) VALUES (?1, ?2)"
                          " ON CONFLICT (path, build_id) DO UPDATE SET path = path RETURNING id"),
    [TN_WRITER_MAPPING] = ("INSERT INTO mapping (id, process_id, module_id, base_address, mapped_ns)"
                           " VALUES (?1, ?2, ?3, ?4, ?5)"),
    [TN_WRITER_MAPPING_END] = "UPDATE mapping SET unmapped_ns = ?2 WHERE id = ?1",
    [TN_WRITER_FRAME] = "INSERT INTO frame (id, module_id, offset_bytes) VALUES (?1, ?2, ?3)",
    [TN_WRITER_STACK] = ("INSERT INTO stack (id, frame_id, caller_id, frame_bytes, depth, is_cut)"
                         " VALUES (?1, ?2, ?3, ?4, ?5, ?6)"),
    [TN_WRITER_FAILURE] =
        ("INSERT INTO allocation_failure (process_id, thread_id, stack_id, function, size_bytes,"
         " time_ns) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"),
    [TN_WRITER_MARK] = "INSERT INTO mark (process_id, time_ns, text) VALUES (?1, ?2, ?3)",
    [TN_WRITER_LINK] =
        ("INSERT INTO link (id, process_id, moment, holder_stack_id, module_id, offset_bytes, held_stack_id,"
         " inner_offset_bytes, looks, distinct_held_blocks, holder_id, held_id)"
         " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
         " ON CONFLICT (id) DO UPDATE SET looks = ?9, distinct_held_blocks = ?10"),
    [TN_WRITER_LINK_LOOK] =
        ("INSERT INTO link_look (process_id, stack_id, moment, looks) VALUES (?1, ?2, ?3, ?4)"
         " ON CONFLICT (process_id, stack_id, moment) DO UPDATE SET looks = ?4"),
    [TN_WRITER_POOL] =
        ("INSERT OR REPLACE INTO pool (id, process_id, address, name, first_ns, allocations, frees, resets,"
         " total_bytes, live_count, live_bytes, peak_live_count, peak_live_bytes, peak_ns, unknown_frees,"
         " unseen_frees, blocks_left_out)"
         " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)"),
    [TN_WRITER_POOL_SIZE] =
        ("INSERT OR REPLACE INTO pool_size (pool_id, size_bytes, allocations, live_count, peak_live_count)"
         " VALUES (?1, ?2, ?3, ?4, ?5)"),
    [TN_WRITER_POOL_BLOCK] =
        ("INSERT INTO pool_block (id, pool_id, thread_id, stack_id, address, size_bytes, birth_ns)"
         " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"),
    [TN_WRITER_POOL_BLOCK_END] =
        "UPDATE pool_block SET death_ns = ?2, free_thread_id = ?3, free_stack_id = ?4 WHERE id = ?1",
    [TN_WRITER_CHUNK] =
        ("INSERT INTO chunk (process_id, first_id, last_id, first_ns, last_ns, births, deaths, reallocs,"
         " birth_bytes, usable_bytes, codec, checksum, data)"
         " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"),
};

/* ---------------------------------------------------------------------------------------- statements */

int tn_writer_fail(struct tn_log_writer *writer, int code)
{
    if (writer->error.code != 0)
        return writer->error.code;
    const char *advice = code == -ENOSPC ? "; free some space and record again" : "";
    const char *detail =
        sqlite3_errcode(writer->database) != SQLITE_OK ? sqlite3_errmsg(writer->database) : "";
    return tn_error_set(&writer->error, code,
                        "cannot write the log, %s: %s%s%s%s; what was written before stays readable%s",
                        writer->path, strerror(-code), detail[0] != '\0' ? " (" : "", detail,
                        detail[0] != '\0' ? ")" : "", advice);
}

struct sqlite3_stmt *tn_writer_statement(struct tn_log_writer *writer, enum tn_writer_statement which)
{
    return writer->error.code == 0 ? writer->statements[which] : NULL;
}

int tn_writer_step(struct tn_log_writer *writer, struct sqlite3_stmt *statement)
{
    if (statement == NULL)
        return writer->error.code;
    int rc = sqlite3_step(statement);
    int r = tn_sql_errno(writer->database, rc);
    if (r < 0)
        tn_writer_fail(writer, r); /* before the reset, which clears the message */
    sqlite3_reset(statement);
    return writer->error.code;
}

static int run(struct tn_log_writer *writer, enum tn_writer_statement which)
{
    return tn_writer_step(writer, tn_writer_statement(writer, which));
}

int tn_log_set_meta(struct tn_log_writer *writer, const char *key, const char *value)
{
    struct sqlite3_stmt *statement = tn_writer_statement(writer, TN_WRITER_META);
    if (statement == NULL)
        return writer->error.code;
    sqlite3_bind_text(statement, 1, key, -1, SQLITE_TRANSIENT);
    int r = tn_writer_bind_text(writer, statement, 2, value);
    return r < 0 ? r : tn_writer_step(writer, statement);
}

static int set_meta_number(struct tn_log_writer *writer, const char *key, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRIu64, value);
    return tn_log_set_meta(writer, key, text);
}

/* ---------------------------------------------------------------------------------------- creation */

/* Command lines and paths are nobody else's business, whatever the umask. SQLite gives the companions the
 * mode that the file has when they are made. */
#define LOG_MODE 0600

int tn_writer_bind_text(struct tn_log_writer *writer, struct sqlite3_stmt *statement, int index,
                        const char *text)
{
    struct tn_buffer valid = {0};
    int replaced = tn_buffer_append_utf8(&valid, text != NULL ? text : "");
    if (replaced <= 0) {
        tn_buffer_finish(&valid);
        tn_sql_bind_text(statement, index, text != NULL ? text : "");
        return replaced < 0 ? tn_writer_fail(writer, replaced) : 0;
    }
    sqlite3_bind_text(statement, index, (const char *)valid.data, (int)valid.size_bytes, SQLITE_TRANSIENT);
    struct sqlite3_stmt *keep = writer->statements[TN_WRITER_TEXT_BYTES];
    sqlite3_bind_text(keep, 1, (const char *)valid.data, (int)valid.size_bytes, SQLITE_TRANSIENT);
    tn_sql_bind_text(keep, 2, text);
    tn_buffer_finish(&valid);
    return tn_writer_step(writer, keep);
}

/* Make the file ourselves, so that a failure has its true errno and nobody else's file is taken. */
static int make_file(const char *path, bool *ret_is_ours)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, LOG_MODE);
    if (fd >= 0) {
        fchmod(fd, LOG_MODE); /* a umask may take more than is good */
        close(fd);
        *ret_is_ours = true;
        return 0;
    }
    if (errno != EEXIST)
        return -errno;
    struct stat status;
    if (stat(path, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode) || status.st_size != 0)
        return -EEXIST;
    if (chmod(path, LOG_MODE) < 0)
        return -errno;
    *ret_is_ours = false;
    return 0;
}

/* Remove what a failed creation has made. */
static void unmake_file(const char *path, bool is_ours)
{
    static const char *const companions[] = {"-wal", "-shm", "-journal"};
    char *name = malloc(strlen(path) + 16);
    for (size_t i = 0; name != NULL && i < sizeof(companions) / sizeof(companions[0]); i++) {
        sprintf(name, "%s%s", path, companions[i]);
        unlink(name);
    }
    free(name);
    if (is_ours)
        unlink(path);
    else if (truncate(path, 0) < 0)
        return; /* nothing more can be done */
}

/* synchronous = OFF: what was committed survives the death of the recorder; only a crash of the whole system
 * can damage the log, and no fsync ever delays the recorded program. */
static int open_database(struct tn_log_writer *writer)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    int rc = sqlite3_open_v2(writer->path, &writer->database, flags, NULL);
    if (rc != SQLITE_OK)
        return tn_sql_errno(writer->database, rc);
    sqlite3_extended_result_codes(writer->database, 1);
    sqlite3_busy_timeout(writer->database, TN_SQL_PATIENCE_MS);
    return tn_sql_run(writer->database,
                      "PRAGMA page_size = 8192;"
                      "PRAGMA synchronous = OFF;"
                      "PRAGMA cache_size = -8192");
}

/* A write-ahead journal, so that a reader never blocks the writer. It begins after the schema is in the file
 * itself: a log that loses its companions is still a log. Where the file system cannot do it (no shared
 * memory), SQLite keeps the rollback journal and the recording goes on. The journal is folded into the file
 * at every 4 MiB: often, so that it never takes long. */
static int use_wal(struct tn_log_writer *writer)
{
    return tn_sql_run(writer->database,
                      "PRAGMA journal_mode = WAL;"
                      "PRAGMA wal_autocheckpoint = 512;"
                      "PRAGMA journal_size_limit = 67108864");
}

static int create_schema(struct tn_log_writer *writer)
{
    char identity[96];
    snprintf(identity, sizeof(identity), "PRAGMA application_id = %d; PRAGMA user_version = %d",
             TN_LOG_APPLICATION_ID, TN_LOG_FORMAT_VERSION);
    int r = tn_sql_run(writer->database, "BEGIN IMMEDIATE");
    for (int i = 0; r == 0 && tn_schema_tables[i] != NULL; i++)
        r = tn_sql_run(writer->database, tn_schema_tables[i]);
    if (r == 0)
        r = tn_sql_run(writer->database, identity);
    for (int i = 0; r == 0 && i < TN_WRITER_STATEMENT_COUNT; i++)
        r = tn_sql_prepare(writer->database, statement_sql[i], &writer->statements[i]);
    return r;
}

static int fill_functions(struct tn_log_writer *writer)
{
    struct sqlite3_stmt *statement;
    int r = tn_sql_prepare(writer->database, "INSERT INTO function (id, name) VALUES (?1, ?2)", &statement);
    for (int i = 1; r == 0 && i < TN_FUNCTION_COUNT; i++) {
        sqlite3_bind_int(statement, 1, i);
        sqlite3_bind_text(statement, 2, tn_function_name((enum tn_function)i), -1, SQLITE_STATIC);
        r = tn_writer_step(writer, statement);
    }
    sqlite3_finalize(statement);
    return r;
}

static int fill_meta(struct tn_log_writer *writer, const struct tn_log_options *options)
{
    char started_at[32];
    struct tm utc;
    time_t now = time(NULL);
    gmtime_r(&now, &utc);
    strftime(started_at, sizeof(started_at), "%Y-%m-%dT%H:%M:%SZ", &utc);
    struct utsname machine = {0};
    uname(&machine);
    const char *const entries[][2] = {
        {"tool_version", TN_VERSION},
        {"started_at", started_at},
        {"architecture", machine.machine},
        {"clock", options->clock != NULL ? options->clock : ""},
        {"closed", "0"},
        {"complete", "0"},
        {"finished", "0"},
        {"options", options->options != NULL ? options->options : ""},
    };
    int r = set_meta_number(writer, "format_version", TN_LOG_FORMAT_VERSION);
    for (size_t i = 0; r == 0 && i < sizeof(entries) / sizeof(entries[0]); i++)
        r = tn_log_set_meta(writer, entries[i][0], entries[i][1]);
    return r;
}

static void release(struct tn_log_writer *writer)
{
    for (int i = 0; i < TN_WRITER_STATEMENT_COUNT; i++)
        sqlite3_finalize(writer->statements[i]);
    sqlite3_close(writer->database);
    tn_intern_finish(&writer->intern);
    tn_writer_release_packs(writer);
    free(writer->path);
    free(writer);
}

static int fill_new_log(struct tn_log_writer *writer, const struct tn_log_options *options)
{
    int r = open_database(writer);
    if (r == 0)
        r = create_schema(writer);
    if (r == 0)
        r = fill_functions(writer);
    if (r == 0)
        r = fill_meta(writer, options);
    if (r == 0)
        r = run(writer, TN_WRITER_COMMIT);
    if (r == 0)
        r = use_wal(writer);
    if (r == 0)
        r = run(writer, TN_WRITER_BEGIN);
    return r;
}

int tn_log_create(const struct tn_log_options *options, struct tn_log_writer **ret_writer,
                  struct tn_error *error)
{
    bool is_ours;
    int r = make_file(options->path, &is_ours);
    if (r == -EEXIST)
        return tn_error_set(error, r, "cannot create the log, %s: it exists; name another file or remove it",
                            options->path);
    if (r < 0)
        return tn_error_set(error, r, "cannot create the log, %s: %s", options->path, strerror(-r));
    struct tn_log_writer *writer = calloc(1, sizeof(*writer));
    if (writer != NULL)
        writer->path = strdup(options->path);
    if (writer != NULL)
        writer->omits_command_lines = options->omits_command_lines;
    r = writer != NULL && writer->path != NULL ? fill_new_log(writer, options) : -ENOMEM;
    if (r == 0) {
        *ret_writer = writer;
        return 0;
    }
    tn_error_set(error, r, "cannot create the log, %s: %s", options->path, strerror(-r));
    if (writer != NULL)
        release(writer);
    unmake_file(options->path, is_ours);
    return r;
}

const struct tn_error *tn_log_writer_error(const struct tn_log_writer *writer)
{
    return &writer->error;
}

/* ---------------------------------------------------------------------------------------- close */

static int write_totals(struct tn_log_writer *writer, uint64_t duration_ns)
{
    int r = set_meta_number(writer, "allocations", writer->allocation_count);
    if (r == 0)
        r = set_meta_number(writer, "frees", writer->death_count);
    if (r == 0)
        r = set_meta_number(writer, "allocated_bytes", writer->allocated_bytes);
    if (r == 0)
        r = set_meta_number(writer, "duration_ns", duration_ns);
    return r;
}

/* Everything before the COMMIT itself. */
static int settle(struct tn_log_writer *writer, uint64_t duration_ns)
{
    int r = writer->error.code;
    for (uint64_t id = 1; r == 0 && id <= writer->process_count; id++)
        r = tn_writer_flush(writer, id);
    return r == 0 ? write_totals(writer, duration_ns) : r;
}

int tn_log_commit(struct tn_log_writer *writer)
{
    int r = settle(writer, writer->last_ns);
    if (r == 0)
        r = run(writer, TN_WRITER_COMMIT);
    if (r == 0)
        r = run(writer, TN_WRITER_BEGIN);
    return r;
}

void tn_log_note_gaps(struct tn_log_writer *writer)
{
    writer->has_gaps = true;
}

int tn_log_writer_close(struct tn_log_writer *writer, uint64_t duration_ns, struct tn_error *error)
{
    int r = settle(writer, duration_ns);
    if (r == 0)
        r = tn_log_set_meta(writer, "closed", "1");
    if (r == 0)
        r = tn_log_set_meta(writer, "complete", writer->has_gaps ? "0" : "1");
    if (r == 0)
        r = run(writer, TN_WRITER_COMMIT);
    if (r < 0)
        tn_error_set(error, r, "%s", writer->error.text);
    else
        tn_sql_fold_journal(writer->database, 0);
    release(writer);
    return r;
}

/* The journal stays as it is: after a full disk there is no room to fold it, and in a forked child it is the
 * parent's. */
void tn_log_writer_abandon(struct tn_log_writer *writer)
{
    if (writer == NULL)
        return;
    sqlite3_db_config(writer->database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    release(writer);
}
