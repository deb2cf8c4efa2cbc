/* SPDX-License-Identifier: MIT */
/* Prints the rows of a statement as an aligned table, CSV or JSON. A table takes its column widths from the
 * first 1,000 rows, which it keeps; all others are printed as they come. Called by cmd_sql.c. */
#include "print_rows.h"

#include "tenure/base.h"
#include "tenure/json.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Rows that decide the widths of a table's columns. */
#define TABLE_ROWS_AHEAD 1000

/* Control characters that a table leaves in its values: SQL of the schema has lines. */
#define SHOWN_AS_IT_IS "\n\t"

/* The integers that a double holds exactly: up to 2^53 (IEEE 754). */
#define JSON_INTEGER_MAX (INT64_C(1) << 53)

static int next_row(sqlite3_stmt *statement, const struct tn_rows_style *style)
{
    int r = sqlite3_step(statement);
    if (style->stepped != NULL)
        style->stepped(style->user);
    return r;
}

/* A value as a table shows it; valid until the statement's next step. */
static const char *table_text(sqlite3_stmt *statement, int column, char blob_text[32])
{
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_NULL:
        return "NULL";
    case SQLITE_BLOB:
        snprintf(blob_text, 32, "(%d bytes)", sqlite3_column_bytes(statement, column));
        return blob_text;
    default:
        return (const char *)sqlite3_column_text(statement, column);
    }
}

/* Width in characters, not bytes: continuation bytes of UTF-8 take no column. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static bool is_number(sqlite3_stmt *statement, int column)
{
    int type = sqlite3_column_type(statement, column);
    return type == SQLITE_INTEGER || type == SQLITE_FLOAT;
}

/* A table being built: the values of the first rows, one after the other with their NULs. */
struct row_table {
    int column_count;
    size_t *widths;        /* of each column, in characters */
    bool *is_number;       /* whether each value of the column so far was one */
    struct tn_buffer text; /* values of the first rows, row by row */
    size_t row_count;      /* rows in text */
};

static int keep_row(struct row_table *table, sqlite3_stmt *statement)
{
    for (int i = 0; i < table->column_count; i++) {
        char blob_text[32];
        const char *text = table_text(statement, i, blob_text);
        size_t begin = table->text.size_bytes;
        if (text == NULL || tn_buffer_show(&table->text, text, SHOWN_AS_IT_IS) < 0 ||
            tn_buffer_append(&table->text, "", 1) < 0)
            return SQLITE_NOMEM;
        size_t width = width_of((const char *)table->text.data + begin);
        if (width > table->widths[i])
            table->widths[i] = width;
        if (!is_number(statement, i) && sqlite3_column_type(statement, i) != SQLITE_NULL)
            table->is_number[i] = false;
    }
    table->row_count++;
    return SQLITE_ROW;
}

static void print_cell(const struct row_table *table, int column, const char *text, FILE *out)
{
    size_t width = width_of(text);
    size_t pad = table->widths[column] > width ? table->widths[column] - width : 0;
    bool is_last = column == table->column_count - 1;
    if (table->is_number[column])
        fprintf(out, "%*s%s", (int)pad, "", text);
    else
        fprintf(out, "%s%*s", text, is_last ? 0 : (int)pad, "");
    fputs(is_last ? "\n" : "  ", out);
}

static int print_late_row(struct row_table *table, sqlite3_stmt *statement, FILE *out)
{
    for (int i = 0; i < table->column_count; i++) {
        char blob_text[32];
        const char *text = table_text(statement, i, blob_text);
        table->text.size_bytes = 0;
        if (text == NULL || tn_buffer_show(&table->text, text, SHOWN_AS_IT_IS) < 0)
            return SQLITE_NOMEM;
        print_cell(table, i, (const char *)table->text.data, out);
    }
    return SQLITE_ROW;
}

