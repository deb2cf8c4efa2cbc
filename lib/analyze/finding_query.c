/* SPDX-License-Identifier: MIT */
/* Builds SQL conditions and common table expressions about the blocks of some sites, for the queries that
 * come with findings. Where a wrapper expression given to the report changed the sites, the log's own site
 * ids do not fit, and blocks are selected by stack; those of a role by the frames of their stacks. */
#include "pass.h"
#include "roles.h"

#include <errno.h>
#include <stdlib.h>

static int append_ids(struct tn_buffer *text, const char *column, const uint64_t *ids, size_t count)
{
    int r = tn_buffer_print(text, "%s IN (", column);
    for (size_t i = 0; r == 0 && i < count; i++)
        r = tn_buffer_print(text, i == 0 ? "%llu" : ", %llu", (unsigned long long)ids[i]);
    return r < 0 ? r : tn_buffer_print(text, ")");
}

/* The stacks that belong to these sites. */
static int list_stacks(const struct tn_pass *pass, const bool *is_wanted, uint64_t **ret_ids,
                       size_t *ret_count)
{
    uint64_t *ids = calloc(pass->node_count + 1, sizeof(ids[0]));
    size_t count = 0;
    if (ids == NULL)
        return -ENOMEM;
    for (size_t id = 1; id < pass->node_count; id++)
        if (pass->nodes[id].site != 0 && is_wanted[pass->nodes[id].site])
            ids[count++] = id;
    *ret_ids = ids;
    *ret_count = count;
    return 0;
}

/* The whole sites among them. */
static int list_sites(const struct tn_pass *pass, const bool *is_wanted, uint64_t **ret_ids,
                      size_t *ret_count)
{
    uint64_t *ids = calloc(pass->site_count + 1, sizeof(ids[0]));
    size_t count = 0;
    if (ids == NULL)
        return -ENOMEM;
    for (size_t i = 1; i < pass->site_count - pass->role_count; i++)
        if (is_wanted[i])
            ids[count++] = pass->sites[i].site_id;
    *ret_ids = ids;
    *ret_count = count;
    return 0;
}

/* Begin a further alternative of a condition. */
static int print_or(struct tn_buffer *text, size_t alternative)
{
    return alternative != 0 ? tn_buffer_print(text, " OR ") : 0;
}

static int print_roles(const struct tn_pass *pass, const bool *is_wanted, size_t alternative,
                       struct tn_buffer *text)
{
    int r = 0;
    for (size_t i = pass->site_count - pass->role_count; i < pass->site_count && r == 0; i++) {
        if (!is_wanted[i])
            continue;
        r = print_or(text, alternative++);
        if (r == 0)
            r = tn_role_print_where(pass, (uint32_t)i, text);
    }
    return r;
}

static size_t count_wanted_roles(const struct tn_pass *pass, const bool *is_wanted)
{
    size_t count = 0;
    for (size_t i = pass->site_count - pass->role_count; i < pass->site_count; i++)
        count += is_wanted[i];
    return count;
}

static int print_where(const struct tn_pass *pass, const bool *is_wanted, struct tn_buffer *text)
{
    uint64_t *ids = NULL;
    size_t count = 0;
    bool is_own = pass->origins != NULL;
    size_t roles = is_own ? 0 : count_wanted_roles(pass, is_wanted);
    int r = is_own ? list_stacks(pass, is_wanted, &ids, &count) : list_sites(pass, is_wanted, &ids, &count);
    bool has_ids = count != 0 || (!is_wanted[0] && roles == 0);
    size_t alternatives = (size_t)is_wanted[0] + has_ids + roles;
    if (r == 0)
        r = tn_buffer_print(text, "process_id = %llu AND %s", (unsigned long long)pass->process_id,
                            alternatives > 1 ? "(" : "");
    if (r == 0 && is_wanted[0])
        r = tn_buffer_print(text, "stack_id IS NULL");
    if (r == 0 && has_ids)
        r = print_or(text, is_wanted[0]);
    if (r == 0 && has_ids)
        r = append_ids(text, is_own ? "stack_id" : "site_id", ids, count);
    if (r == 0 && roles != 0)
        r = print_roles(pass, is_wanted, (size_t)is_wanted[0] + has_ids, text);
    if (r == 0 && alternatives > 1)
        r = tn_buffer_print(text, ")");
    free(ids);
    return r;
}

int tn_finding_where(const struct tn_pass *pass, const uint32_t *sites, size_t site_count,
                     char **ret_condition)
{
    struct tn_buffer text = {0};
    bool *is_wanted = calloc(pass->site_count + 1, sizeof(is_wanted[0]));
    if (is_wanted == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < site_count; i++)
        is_wanted[sites[i]] = true;
    int r = print_where(pass, is_wanted, &text);
    free(is_wanted);
    if (r < 0) {
        tn_buffer_finish(&text);
        return r;
    }
    *ret_condition = (char *)text.data;
    return 0;
}

/* Numbering all births of the process gives the clock that lifetime_allocations counts on: a death comes
 * after the birth with its number, and before the next one. */
int tn_finding_live_query(const struct tn_pass *pass, const uint32_t *sites, size_t site_count,
                          char **ret_query)
{
    char *where = NULL, *query = NULL;
    int r = tn_finding_where(pass, sites, site_count, &where);
    if (r == 0)
        r = tn_finding_set(
            &query,
            "WITH birth AS (SELECT id, row_number() OVER (ORDER BY id) AS number FROM allocation"
            " WHERE process_id = %llu),"
            " own AS (SELECT birth.number, a.size_bytes, birth.number + a.lifetime_allocations AS "
            "death_number,"
            " a.death_ns FROM (SELECT id, size_bytes, lifetime_allocations, death_ns FROM allocation WHERE "
            "%s)"
            " AS a JOIN birth ON birth.id = a.id),"
            " change AS (SELECT number, 0 AS is_death, 1 AS count, size_bytes AS bytes FROM own"
            " UNION ALL SELECT death_number, 1, -1, -size_bytes FROM own WHERE death_ns IS NOT NULL),"
            " live AS (SELECT number AS birth_index, is_death,"
            " sum(count) OVER w AS live_count, sum(bytes) OVER w AS live_bytes FROM change"
            " WINDOW w AS (ORDER BY number, is_death ROWS UNBOUNDED PRECEDING)) ",
            (unsigned long long)pass->process_id, where);
    free(where);
    if (r == 0)
        *ret_query = query;
    return r;
}
