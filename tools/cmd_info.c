/* SPDX-License-Identifier: MIT */
/* The command `info`: what a log contains, as text or JSON. Each line of the text is one query that prints
 * itself. */
#include "command.h"
#include "message.h"

#include "tenure/json.h"
#include "tenure/log.h"
#include "unfinished.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#define META(key) "(SELECT value FROM meta WHERE key = '" key "')"

/* Older logs have no key `closed`: their `complete` says the same. */
#define CLOSED "ifnull(" META("closed") ", " META("complete") ")"

/* Shortens a column to one line: arguments may contain whole scripts. */
#define ONE_LINE(column)                                                                                     \
    "replace(CASE WHEN length(" column ") > 120 THEN substr(" column ", 1, 117) || '...' ELSE " column       \
    " END, char(10), ' ')"

/* What the log lacks, printed first: each query gives a line only if there is something to report. */
static const char *const troubles[] = {
    "SELECT 'This log is not complete: it is still being written, or the recording was cut short. What was '"
    " || 'recorded until then is here.' WHERE ifnull(" CLOSED ", '0') <> '1'",
    "SELECT 'Names of functions, sites and summaries are missing: finishing the log was cut short.'"
    " WHERE " CLOSED " = '1' AND ifnull(" META("finished") ", '0') <> '1'",
    "SELECT print_count(value) || iif(value = '1', ' process', ' processes')"
    " || ' that the program started could not be recorded:' FROM meta"
    " WHERE key = 'processes_unrecorded' AND value > 0",
    "SELECT '  ' || print_count(value) || CASE key"
    " WHEN 'processes_unrecorded_no_descriptor' THEN ' had no free descriptor (RLIMIT_NOFILE) to connect with.'"
    " WHEN 'processes_unrecorded_no_memory' THEN ' had no memory or address space for a ring (RLIMIT_AS).'"
    " WHEN 'processes_unrecorded_unreached' THEN ' could not reach the recorder: another user, or another root folder.'"
    " WHEN 'processes_unrecorded_refused' THEN ' were refused: of another user or build, or the log was closed.'"
    " WHEN 'processes_unrecorded_unanswered' THEN ' did not wait for the recorder, which stood still.'"
    " WHEN 'processes_unrecorded_forbidden' THEN ' were under a filter of system calls that may forbid recording.'"
    " WHEN 'processes_unrecorded_own_malloc' THEN ' bring an allocator of their own, which calls nobody.'"
    " ELSE ' executed a program that did not report: a static one, set-user-ID, or without LD_PRELOAD.' END"
    " FROM meta WHERE key GLOB 'processes_unrecorded_*' AND value > 0",
    "SELECT 'The program wrote over the memory of the recording: events are missing, and it is not known how many.'"
    " WHERE EXISTS (SELECT 1 FROM meta WHERE key IN ('damaged_rings', 'damaged_headers') AND value > 0)",
    "SELECT print_count(value) || ' events were lost: counts are too low by them.' FROM meta"
    " WHERE key = 'events_lost' AND value > 0",
    "SELECT '  ' || print_count(value) || CASE key"
    " WHEN 'events_lost_ring' THEN ' found their ring full or damaged; a larger --ring-size may help.'"
    " WHEN 'events_lost_no_slot' THEN ' were of threads beyond the '"
    "   || print_count(ifnull(" META("threads_room") ", 65535)) || ' that are recorded at once.'"
    " WHEN 'events_lost_no_memory' THEN ' were of threads whose ring could not be mapped; a smaller --ring-size,'"
    "   || ' or a higher limit of address space (ulimit -v), may help.'"
    " WHEN 'events_lost_stalled' THEN ' found their ring full while the recorder was stopped.'"
    " WHEN 'events_lost_nested' THEN ' were of signal handlers that ran on top of the shim.'"
    " ELSE ' came before the shim was ready, or after it had ended.' END FROM meta"
    " WHERE key GLOB 'events_lost_*' AND value > 0",
    "SELECT 'A process had room for ' || print_count(value) || ' threads at once, and perhaps smaller rings than'"
    " || ' usual: its limit of file sizes (ulimit -H -f) allows no more.' FROM meta"
    " WHERE key = 'threads_room' AND CAST(value AS INTEGER) BETWEEN 1 AND 65534",
    "SELECT 'The program loaded libraries apart (RTLD_DEEPBIND, dlmopen; ' || print_count(value)"
    " || iif(value = '1', ' call', ' calls') || '): what they allocate themselves is not recorded.' FROM meta"
    " WHERE key = 'libraries_apart' AND value > 0",
    "SELECT 'The program was refused ' || print_count(value) || iif(value = '1', ' thread or process', ' threads or'"
    " || ' processes') || ': a limit of processes (ulimit -u) counts tenure, too; allow it two more.' FROM meta"
    " WHERE key = 'tasks_refused' AND value > 0",
    "SELECT print_count(value) || ' frees had no allocation: the blocks were born before the recording or'"
    " || ' unseen.' FROM meta WHERE key = 'unmatched_frees' AND value > 0",
    "SELECT 'Recording was paused for ' || print_duration(" META("paused_ns") ") || ': '"
    " || print_count(ifnull(" META("unrecorded_allocations") ", 0)) || ' allocations and '"
    " || print_count(ifnull(" META("unrecorded_frees") ", 0)) || ' releases of such blocks are not in the log.'"
    " FROM meta WHERE key = 'pauses' AND value > 0",
    "SELECT print_count(value) || ' blocks were born at the address of one whose free was not seen.' FROM meta"
    " WHERE key = 'unmatched_births' AND value > 0",
    "SELECT print_count(count(*)) || ' call stacks were cut' || iif(" META("frames_unwalked") " > 0, '.', ' at the"
    " depth limit.') FROM stack WHERE is_cut = 1 HAVING count(*) > 0",
    "SELECT 'Walks ended ' || iif(value = '1', 'once', print_count(value) || ' times') || ' at a frame that only"
    " libunwind (package libunwind8) can step out of, and it was not there: these stacks are cut.' FROM meta"
    " WHERE key = 'frames_unwalked' AND value > 0",
    "SELECT print_count(value) || ' of ' || print_count(" META("stacks_checked") ")"
    " || ' checked call stacks differed from libunwind''s.' FROM meta WHERE key = 'stacks_different' AND"
    " value > 0",
};

