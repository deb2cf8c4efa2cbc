/* SPDX-License-Identifier: MIT */
/* Fills the plain rows of a log several times, and prints how fast. The log is changed: give it a copy.
 *
 * usage: rows_speed LOG */
#include "tenure/log.h"
#include "tenure/log_write.h"

#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define ROUNDS 3

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int64_t number(sqlite3 *database, const char *sql)
{
    sqlite3_stmt *row;
    int64_t value = -1;
    if (sqlite3_prepare_v2(database, sql, -1, &row, NULL) == SQLITE_OK && sqlite3_step(row) == SQLITE_ROW)
        value = sqlite3_column_int64(row, 0);
    sqlite3_finalize(row);
    return value;
}

static int fill(sqlite3 *database)
{
    struct tn_error error = {0};
    double start_s = now_s();
    if (tn_log_fill_rows(database, &error) < 0) {
        fprintf(stderr, "rows_speed: %s\n", error.text);
        return 1;
    }
    double seconds = now_s() - start_s;
    int64_t rows = number(database, "SELECT count(*) FROM allocation_row");
    if (rows <= 0 || rows != number(database, "SELECT sum(births) FROM chunk")) {
        fprintf(stderr, "rows_speed: rows are missing\n");
        return 1;
    }
    printf("%.2f M rows in %.2f s, %.2f million a second\n", (double)rows / 1e6, seconds,
           (double)rows / seconds / 1e6);
    return 0;
}

int main(int argc, char **argv)
{
    sqlite3 *database;
    struct tn_error error = {0};
    if (argc != 2)
        return 2;
    if (tn_log_update_open(argv[1], &database, &error) < 0) {
        fprintf(stderr, "rows_speed: %s\n", error.text);
        return 1;
    }
    int status = 0;
    for (int i = 0; i < ROUNDS && status == 0; i++)
        status = fill(database);
    int64_t rows = number(database, "SELECT count(*) FROM allocation_row");
    int64_t bytes = number(database, "SELECT sum(pgsize) FROM dbstat WHERE name = 'allocation_row'");
    if (status == 0 && bytes > 0)
        printf("%.1f bytes a row\n", (double)bytes / (double)rows);
    tn_log_update_close(database);
    return status;
}
