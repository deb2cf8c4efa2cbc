/* SPDX-License-Identifier: MIT */
/* Writes recordings for PostgreSQL; see export_fleet.h. Rows are queried from the log column by column as the
 * tables have them, and written as `COPY ... FROM stdin` takes them. A recording's name is made of what no
 * other one has: its start, its length in nanoseconds, its first PID and its number of allocations. */
#include "tenure/export_fleet.h"

#include "tenure/log.h"
#include "tenure/sql.h"

#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

static const char schema[] =
    "SET client_min_messages = warning;\n"
    "BEGIN;\n"
    "CREATE TABLE IF NOT EXISTS tenure_recording (\n"
    "  recording text PRIMARY KEY,\n"
    "  device text NOT NULL,\n"
    "  started_at timestamptz,\n"
    "  duration_ns bigint,\n"
    "  executable text,\n"
    "  command_line text,\n"
    "  architecture text,\n"
    "  tool_version text,\n"
    "  processes bigint,\n"
    "  is_complete boolean,\n"
    "  events_lost bigint,\n"
    "  allocations bigint,\n"
    "  frees bigint,\n"
    "  allocated_bytes bigint,\n"
    "  peak_live_bytes bigint\n"
    ");\n"
    "CREATE TABLE IF NOT EXISTS tenure_site_summary (\n"
    "  recording text REFERENCES tenure_recording ON DELETE CASCADE,\n"
    "  site_key text,\n"
    "  function text,\n"
    "  file text,\n"
    "  line bigint,\n"
    "  module text,\n"
    "  via text,\n"
    "  allocations bigint,\n"
    "  total_bytes bigint,\n"
    "  usable_bytes bigint,\n"
    "  min_size_bytes bigint,\n"
    "  max_size_bytes bigint,\n"
    "  freed bigint,\n"
    "  live_at_end bigint,\n"
    "  freed_by_other_thread bigint,\n"
    "  short_lived bigint,\n"
    "  small_short_lived bigint,\n"
    "  lifetime_ns_max bigint,\n"
    "  peak_live_count bigint,\n"
    "  peak_live_bytes bigint,\n"
    "  PRIMARY KEY (recording, site_key)\n"
    ");\n"
    "CREATE TABLE IF NOT EXISTS tenure_finding (\n"
    "  recording text REFERENCES tenure_recording ON DELETE CASCADE,\n"
    "  key text,\n"
    "  kind text,\n"
    "  rank bigint,\n"
    "  confidence text,\n"
    "  title text,\n"
    "  advice text,\n"
    "  allocations_removed bigint,\n"
    "  bytes_removed bigint,\n"
    "  PRIMARY KEY (recording, key)\n"
    ");\n"
    "COMMENT ON COLUMN tenure_recording.peak_live_bytes IS 'highest of its processes';\n"
    "COMMENT ON COLUMN tenure_site_summary.site_key IS 'the same in logs of different builds';\n"
    "COMMENT ON COLUMN tenure_site_summary.allocations IS 'counts and bytes add up over recordings; minima "
    "and"
    " maxima merge by min and max; peaks do not add up, since they were not at one time';\n"
    "COMMENT ON COLUMN tenure_site_summary.peak_live_count IS 'highest of its processes: a sum over "
    "recordings"
    " is an upper bound';\n"
    "COMMENT ON COLUMN tenure_site_summary.peak_live_bytes IS 'highest of its processes: a sum over"
    " recordings is an upper bound';\n"
    "COMMENT ON COLUMN tenure_finding.key IS 'the same in recordings of different builds';\n";

static const char name_sql[] =
    "SELECT (SELECT value FROM meta WHERE key = 'started_at') || '/' ||"
    " (SELECT value FROM meta WHERE key = 'duration_ns') || '/' || (SELECT pid FROM process ORDER BY id LIMIT"
    " 1) || '/' || (SELECT ifnull(sum(births), 0) FROM chunk)";

#define META(key) "(SELECT value FROM meta WHERE key = '" key "')"

static const char recording_sql[] =
    "SELECT ?1, ?2, " META("started_at") ", " META(
        "duration_ns") ", executable, command_line, " META("architecture") ", " META("tool_version")
    ", (SELECT count(*) FROM process), CASE WHEN " META("complete") " = '1' THEN 't' ELSE 'f' END, ifnull("
    META("events_lost") ", 0), (SELECT ifnull(sum(births), 0) FROM chunk), (SELECT ifnull(sum(deaths), 0) FROM"
    " chunk), (SELECT ifnull(sum(birth_bytes), 0) FROM chunk), (SELECT ifnull(max(live_bytes), 0) FROM"
    " timeline) FROM process ORDER BY id LIMIT 1";

static const char sites_sql[] =
    "SELECT ?1, p.key, s.function, s.file, s.line, s.module, s.via, sum(y.allocations), sum(y.total_bytes),"
    " sum(y.usable_bytes), min(y.min_size_bytes), max(y.max_size_bytes), sum(y.freed), sum(y.live_at_end),"
    " sum(y.freed_by_other_thread), sum(y.short_lived), sum(y.small_short_lived), max(y.lifetime_ns_max),"
    " max(y.peak_live_count), max(y.peak_live_bytes) FROM site_summary AS y JOIN site AS s ON s.id = "
    "y.site_id"
    " JOIN site_place AS p ON p.site_id = y.site_id WHERE ?2 = ?2 GROUP BY p.key ORDER BY p.key";