/* A label and the query for its lines; without rows, the label is left out. */
static const struct line {
    const char *label;
    const char *query;
} lines[] = {
    /* A link's name beside what it led to. Older logs have no process.name: then it is the outer one. */
    {"program",
     "SELECT (SELECT CASE WHEN ifnull(name, '') = '' OR executable LIKE '%/' || name THEN executable ELSE "
     "name"
     " || ' (' || executable || ')' END FROM process ORDER BY id LIMIT 1) FROM (SELECT NULL AS name)"},
    {"command", "SELECT " ONE_LINE("command_line") " FROM process ORDER BY id LIMIT 1"},
    {"recorded",
     "SELECT ifnull(" META("started_at") ", 'at an unknown time') ||"
                                         " ifnull(', for ' || print_duration(" META("duration_ns") "), '')"},
    {"processes",
     "WITH RECURSIVE tree(id, level, path) AS ("
     "  SELECT id, 0, printf('%010d', id) FROM process WHERE parent_id IS NULL"
     "  UNION ALL SELECT p.id, level + 1, path || printf('%010d', p.id) FROM process p JOIN tree ON"
     "  p.parent_id = tree.id),"
     " counted AS (SELECT process_id, sum(births) AS births, sum(deaths) AS deaths FROM chunk GROUP BY 1)"
     " SELECT printf('%*s%d: pid %d, %s, %s allocations, %s frees: %s', level * 2, '', p.id, p.pid,"
     "  CASE p.exit_kind WHEN 'exit' THEN 'exit ' || ifnull(p.exit_code, '?')"
     "   WHEN 'signal' THEN 'signal ' || ifnull(p.exit_code, '?')"
     "   WHEN 'exec' THEN 'executed another program' WHEN 'unknown' THEN 'ended' ELSE p.exit_kind END,"
     "  print_count(ifnull(births, 0)), print_count(ifnull(deaths, 0)),"
     "  " ONE_LINE("p.command_line") ")"
                                     " FROM tree JOIN process p USING (id) LEFT JOIN counted ON "
                                     "counted.process_id = p.id ORDER BY path"},
    {"threads", "SELECT print_count(count(*)) FROM thread"},
    {"allocations",
     "SELECT print_count(ifnull(sum(births), 0)) || ', ' || print_bytes(ifnull(sum(birth_bytes),"
     " 0)) || ' asked for' FROM chunk"},
    {"frees", "SELECT print_count(ifnull(sum(deaths), 0)) FROM chunk"},
    {"still live", "SELECT print_count(ifnull(sum(births) - sum(deaths), 0)) FROM chunk"},
    {"failed calls", "SELECT print_count(count(*)) FROM allocation_failure HAVING count(*) > 0"},
    {"inherited",
     "SELECT print_count(value) || ' frees in forked children, of blocks that a parent made' FROM"
     " meta WHERE key = 'inherited_frees' AND value > 0"},
    {"sites",
     "SELECT print_count(count(s.site_id)) || ' that allocate, ' || print_count(count(*) -"
     " count(s.site_id)) || ' that only release' FROM site LEFT JOIN (SELECT DISTINCT site_id FROM"
     " site_summary) AS s ON s.site_id = site.id HAVING count(*) > 0"},
    {"wrappers",
     "SELECT group_concat(part, '; ') FROM ("
     " SELECT group_concat(j.value ->> 'function', ', ') || CASE ifnull(j.value ->> 'evidence', 'by use')"
     "  WHEN 'by code' THEN ' (found by their code)'"
     "  WHEN 'by use' THEN ' (found by their use, uncertain in another run)'"
     "  ELSE ' (perhaps: used too little to tell)' END AS part"
     " FROM meta, json_each(meta.value) AS j"
     " WHERE meta.key IN ('wrappers_found', 'wrappers_undecided') AND json_valid(meta.value)"
     " GROUP BY ifnull(j.value ->> 'evidence', 'by use') ORDER BY min(meta.key), 1) HAVING count(*) > 0"},
    {"call stacks",
     "SELECT print_count(count(*)) || ' nodes of ' || print_count((SELECT count(*) FROM frame "
     "WHERE inlined_into IS NULL)) || ' frames' FROM stack"},
    {"modules", "SELECT print_count(count(*)) FROM module"},
    {"checked",
     "SELECT print_count(value) || ' call stacks against libunwind, ' ||"
     " print_count(ifnull(" META("stacks_different") ", 0)) || ' different' FROM meta WHERE key ="
                                                     " 'stacks_checked' AND value > 0"},
    {"marks",
     "SELECT printf('%s: %s%s', print_duration(time_ns), text, CASE WHEN (SELECT count(*) FROM process)"
     " > 1 THEN ' (process ' || process_id || ')' ELSE '' END) FROM mark ORDER BY time_ns, id LIMIT 20"},
    {"", "SELECT printf('and %d more', count(*) - 20) FROM mark HAVING count(*) > 20"},
    {"options", "SELECT value FROM meta WHERE key = 'options'"},
    {"clock", "SELECT value FROM meta WHERE key = 'clock'"},
    {"machine", "SELECT value FROM meta WHERE key = 'architecture'"},
    {"versions", "SELECT 'tenure ' || ifnull(" META(
                     "tool_version") ", '?') || ', log format ' || ifnull(" META("format_version") ", '?')"},
    {"log",
     "SELECT print_bytes(page_count * page_size) || ifnull(', events ' || (SELECT print_bytes("
     "sum(length(data))) || printf(' (%.1f bytes an allocation)', sum(length(data)) * 1.0 /"
     " nullif(sum(births), 0)) FROM chunk), '') FROM pragma_page_count, pragma_page_size"},
    {"`allocation`",
     "SELECT CASE WHEN EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'allocation') THEN"
     " 'plain rows, for any SQLite tool' ELSE 'packed: readable by `tenure sql` and the SQLite "
     "extension' END"},
};