static void print_head(const struct row_table *table, sqlite3_stmt *statement, FILE *out)
{
    for (int i = 0; i < table->column_count; i++)
        print_cell(table, i, sqlite3_column_name(statement, i), out);
    for (int i = 0; i < table->column_count; i++) {
        for (size_t j = 0; j < table->widths[i]; j++)
            fputc('-', out);
        fputs(i == table->column_count - 1 ? "\n" : "  ", out);
    }
}

static void print_kept(const struct row_table *table, FILE *out)
{
    const char *text = (const char *)table->text.data;
    for (size_t row = 0; row < table->row_count; row++)
        for (int i = 0; i < table->column_count; i++) {
            print_cell(table, i, text, out);
            text += strlen(text) + 1;
        }
}

static int fill_table(struct row_table *table, sqlite3_stmt *statement, const struct tn_rows_style *style,
                      FILE *out)
{
    for (int i = 0; i < table->column_count; i++) {
        table->widths[i] = style->has_no_header ? 0 : width_of(sqlite3_column_name(statement, i));
        table->is_number[i] = true;
    }
    int r = SQLITE_ROW;
    while (r == SQLITE_ROW && table->row_count < TABLE_ROWS_AHEAD) {
        r = next_row(statement, style);
        if (r == SQLITE_ROW)
            r = keep_row(table, statement);
    }
    bool is_failed = r != SQLITE_ROW && r != SQLITE_DONE;
    if (!style->has_no_header && !(is_failed && table->row_count == 0))
        print_head(table, statement, out);
    print_kept(table, out);
    while (r == SQLITE_ROW && (r = next_row(statement, style)) == SQLITE_ROW)
        r = print_late_row(table, statement, out);
    return r;
}

static int print_table(sqlite3_stmt *statement, const struct tn_rows_style *style, FILE *out)
{
    struct row_table table = {.column_count = sqlite3_column_count(statement)};
    table.widths = calloc((size_t)table.column_count, sizeof(table.widths[0]));
    table.is_number = calloc((size_t)table.column_count, sizeof(table.is_number[0]));
    int r = SQLITE_NOMEM;
    if (table.widths != NULL && table.is_number != NULL)
        r = fill_table(&table, statement, style, out);
    free(table.widths);
    free(table.is_number);
    tn_buffer_finish(&table.text);
    return r;
}

static void print_hex(sqlite3_stmt *statement, int column, FILE *out)
{
    const unsigned char *bytes = sqlite3_column_blob(statement, column);
    for (int i = 0; i < sqlite3_column_bytes(statement, column); i++)
        fprintf(out, "%02x", bytes[i]);
}