/* A value as COPY takes it, with what separates values and rows escaped. */
static int print_text(struct tn_buffer *out, const char *text)
{
    static const char special[] = "\\\n\r\t", letters[] = "\\nrt";
    int r = 0;
    if (text == NULL)
        return tn_buffer_print(out, "\\N");
    for (; *text != '\0' && r == 0; text++) {
        const char *found = strchr(special, *text);
        r = found != NULL ? tn_buffer_print(out, "\\%c", letters[found - special])
                          : tn_buffer_append(out, text, 1);
    }
    return r;
}

static int print_rows(struct tn_buffer *out, struct sqlite3_stmt *row)
{
    int r;
    while ((r = tn_sql_next(row)) == 1)
        for (int i = 0, n = sqlite3_column_count(row); i < n; i++) {
            r = print_text(out, tn_sql_text(row, i));
            if (r == 0)
                r = tn_buffer_print(out, i + 1 < n ? "\t" : "\n");
            if (r < 0)
                return r;
        }
    return r;
}

static int copy_query(struct tn_buffer *out, struct tn_log *log, const char *table, const char *sql,
                      const char *const parameters[2])
{
    struct sqlite3_stmt *row;
    int r = tn_sql_prepare(tn_log_database(log), sql, &row);
    if (r < 0)
        return r;
    tn_sql_bind_text(row, 1, parameters[0]);
    tn_sql_bind_text(row, 2, parameters[1]);
    r = tn_buffer_print(out, "COPY %s FROM stdin;\n", table);
    if (r == 0)
        r = print_rows(out, row);
    if (r == 0)
        r = tn_buffer_print(out, "\\.\n");
    sqlite3_finalize(row);
    return r;
}

static int print_finding(struct tn_buffer *out, const char *name, const struct tn_finding *finding)
{
    int r = print_text(out, name);
    if (r == 0)
        r = tn_buffer_print(out, "\t%08" PRIx32 "\t%s\t%" PRIu32 "\t%s\t", finding->key, finding->kind,
                            finding->rank, tn_confidence_name(finding->confidence));
    if (r == 0)
        r = print_text(out, finding->title);
    if (r == 0)
        r = tn_buffer_print(out, "\t");
    if (r == 0)
        r = print_text(out, finding->advice);
    return r == 0 ? tn_buffer_print(out, "\t%" PRIu64 "\t%" PRId64 "\n", finding->saving.allocations_removed,
                                    finding->saving.bytes_removed)
                  : r;
}

static int copy_findings(struct tn_buffer *out, const char *name, const struct tn_findings *findings)
{
    int r = tn_buffer_print(out, "COPY tenure_finding FROM stdin;\n");
    for (size_t i = 0; i < findings->count && r == 0; i++)
        if (!findings->items[i].has_given_way)
            r = print_finding(out, name, &findings->items[i]);
    return r == 0 ? tn_buffer_print(out, "\\.\n") : r;
}

/* The name of the recording, between quotes where SQL needs them: it has none itself. */
static int name_recording(struct tn_log *log, char **ret_name)
{
    struct sqlite3_stmt *row;
    int r = tn_sql_prepare(tn_log_database(log), name_sql, &row);
    if (r < 0)
        return r;
    r = tn_sql_next(row);
    *ret_name = r == 1 ? tn_sql_copy_text(row, 0) : NULL;
    sqlite3_finalize(row);
    if (r == 1)
        return *ret_name == NULL ? -ENOMEM : 0;
    return r < 0 ? r : -EBADMSG;
}

static int print_recording(struct tn_buffer *out, struct tn_log *log, const char *name, const char *device,
                           const struct tn_findings *findings)
{
    const char *parameters[2] = {name, device};
    char *quoted = sqlite3_mprintf("DELETE FROM tenure_recording WHERE recording = %Q;\n", name);
    int r = quoted != NULL ? tn_buffer_print(out, "%s", quoted) : -ENOMEM;
    sqlite3_free(quoted);
    if (r == 0)
        r = copy_query(out, log, "tenure_recording", recording_sql, parameters);
    if (r == 0)
        r = copy_query(out, log, "tenure_site_summary", sites_sql, parameters);
    return r == 0 ? copy_findings(out, name, findings) : r;
}

int tn_export_fleet_begin(const struct tn_export_fleet *fleet)
{
    return fleet->write(fleet->user, schema, sizeof(schema) - 1);
}

int tn_export_fleet_add(const struct tn_export_fleet *fleet, struct tn_log *log, const char *device,
                        const struct tn_findings *findings, struct tn_error *error)
{
    struct tn_buffer out = {0};
    char *name = NULL;
    /* For logs of before site.key and site_place. */
    int r = tn_log_sql_register(tn_log_database(log)) == SQLITE_OK ? 0 : -ENOMEM;
    if (r == 0)
        r = name_recording(log, &name);
    if (r == 0)
        r = print_recording(&out, log, name, device, findings);
    if (r == 0)
        r = fleet->write(fleet->user, out.data, out.size_bytes);
    free(name);
    tn_buffer_finish(&out);
    if (r == 0)
        return 0;
    return tn_error_set(error, r, "cannot export the log, %s: %s", tn_log_path(log),
                        r == -EBADMSG ? "it is damaged" : strerror(-r));
}

int tn_export_fleet_end(const struct tn_export_fleet *fleet)
{
    static const char end[] = "COMMIT;\n";
    return fleet->write(fleet->user, end, sizeof(end) - 1);
}