/* A damaged log may have other types in its columns: JSON has no infinite numbers and no bytes. */
#define WHOLE(number) "CAST(" number " AS INTEGER)"

static const char json_query[] =
    "SELECT json_object("
    "'meta', (SELECT json_group_object(key, CASE WHEN value GLOB '[0-9]*' AND value NOT GLOB '*[^0-9]*' THEN"
    "   CAST(value AS INTEGER) ELSE value || '' END) FROM meta),"
    "'closed', json(CASE WHEN " CLOSED " = '1' THEN 'true' ELSE 'false' END),"
    "'complete', json(CASE WHEN " META("complete") " = '1' THEN 'true' ELSE 'false' END),"
    "'finished', json(CASE WHEN " META("finished") " = '1' THEN 'true' ELSE 'false' END),"
    "'allocations', (SELECT " WHOLE("ifnull(sum(births), 0)") " FROM chunk),"
    "'frees', (SELECT " WHOLE("ifnull(sum(deaths), 0)") " FROM chunk),"
    "'live_count', (SELECT " WHOLE("ifnull(sum(births) - sum(deaths), 0)") " FROM chunk),"
    "'total_bytes', (SELECT " WHOLE("ifnull(sum(birth_bytes), 0)") " FROM chunk),"
    "'failures', (SELECT count(*) FROM allocation_failure),"
    "'stacks_cut', (SELECT count(*) FROM stack WHERE is_cut = 1),"
    "'log_bytes', (SELECT page_count * page_size FROM pragma_page_count, pragma_page_size),"
    "'events_bytes', (SELECT ifnull(sum(length(data)), 0) FROM chunk),"
    "'modules', (SELECT count(*) FROM module),"
    "'stacks', (SELECT count(*) FROM stack),"
    "'sites', (SELECT count(DISTINCT site_id) FROM site_summary),"
    "'threads', (SELECT count(*) FROM thread),"
    "'processes', (SELECT json_group_array(json_object('id', " WHOLE("id") ", 'pid', " WHOLE("pid") ", 'parent_id', " WHOLE("parent_id") ","
    "  'executable', executable || '', 'command_line', command_line || '', 'start_ns', " WHOLE("start_ns") ", 'end_ns', " WHOLE("end_ns") ","
    "  'exit_kind', exit_kind || '', 'exit_code', " WHOLE("exit_code") ","
    "  'allocations', (SELECT " WHOLE("ifnull(sum(births), 0)") " FROM chunk WHERE process_id = process.id),"
    "  'frees', (SELECT " WHOLE("ifnull(sum(deaths), 0)") " FROM chunk WHERE process_id = process.id))) FROM process),"
    "'marks', (SELECT json_group_array(json_object('process_id', " WHOLE("process_id") ", 'time_ns', " WHOLE("time_ns") ", 'text', text || ''))"
    "  FROM mark)) AS info";