static void put_csv_text(const char *text, FILE *out)
{
    if (text[strcspn(text, ",\"\r\n")] == '\0') {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

/* A program that reads CSV gets the value as it is, a terminal does not. */
static void print_csv_text(const char *value, FILE *out)
{
    struct tn_buffer shown = {0};
    const char *text = value;
    if (text != NULL && isatty(fileno(out)) != 0)
        text = tn_buffer_show(&shown, text, SHOWN_AS_IT_IS) == 0 ? (const char *)shown.data : "";
    if (text != NULL)
        put_csv_text(text, out);
    tn_buffer_finish(&shown);
}

static int print_csv(sqlite3_stmt *statement, const struct tn_rows_style *style, FILE *out)
{
    int column_count = sqlite3_column_count(statement), r = next_row(statement, style);
    if (r != SQLITE_ROW && r != SQLITE_DONE)
        return r;
    for (int i = 0; i < column_count && !style->has_no_header; i++) {
        print_csv_text(sqlite3_column_name(statement, i), out);
        fputs(i == column_count - 1 ? "\n" : ",", out);
    }
    for (; r == SQLITE_ROW; r = next_row(statement, style))
        for (int i = 0; i < column_count; i++) {
            if (sqlite3_column_type(statement, i) == SQLITE_BLOB)
                print_hex(statement, i, out);
            else
                print_csv_text((const char *)sqlite3_column_text(statement, i), out);
            fputs(i == column_count - 1 ? "\n" : ",", out);
        }
    return r;
}

/* A number by SQLite's own json_quote; what JSON has no number for is null. */
static int print_json_number(sqlite3_stmt *quote, sqlite3_value *value, FILE *out)
{
    double number = sqlite3_value_double(value);
    if (sqlite3_value_type(value) == SQLITE_FLOAT && number - number != 0)
        return fputs("null", out) < 0 ? SQLITE_IOERR : SQLITE_OK;
    int r = sqlite3_bind_value(quote, 1, value);
    if (r == SQLITE_OK)
        r = sqlite3_step(quote);
    if (r == SQLITE_ROW) {
        fputs((const char *)sqlite3_column_text(quote, 0), out);
        r = SQLITE_OK;
    }
    sqlite3_reset(quote);
    return r;
}

static int print_json_text(const char *text, FILE *out)
{
    struct tn_buffer buffer = {0};
    struct tn_json json = {.out = &buffer};
    tn_json_text(&json, NULL, text);
    if (json.error == 0)
        fwrite(buffer.data, 1, buffer.size_bytes, out);
    tn_buffer_finish(&buffer);
    return json.error == 0 ? SQLITE_OK : SQLITE_NOMEM;
}

static bool is_beyond_double(sqlite3_stmt *statement, int column)
{
    int64_t number = sqlite3_column_int64(statement, column);
    return sqlite3_column_type(statement, column) == SQLITE_INTEGER &&
           (number > JSON_INTEGER_MAX || number < -JSON_INTEGER_MAX);
}

static int print_json_value(sqlite3_stmt *statement, sqlite3_stmt *quote, int column, FILE *out)
{
    int type = sqlite3_column_type(statement, column);
    if (type == SQLITE_BLOB) {
        fputc('"', out);
        print_hex(statement, column, out);
        fputc('"', out);
        return SQLITE_OK;
    }
    if (type == SQLITE_TEXT || is_beyond_double(statement, column)) {
        const char *text = (const char *)sqlite3_column_text(statement, column);
        return text != NULL ? print_json_text(text, out) : SQLITE_NOMEM;
    }
    return print_json_number(quote, sqlite3_column_value(statement, column), out);
}

static int print_json_row(sqlite3_stmt *statement, sqlite3_stmt *quote, FILE *out)
{
    int column_count = sqlite3_column_count(statement);
    for (int i = 0; i < column_count; i++) {
        fputs(i == 0 ? "{" : ",", out);
        int r = print_json_text(sqlite3_column_name(statement, i), out);
        fputc(':', out);
        if (r == SQLITE_OK)
            r = print_json_value(statement, quote, i, out);
        if (r != SQLITE_OK)
            return r;
    }
    fputc('}', out);
    return SQLITE_ROW;
}

static int print_json(sqlite3_stmt *statement, const struct tn_rows_style *style, FILE *out)
{
    sqlite3_stmt *quote = NULL;
    int r = sqlite3_prepare_v2(sqlite3_db_handle(statement), "SELECT json_quote(?1)", -1, &quote, NULL);
    if (r != SQLITE_OK)
        return r;
    const char *separator = "[";
    while ((r = next_row(statement, style)) == SQLITE_ROW) {
        fputs(separator, out);
        separator = ",\n";
        r = print_json_row(statement, quote, out);
        if (r != SQLITE_ROW)
            break;
    }
    fputs(separator[0] == '[' ? "[]\n" : "]\n", out);
    sqlite3_finalize(quote);
    return r;
}

int tn_print_rows(sqlite3_stmt *statement, const struct tn_rows_style *style, FILE *out)
{
    if (sqlite3_column_count(statement) == 0)
        return sqlite3_step(statement);
    if (style->format == TN_ROWS_CSV)
        return print_csv(statement, style, out);
    if (style->format == TN_ROWS_JSON)
        return print_json(statement, style, out);
    return print_table(statement, style, out);
}
