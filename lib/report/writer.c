/* SPDX-License-Identifier: MIT */
#include "writer.h"

#include <stdio.h>
#include <string.h>

void tn_text_print(struct tn_text *text, const char *format, ...)
{
    if (text->result < 0)
        return;
    char line[2048];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    if ((size_t)length >= sizeof(line))
        length = (int)sizeof(line) - 1;
    text->result = tn_buffer_append(text->out, line, (size_t)length);
}

static void print_blanks(struct tn_text *text, size_t count)
{
    tn_text_print(text, "%*s", (int)count, "");
}

void tn_text_wrap(struct tn_text *text, const char *first, const char *words)
{
    size_t indent = strlen(first), column = indent;
    bool is_line_start = true;
    tn_text_print(text, "%s", first);
    while (*words != '\0') {
        if (*words == '\n') {
            tn_text_print(text, "\n");
            words++;
            column = indent;
            is_line_start = true;
            if (*words != '\0')
                print_blanks(text, indent);
            continue;
        }
        if (*words == ' ') {
            words++;
            continue;
        }
        size_t length = strcspn(words, " \n");
        if (!is_line_start && column + 1 + length > TN_TEXT_COLUMNS) {
            tn_text_print(text, "\n");
            print_blanks(text, indent);
            column = indent;
            is_line_start = true;
        }
        tn_text_print(text, "%s%.*s", is_line_start ? "" : " ", (int)length, words);
        column += length + !is_line_start;
        is_line_start = false;
        words += length;
    }
    tn_text_print(text, "\n");
}

static void blank_controls(char *name)
{
    for (; *name != '\0'; name++)
        if ((unsigned char)*name < 0x20 || *name == 0x7f)
            *name = ' ';
}

const char *tn_text_name(char *ret_name, const char *name, unsigned columns)
{
    if (strlen(name) <= columns)
        snprintf(ret_name, TN_TEXT_NAME_BYTES, "%s", name);
    else
        snprintf(ret_name, TN_TEXT_NAME_BYTES, "%.*s...", (int)columns - 3, name);
    blank_controls(ret_name);
    return ret_name;
}

const char *tn_text_path(char *ret_name, const char *path, unsigned columns)
{
    size_t length = strlen(path);
    if (length <= columns) {
        snprintf(ret_name, TN_TEXT_NAME_BYTES, "%s", path);
    } else {
        const char *rest = path + length - (columns - 3);
        const char *slash = strchr(rest, '/');
        snprintf(ret_name, TN_TEXT_NAME_BYTES, "...%s", slash != NULL ? slash : rest);
    }
    blank_controls(ret_name);
    return ret_name;
}

const char *tn_text_share(char *ret_share, uint64_t part, uint64_t whole)
{
    double share = whole != 0 ? 100.0 * (double)part / (double)whole : 0;
    if (part == 0 || whole == 0)
        snprintf(ret_share, TN_QUANTITY_TEXT_BYTES, "0 %%");
    else if (part == whole)
        snprintf(ret_share, TN_QUANTITY_TEXT_BYTES, "100 %%");
    else if (share < 0.1)
        snprintf(ret_share, TN_QUANTITY_TEXT_BYTES, "<0.1 %%");
    else if (share > 99.9 && part < whole)
        snprintf(ret_share, TN_QUANTITY_TEXT_BYTES, ">99.9 %%");
    else
        snprintf(ret_share, TN_QUANTITY_TEXT_BYTES, "%.1f %%", share);
    return ret_share;
}

const char *tn_text_plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}