static int append_line(struct tn_buffer *out, const char *text, bool is_json)
{
    int r = is_json ? tn_json_mend(out, text) : tn_buffer_show(out, text, "");
    return r < 0 ? r : tn_buffer_print(out, "\n");
}

/* Append the rows of a query, one a line, the first one behind label. Returns an SQLite result code. */
static int print_query(sqlite3 *database, const char *label, const char *query, struct tn_buffer *out)
{
    sqlite3_stmt *statement = NULL;
    int r = sqlite3_prepare_v2(database, query, -1, &statement, NULL);
    while (r == SQLITE_OK && (r = sqlite3_step(statement)) == SQLITE_ROW) {
        r = SQLITE_OK;
        const char *text = (const char *)sqlite3_column_text(statement, 0);
        if (text == NULL || text[0] == '\0')
            continue;
        if (label != NULL && tn_buffer_print(out, "%-13s", label) < 0)
            r = SQLITE_NOMEM;
        if (append_line(out, text, query == json_query) < 0)
            r = SQLITE_NOMEM;
        label = label != NULL ? "" : NULL;
    }
    sqlite3_finalize(statement);
    return r == SQLITE_DONE ? SQLITE_OK : r;
}

static int print_text(sqlite3 *database, struct tn_buffer *out)
{
    int r = SQLITE_OK;
    for (size_t i = 0; i < sizeof(troubles) / sizeof(troubles[0]) && r == SQLITE_OK; i++)
        r = print_query(database, NULL, troubles[i], out);
    if (r == SQLITE_OK && out->size_bytes != 0 && tn_buffer_print(out, "\n") < 0)
        r = SQLITE_NOMEM;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]) && r == SQLITE_OK; i++)
        r = print_query(database, lines[i].label, lines[i].query, out);
    return r;
}

static int say_failure(sqlite3 *database, const char *path, int result)
{
    int kind = result & 0xff;
    if (kind == SQLITE_NOMEM || kind == SQLITE_IOERR) {
        tn_say("cannot read the log, %s: %s", path, sqlite3_errmsg(database));
        return TN_STATUS_MACHINE;
    }
    tn_say("the log is damaged, %s: %s; take another copy, or record again", path, sqlite3_errmsg(database));
    return TN_STATUS_INPUT;
}

static int print_info(struct tn_log *log, const struct tn_arguments *arguments)
{
    sqlite3 *database = tn_log_database(log);
    struct tn_buffer text = {0};
    int r = tn_log_functions_register(database);
    if (r == SQLITE_OK && tn_option_is_given(arguments, "json"))
        r = print_query(database, NULL, json_query, &text);
    else if (r == SQLITE_OK)
        r = print_text(database, &text);
    int status;
    if (r == SQLITE_OK)
        status = tn_print_out(&text);
    else
        status = say_failure(database, arguments->operands[0], r);
    tn_buffer_finish(&text);
    return status;
}

static int run(const struct tn_arguments *arguments)
{
    struct tn_log *log = NULL;
    struct tn_error error;
    if (tn_open_finished(arguments->operands[0], &log, &error) < 0)
        return tn_say_error(&error);
    int status = print_info(log, arguments);
    tn_log_close(log);
    return status;
}

static const struct tn_option options[] = {
    {0, "json", NULL, "print one JSON object", NULL},
};

const struct tn_command tn_command_info = {
    .name = "info",
    .summary = "Tell what a log holds: program, processes, counts, losses, size",
    .usage = "[OPTIONS] LOG",
    .details = "Example: tenure info app.db\n",
    .options = {.options = options,
                .count = sizeof(options) / sizeof(options[0]),
                .operand_min = 1,
                .operand_max = 1,
                .operands = "a LOG"},
    .usage_status = TN_STATUS_USAGE,
    .run = run,
};
