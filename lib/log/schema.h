/* SPDX-License-Identifier: MIT */
#ifndef TN_LOG_SCHEMA_H
#define TN_LOG_SCHEMA_H

/* The SQL text of a log. It is stored with its comments, so that `.schema` explains every column: unit and
 * origin. docs/log-format.md says the same at more length; a test compares the two. */

/* Every table, index and view but those of `allocation`; ends with NULL. */
extern const char *const tn_schema_tables[];

/* The narrow table behind `allocation`, and the view itself. They are made only when plain rows are wanted:
 * while they are missing, the eponymous virtual table of that name answers. */
extern const char tn_schema_allocation_row[];
extern const char tn_schema_allocation_view[];

/* The columns of the virtual table `allocation`, equal to those of the view, and hidden ones for filling the
 * rows. */
extern const char tn_schema_allocation_columns[];

#endif
