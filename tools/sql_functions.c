/* SPDX-License-Identifier: MIT */
/* SQL functions that print quantities; see sql_functions.h. Called by cmd_info.c and cmd_sql.c. */
#include "sql_functions.h"

#include "tenure/base.h"

#include <sqlite3.h>

static const struct printer {
    const char *name;
    const char *(*print)(char *text, uint64_t value);
} printers[] = {
    {"print_count", tn_print_count},
    {"print_bytes", tn_print_bytes},
    {"print_duration", tn_print_duration},
};

static void call_printer(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    const struct printer *printer = sqlite3_user_data(context);
    sqlite3_int64 value = sqlite3_value_int64(values[0]);
    if (sqlite3_value_type(values[0]) == SQLITE_NULL)
        return;
    char text[TN_QUANTITY_TEXT_BYTES + 1];
    text[0] = '-';
    if (value < 0)
        printer->print(text + 1, -(uint64_t)value);
    else
        printer->print(text, (uint64_t)value);
    sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

int tn_sql_functions_register(sqlite3 *database)
{
    int r = SQLITE_OK;
    for (unsigned i = 0; i < sizeof(printers) / sizeof(printers[0]) && r == SQLITE_OK; i++)
        r = sqlite3_create_function(database, printers[i].name, 1,
                                    SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS,
                                    (void *)&printers[i], call_printer, NULL, NULL);
    return r;
}
