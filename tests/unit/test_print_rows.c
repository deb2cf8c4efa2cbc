/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "print_rows.h"
#include "tenure/log.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sqlite3 *database;
static bool has_no_header;

static int open_database(void **state)
{
    (void)state;
    return sqlite3_open(":memory:", &database) != SQLITE_OK ||
           tn_log_functions_register(database) != SQLITE_OK;
}

static int close_database(void **state)
{
    (void)state;
    return sqlite3_close(database);
}

static void assert_prints(const char *sql, enum tn_rows_format format, int result, const char *expected)
{
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
    char *text = NULL;
    size_t text_bytes = 0;
    FILE *out = open_memstream(&text, &text_bytes);
    assert_non_null(out);
    const struct tn_rows_style style = {.format = format, .has_no_header = has_no_header};
    assert_int_equal(tn_print_rows(statement, &style, out), result);
    fclose(out);
    assert_string_equal(text, expected);
    free(text);
    sqlite3_finalize(statement);
}

static const char mixed[] =
    "SELECT 7 AS number, 'a,\"b\"' AS text, NULL AS \"no thing\", x'00ff' AS bytes "
    "UNION ALL SELECT 123, 'caf\u00e9', 1.5, x''";

static void tables_are_aligned(void **state)
{
    (void)state;
    assert_prints(mixed, TN_ROWS_TABLE, SQLITE_DONE,
                  "number  text   no thing  bytes\n"
                  "------  -----  --------  ---------\n"
                  "     7  a,\"b\"      NULL  (2 bytes)\n"
                  "   123  caf\u00e9        1.5  (0 bytes)\n");
    assert_prints("SELECT 1 AS a WHERE 0", TN_ROWS_TABLE, SQLITE_DONE, "a\n-\n");
}

static void csv_quotes_what_it_must(void **state)
{
    (void)state;
    assert_prints(mixed, TN_ROWS_CSV, SQLITE_DONE,
                  "number,text,no thing,bytes\n7,\"a,\"\"b\"\"\",,00ff\n123,caf\u00e9,1.5,\n");
    assert_prints("SELECT 'a\nb' AS x", TN_ROWS_CSV, SQLITE_DONE, "x\n\"a\nb\"\n");
}

static void json_is_an_array_of_objects(void **state)
{
    (void)state;
    assert_prints(mixed, TN_ROWS_JSON, SQLITE_DONE,
                  "[{\"number\":7,\"text\":\"a,\\\"b\\\"\",\"no thing\":null,\"bytes\":\"00ff\"},\n"
                  "{\"number\":123,\"text\":\"caf\u00e9\",\"no thing\":1.5,\"bytes\":\"\"}]\n");
    assert_prints("SELECT 1 AS a WHERE 0", TN_ROWS_JSON, SQLITE_DONE, "[]\n");
}

/* Readers of JSON take numbers for doubles. */
static void json_keeps_every_digit(void **state)
{
    (void)state;
    assert_prints(
        "SELECT 9007199254740992 AS a, 9007199254740993 AS b, -9007199254740992 AS c,"
        " -9007199254740993 AS d, 9223372036854775807 AS e, 9007199254740993.0 AS f, 9e999 AS g",
        TN_ROWS_JSON, SQLITE_DONE,
        "[{\"a\":9007199254740992,\"b\":\"9007199254740993\",\"c\":-9007199254740992,"
        "\"d\":\"-9007199254740993\",\"e\":\"9223372036854775807\",\"f\":9.00719925474099e+15,"
        "\"g\":null}]\n");
    assert_prints("SELECT 9007199254740993 AS a", TN_ROWS_CSV, SQLITE_DONE, "a\n9007199254740993\n");
}

/* A file's name may hold any bytes; JSON may not. */
static void json_is_utf8(void **state)
{
    (void)state;
    assert_prints("SELECT CAST(x'61ff62c3a9' AS TEXT) AS a, 'tab\t\"' AS b", TN_ROWS_JSON, SQLITE_DONE,
                  "[{\"a\":\"a\xef\xbf\xbd"
                  "b\xc3\xa9\",\"b\":\"tab\\t\\\"\"}]\n");
}

static void headers_can_be_left_out(void **state)
{
    (void)state;
    has_no_header = true;
    assert_prints("SELECT 7 AS a_long_name, 'b' AS b", TN_ROWS_TABLE, SQLITE_DONE, "7  b\n");
    assert_prints("SELECT 7 AS a, 'b' AS b", TN_ROWS_CSV, SQLITE_DONE, "7,b\n");
    has_no_header = false;
}

/* More rows than are looked at for the widths: all are printed, the later ones by the same widths. */
static void long_tables_go_on(void **state)
{
    (void)state;
    sqlite3_stmt *statement;
    const char *sql =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500) SELECT i FROM n";
    assert_int_equal(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
    char *text = NULL;
    size_t text_bytes = 0;
    FILE *out = open_memstream(&text, &text_bytes);
    const struct tn_rows_style style = {.format = TN_ROWS_TABLE};
    assert_int_equal(tn_print_rows(statement, &style, out), SQLITE_DONE);
    fclose(out);
    size_t lines = 0;
    for (size_t i = 0; i < text_bytes; i++)
        lines += text[i] == '\n';
    assert_int_equal(lines, 2 + 2500);
    assert_non_null(strstr(text, "\n   1\n   2\n"));
    assert_string_equal(text + text_bytes - 10, "2499\n2500\n");
    free(text);
    sqlite3_finalize(statement);
}

static void a_statement_without_columns_prints_nothing(void **state)
{
    (void)state;
    assert_prints("CREATE TEMP TABLE t (a)", TN_ROWS_TABLE, SQLITE_DONE, "");
}

static void a_failing_row_ends_the_table(void **state)
{
    (void)state;
    assert_prints("SELECT abs(v) AS a FROM (SELECT 1 AS v UNION ALL SELECT -9223372036854775807 - 1)",
                  TN_ROWS_CSV, SQLITE_ERROR, "a\n1\n");
}

static void a_failing_first_row_has_no_header(void **state)
{
    (void)state;
    static const char failing[] = "SELECT abs(-9223372036854775807 - 1) AS n";
    assert_prints(failing, TN_ROWS_TABLE, SQLITE_ERROR, "");
    assert_prints(failing, TN_ROWS_CSV, SQLITE_ERROR, "");
    assert_prints("SELECT 1 AS n WHERE 0", TN_ROWS_CSV, SQLITE_DONE, "n\n");
}

static void functions_print_quantities(void **state)
{
    (void)state;
    assert_prints(
        "SELECT print_count(1234567) AS c, print_bytes(1536) AS b, print_duration(2500) AS d, "
        "print_bytes(-1536) AS m, print_count(NULL) AS n",
        TN_ROWS_CSV, SQLITE_DONE, "c,b,d,m,n\n\"1,234,567\",1.50 KiB,2.50 us,-1.50 KiB,\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_aligned),
        cmocka_unit_test(csv_quotes_what_it_must),
        cmocka_unit_test(json_keeps_every_digit),
        cmocka_unit_test(json_is_utf8),
        cmocka_unit_test(headers_can_be_left_out),
        cmocka_unit_test(json_is_an_array_of_objects),
        cmocka_unit_test(long_tables_go_on),
        cmocka_unit_test(a_statement_without_columns_prints_nothing),
        cmocka_unit_test(a_failing_row_ends_the_table),
        cmocka_unit_test(a_failing_first_row_has_no_header),
        cmocka_unit_test(functions_print_quantities),
    };
    return cmocka_run_group_tests(tests, open_database, close_database);
}
