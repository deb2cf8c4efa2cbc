/* SPDX-License-Identifier: MIT */
/* Says in SQL which blocks belong to a role, by the frames of their stacks: so a query says what it means,
 * and runs on a log in which no finding was saved. Called by finding_query.c. */
#include "pass.h"
#include "roles.h"

#include <errno.h>
#include <inttypes.h>

/* A line of the program in a query. */
struct place {
    const char *function, *module;
    uint32_t line;
    uint64_t offset_bytes;
};

static struct place place_of_line(const struct tn_finding_line *line)
{
    return (struct place){line->function, line->module, line->line, line->offset_bytes};
}

/* Append a text as a string of SQL. */
static int print_quoted(struct tn_buffer *out, const char *text)
{
    int r = tn_buffer_append(out, "'", 1);
    for (; *text != '\0' && r == 0; text++)
        r = tn_buffer_append(out, *text == '\'' ? "''" : text, *text == '\'' ? 2 : 1);
    return r < 0 ? r : tn_buffer_append(out, "'", 1);
}

/* The condition that a row of stack_frame is a place: by its line, or by its address where that is not known.
 */
static int print_place(struct tn_buffer *out, const char *row, const struct place *place)
{
    bool has_line = place->line != 0 && place->function[0] != '\0';
    int r = tn_buffer_print(out, has_line ? "%s.function = " : "%s.module = ", row);
    if (r == 0)
        r = print_quoted(out, has_line ? place->function : place->module);
    if (r == 0 && has_line)
        r = tn_buffer_print(out, " AND %s.line = %" PRIu32, row, place->line);
    if (r == 0 && !has_line)
        r = tn_buffer_print(out, " AND %s.offset_bytes = %" PRIu64, row, place->offset_bytes);
    return r;
}

/* The caller directly behind the innermost frame of the site, and the one behind that. Each stack is walked
 * once, since `f` is used several times. */
static int print_callers(struct tn_buffer *out, const struct tn_finding_site *site)
{
    struct place own = {site->function, site->module, site->line, site->offset_bytes};
    struct place nearest = place_of_line(&site->callers[0]), next = {0};
    if (site->caller_count > 1)
        next = place_of_line(&site->callers[1]);
    int r = tn_buffer_print(out, " JOIN (SELECT stack_id, min(position) AS position FROM f AS o WHERE ");
    if (r == 0)
        r = print_place(out, "o", &own);
    if (r == 0)
        r = tn_buffer_print(
            out, " GROUP BY stack_id) AS s ON s.stack_id = c.stack_id AND s.position = c.position - 1");
    if (r == 0 && site->caller_count > 1)
        r = tn_buffer_print(out,
                            " JOIN f AS d ON d.stack_id = c.stack_id AND d.position = c.position + 1 AND ");
    if (r == 0 && site->caller_count > 1)
        r = print_place(out, "d", &next);
    if (r == 0)
        r = tn_buffer_print(out, " WHERE ");
    return r < 0 ? r : print_place(out, "c", &nearest);
}

/* The call itself, in the innermost frame of the site's line. */
static int print_call(struct tn_buffer *out, const struct tn_finding_site *site)
{
    struct place own = {site->function, site->module, site->line, site->offset_bytes};
    int r = tn_buffer_print(out, " JOIN (SELECT stack_id, min(position) AS position FROM f AS o WHERE ");
    if (r == 0)
        r = print_place(out, "o", &own);
    if (r == 0)
        r = tn_buffer_print(
            out, " GROUP BY stack_id) AS s ON s.stack_id = c.stack_id AND s.position = c.position WHERE ");
    if (r == 0 && site->call.column != 0)
        r = tn_buffer_print(out, "c.column_number = %" PRIu32, site->call.column);
    if (r == 0 && site->call.column == 0)
        r = tn_buffer_print(out, "c.offset_bytes = %" PRIu64, site->call.offset_bytes);
    return r;
}

/* The stacks of the site that go through the callers of a role, or through its call. */
static int print_stacks(const struct tn_pass *pass, uint32_t site, struct tn_buffer *out)
{
    struct tn_finding named;
    const struct tn_pass_role *role = tn_pass_role(pass, site);
    int r = tn_finding_begin(pass, pass->kinds[0], &site, 1, &named);
    if (r < 0)
        return r;
    r = tn_buffer_print(out,
                        "(WITH f AS (SELECT * FROM stack_frame WHERE stack_id IN"
                        " (SELECT id FROM stack WHERE site_id = %" PRIu64
                        "))"
                        " SELECT c.stack_id FROM f AS c",
                        pass->sites[site].site_id);
    if (r == 0 && role->is_outermost)
        r = tn_buffer_print(out, " WHERE c.function = ");
    if (r == 0 && role->call.is_told)
        r = print_call(out, &named.sites[0]);
    else if (r == 0)
        r = role->is_outermost ? print_quoted(out, named.sites[0].callers[0].function)
                               : print_callers(out, &named.sites[0]);
    tn_finding_finish(&named);
    return r < 0 ? r : tn_buffer_print(out, ")");
}

/* What no other role of the site has. */
static int print_others(const struct tn_pass *pass, uint32_t site, struct tn_buffer *out)
{
    const struct tn_pass_role *own = tn_pass_role(pass, site);
    size_t whole_count = pass->site_count - pass->role_count;
    int r = 0;
    for (size_t i = 0; i < pass->role_count && r == 0; i++) {
        if (pass->roles[i].whole != own->whole || &pass->roles[i] == own ||
            tn_pass_role_is_rest(&pass->roles[i]))
            continue;
        r = tn_buffer_print(out, " AND stack_id NOT IN ");
        if (r == 0)
            r = print_stacks(pass, (uint32_t)(whole_count + i), out);
    }
    return r;
}

int tn_role_print_where(const struct tn_pass *pass, uint32_t site, struct tn_buffer *out)
{
    const struct tn_pass_role *role = tn_pass_role(pass, site);
    int r = tn_buffer_print(out, "(site_id = %" PRIu64, pass->sites[site].site_id);
    if (r == 0 && role->thread_id != 0)
        r = tn_buffer_print(out, " AND thread_id = %" PRIu64, role->thread_id);
    if (r == 0 && tn_pass_role_is_rest(role))
        r = print_others(pass, site, out);
    else if (r == 0) {
        r = tn_buffer_print(out, " AND stack_id IN ");
        r = r < 0 ? r : print_stacks(pass, site, out);
    }
    return r < 0 ? r : tn_buffer_print(out, ")");
}
