/* SPDX-License-Identifier: MIT */
#ifndef TN_LOG_ALLOCATION_COLUMNS_H
#define TN_LOG_ALLOCATION_COLUMNS_H

/* The columns of `allocation`, once. The table allocation_row, the view over it, the virtual table, and the
 * SQL that fills the rows are all expanded from this list, so that they cannot differ.
 *
 * A new column takes: a line here, in the order in which SQL shows the columns; a member of struct
 * tn_allocation (tenure/log.h) that the cursors fill (allocation_cursor.c, ordered.c); and a line in
 * docs/log-format.md, which a test compares with the schema. Programs that read logs by `SELECT *` see it at
 * that position. Logs that were filled before keep their own view. */

/* The list is given five macros, of which each makes of its lines what it needs.
 *
 * FIRST     the id, which is the primary key of allocation_row
 * STORED    a number that stands in allocation_row under its own name
 * STORED_AS a value that allocation_row has in another form: under the name `stored`, hidden in the virtual
 *           table; the view computes it by `expression`
 * COMPUTED  a value that does not stand in allocation_row; the view computes it by `expression`
 * LAST      as STORED: the end of a list has no comma
 *
 * upper       the name in capitals, for enumerators
 * name        the name in SQL
 * type        in SQL; STORED columns are INTEGER
 * member      of struct tn_allocation that has the number, for the virtual table
 * rule        when the virtual table shows it: ALWAYS; ID (NULL instead of 0); DEATH (NULL while live);
 *             DEATH_ID (both); OTHER (the member is not used: show_other in allocation_vtab.c computes it)
 * expression  SQL of the view; r is the row of allocation_row
 * comment     unit and meaning; stored with the view, so that `.schema` shows it */
#define TN_ALLOCATION_COLUMNS(FIRST, STORED, STORED_AS, COMPUTED, LAST)                                      \
    FIRST(ID, id, id, ALWAYS, "birth order over all processes, from 1")                                      \
    STORED(PROCESS_ID, process_id, process_id, ALWAYS, "that it is of")                                      \
    STORED(THREAD_ID, thread_id, thread_id, ID, "that asked for it")                                         \
    STORED(STACK_ID, stack_id, stack_id, ID, "NULL: none was taken")                                         \
    COMPUTED(SITE_ID, site_id, "INTEGER", id, OTHER,                                                         \
             "(SELECT s.site_id FROM stack AS s WHERE s.id = r.stack_id)", "of that stack")                  \
    STORED_AS(FUNCTION, function, "TEXT", id, OTHER, FUNCTION_ID, function_id, "code, see function",         \
              "(SELECT n.name FROM function AS n WHERE n.id = r.function_id)", "malloc, operator new, ...")  \
    STORED(SIZE_BYTES, size_bytes, size_bytes, ALWAYS, "bytes asked for")                                    \
    STORED_AS(USABLE_SIZE_BYTES, usable_size_bytes, "INTEGER", usable_size_bytes, ALWAYS, EXCESS_BYTES,      \
              excess_bytes, "usable size minus size, bytes", "r.size_bytes + r.excess_bytes",                \
              "bytes that the block has")                                                                    \
    STORED(ALIGNMENT_BYTES, alignment_bytes, alignment_bytes, ALWAYS, "bytes, as asked for; 0: no wish")     \
    STORED(ADDRESS, address, address, ALWAYS, "of the block")                                                \
    STORED(BIRTH_NS, birth_ns, birth_ns, ALWAYS, "ns since the log's start")                                 \
    COMPUTED(DEATH_NS, death_ns, "INTEGER", death_ns, DEATH, "r.birth_ns + r.lifetime_ns",                   \
             "this and all that follows of its end: NULL while live")                                        \
    STORED(LIFETIME_NS, lifetime_ns, id, OTHER, "death_ns - birth_ns")                                       \
    STORED(LIFETIME_ALLOCATIONS, lifetime_allocations, lifetime_allocations, DEATH,                          \
           "allocations of the process made meanwhile")                                                      \
    STORED(LIFETIME_BYTES, lifetime_bytes, lifetime_bytes, DEATH, "bytes that these asked for")              \
    STORED(STACK_DEPTH_BYTES, stack_depth_bytes, depth_bytes, ALWAYS,                                        \
           "base of the thread's stack minus the caller's CFA")                                              \
    STORED(FREE_THREAD_ID, free_thread_id, free_thread_id, DEATH_ID, "that released it")                     \
    STORED(FREE_STACK_ID, free_stack_id, free_stack_id, DEATH_ID, "NULL: none was taken")                    \
    STORED(FREE_STACK_DEPTH_BYTES, free_stack_depth_bytes, free_depth_bytes, DEATH, "at the death")          \
    STORED_AS(FREE_FUNCTION, free_function, "TEXT", id, OTHER, FREE_FUNCTION_ID, free_function_id,           \
              "code, see function", "(SELECT n.name FROM function AS n WHERE n.id = r.free_function_id)",    \
              "free, realloc, ...")                                                                          \
    LAST(PREVIOUS_ID, previous_id, previous_id, ID, "the block that realloc turned into this one; NULL: none")

/* In the order of tn_schema_allocation_columns: those that SQL shows; the argument of `allocation_of`; and
 * the hidden ones, as allocation_row has them. */
#define NUMBER(upper, ...) COLUMN_##upper,
#define NONE(...)
#define HIDDEN(upper, name, type, member, rule, upper_stored, ...) COLUMN_##upper_stored,
enum tn_allocation_column {
    TN_ALLOCATION_COLUMNS(NUMBER, NUMBER, NUMBER, NUMBER, NUMBER) COLUMN_SCHEMA,
    TN_ALLOCATION_COLUMNS(NONE, NONE, HIDDEN, NONE, NONE)
};
#undef NUMBER
#undef HIDDEN
#undef NONE

#endif
