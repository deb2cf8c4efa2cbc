/* SPDX-License-Identifier: MIT */
/* What a trial has contradicted is no advice any more: it leaves the findings before they lead anywhere, and
 * what it had displaced comes back. Called by tn_analyze; trials write by tn_finding_save_refuted. */
#include "refuted.h"

#include "rank.h"

#include "tenure/log.h"
#include "tenure/sql.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>

#define TEXT_OF(member) "CASE WHEN json_valid(refuted_by) THEN json_extract(refuted_by, '$." member "') END"

static const char refuted_sql[] = "SELECT key, " TEXT_OF("what") ", " TEXT_OF("birth") ", " TEXT_OF(
    "moment") ", " TEXT_OF("next") ", " TEXT_OF("program") ", " TEXT_OF("tried_at") " FROM finding WHERE "
                                                                                    "process_id = ?1 AND "
                                                                                    "refuted_by IS NOT NULL";

/* An entry that cannot be read still says that the finding is refuted. */
static const char unreadable[] = "a trial has contradicted it, and what the log says of that cannot be read";

static struct tn_finding *find_key(const struct tn_findings *findings, const char *key)
{
    char own[TN_FINDING_KEY_BYTES];
    for (size_t i = 0; i < findings->count; i++)
        if (sqlite3_stricmp(tn_finding_key_print(&findings->items[i], own), key) == 0)
            return &findings->items[i];
    return NULL;
}

static int take_row(struct tn_findings *findings, sqlite3_stmt *row)
{
    const char *key = tn_sql_text(row, 0), *what = tn_sql_text(row, 1);
    struct tn_finding *finding = key != NULL ? find_key(findings, key) : NULL;
    if (finding == NULL)
        return 0;
    /* only read, and not kept */
    const struct tn_refutation refutation = {
        .what = (char *)(uintptr_t)(what != NULL ? what : unreadable),
        .birth = (char *)(uintptr_t)tn_sql_text(row, 2),
        .moment = (char *)(uintptr_t)tn_sql_text(row, 3),
        .next = (char *)(uintptr_t)tn_sql_text(row, 4),
        .program = (char *)(uintptr_t)tn_sql_text(row, 5),
        .tried_at = (char *)(uintptr_t)tn_sql_text(row, 6),
    };
    return tn_finding_refute(finding, &refutation);
}

/* Logs into which no trial wrote have no such column, or not even the table. */
static int read_log(const struct tn_pass *pass, struct tn_findings *findings)
{
    sqlite3 *database = tn_log_database(pass->log);
    sqlite3_stmt *statement = NULL;
    if (tn_sql_int(database, "SELECT count(*) FROM pragma_table_info('finding') WHERE name = 'refuted_by'",
                   0) == 0)
        return 0;
    int r = tn_sql_prepare(database, refuted_sql, &statement);
    int more = 0;
    if (r < 0)
        return r;
    tn_sql_bind_count(statement, 1, findings->process_id);
    while (r == 0 && (more = tn_sql_next(statement)) == 1)
        r = take_row(findings, statement);
    sqlite3_finalize(statement);
    return r < 0 ? r : more;
}

static int move_out(struct tn_findings *findings)
{
    size_t kept = 0;
    findings->refuted = calloc(findings->count + 1, sizeof(findings->refuted[0]));
    if (findings->refuted == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < findings->count; i++)
        if (tn_finding_is_refuted(&findings->items[i]))
            findings->refuted[findings->refuted_count++] = findings->items[i];
        else
            findings->items[kept++] = findings->items[i];
    findings->count = kept;
    return 0;
}

int tn_refuted_part(struct tn_pass *pass, struct tn_findings *findings)
{
    int r = read_log(pass, findings);
    if (r == 0)
        r = move_out(findings);
    if (r == 0 && findings->refuted_count != 0)
        r = tn_findings_reorder(findings, pass->kinds);
    for (size_t i = 0; i < findings->refuted_count; i++)
        findings->refuted[i].rank = (uint32_t)(findings->count + i + 1);
    return r < 0 ? tn_pass_refuse(pass, r, "cannot tell what trials have refuted") : 0;
}
