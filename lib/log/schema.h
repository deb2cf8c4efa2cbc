/* SPDX-License-Identifier: MIT */
#ifndef TN_LOG_SCHEMA_H
#define TN_LOG_SCHEMA_H

/* The SQL text of a log. It is stored with its comments, so that `.schema` explains every column: unit and
 * writer. docs/log-format.md says the same at more length; a test compares the two. */

/* Every table, index and view but those of `allocation`; ends with NULL. */
extern const char *const tn_schema_tables[];

/* The table behind `allocation`. It and the view over it (tn_log_allocation_schema) are made only when plain
 * rows are wanted; while they are missing, the eponymous virtual table of that name answers. */
extern const char tn_schema_allocation_row[];

/* The columns of the virtual table `allocation`: those of the view, and hidden ones: the argument of
 * `allocation_of`, then those for filling the rows. */
extern const char tn_schema_allocation_columns[];

#endif
