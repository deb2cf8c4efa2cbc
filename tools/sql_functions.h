/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SQL_FUNCTIONS_H
#define TENURE_SQL_FUNCTIONS_H

/* SQL functions that print quantities as the reports do: print_count(n), print_bytes(size_bytes),
 * print_duration(duration_ns). NULL gives NULL. */

struct sqlite3;

/* Register the functions on a connection. Returns an SQLite result code. */
int tn_sql_functions_register(struct sqlite3 *database);

#endif
