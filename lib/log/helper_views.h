/* SPDX-License-Identifier: MIT */
#ifndef TN_LOG_HELPER_VIEWS_H
#define TN_LOG_HELPER_VIEWS_H

/* The views that spare a reader the usual joins, as macros: a log stores them, and a reader makes temporary
 * ones for a log that was written before there were any. They use nothing but SQL, so that they work without
 * the extension.
 *
 * create  "CREATE VIEW ", or what else makes a view
 * schema  "" in a log: a view knows its own database; "main." in a temporary view */

/* clang-format off: SQL is indented as SQL. */

/* The last part of a path, in SQL. */
#define TN_SQL_BASE_NAME(path) "replace(" path ", rtrim(" path ", replace(" path ", '/', '')), '')"

/* A function, or where it has no name its module and offset, as addr2line and gdb take it. row is an alias.
 */
#define TN_SQL_PLACE(row)                                                                                    \
    "coalesce(" row ".function, ifnull(" TN_SQL_BASE_NAME(row ".module") " || '+', '') || " \
    "printf('0x%x', " row ".offset_bytes))"

/* rows: what stands behind FROM, with s as the row of site; key: an expression for site.key. */
#define TN_SITE_PLACE_VIEW(create, rows, key)                                                                \
    create "site_place AS\n" \
    "SELECT s.id AS site_id,\n" \
    "       " key " AS key, -- equal in logs of different builds\n" \
    "       CASE WHEN coalesce(s.function, s.offset_bytes) IS NOT NULL THEN\n" \
    "         " TN_SQL_PLACE("s") " END AS place, -- function, or module+0xOFFSET; NULL: no stack was taken\n" \
    "       s.file || ifnull(':' || s.line, '') AS source, -- file:line; NULL: not known\n" \
    "       s.via AS via\n" \
    "FROM " rows ";\n"

#define TN_STACK_TEXT_VIEW(create, schema)                                                                   \
    create "stack_text AS\n" \
    "SELECT s.id AS stack_id,\n" \
    "       -- functions, innermost first: a < b < main\n" \
    "       (SELECT group_concat(name, ' < ') FROM (\n" \
    "          SELECT " TN_SQL_PLACE("f") " AS name\n" \
    "          FROM " schema "stack_frame AS f WHERE f.stack_id = s.id ORDER BY f.position)) AS functions,\n" \
    "       -- the same, each with its source: a (a.c:7) < main (main.c:3)\n" \
    "       (SELECT group_concat(name, ' < ') FROM (\n" \
    "          SELECT " TN_SQL_PLACE("f") " ||\n" \
    "            ifnull(' (' || " TN_SQL_BASE_NAME("f.file") " || ifnull(':' || f.line, '') || ')', '') AS name\n" \
    "          FROM " schema "stack_frame AS f WHERE f.stack_id = s.id ORDER BY f.position)) AS text\n" \
    "FROM " schema "stack AS s;\n"

#define TN_PEAK_VIEW(create, schema)                                                                         \
    create                                                                                                   \
        "peak AS\n"                                                                                          \
        "SELECT process_id, time_ns, live_count, live_bytes, allocations, allocated_bytes\n"                 \
        "FROM (SELECT *, row_number() OVER (PARTITION BY process_id ORDER BY live_bytes DESC, time_ns) AS "  \
        "place\n"                                                                                            \
        "      FROM " schema                                                                                 \
        "timeline)\n"                                                                                        \
        "WHERE place = 1;\n"

/* A site's key: equal in logs of different builds, and no two sites of a log have the same. Hashed by the SQL
 * function site_key: function and file (without folders), or without a file the module; via; where there is
 * no function the offset; and a number that tells apart what is then still equal, in the order of lines. */
#define TN_SITE_KEYS(schema)                                                                                 \
    "SELECT id, site_key(function, file, module, via, unnamed_bytes, row_number() OVER (PARTITION BY"        \
    " site_key(function, file, module, via, unnamed_bytes, 1) ORDER BY line, offset_bytes, id)) AS key"      \
    " FROM (SELECT *, CASE WHEN function IS NULL THEN offset_bytes END AS unnamed_bytes FROM " schema        \
    "site)"

/* clang-format on */

#endif
