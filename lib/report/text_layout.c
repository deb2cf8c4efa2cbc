/* SPDX-License-Identifier: MIT */

/* Breaks words into lines and shortens names, for the text sink. The page remembers the column of the open
 * line and its first error; a word is written with the blank before it only when both fit. */

#include "text_layout.h"

#include <stdio.h>
#include <string.h>

/* A name in the log may hold anything, also what changes the state of a terminal,
 * or is no text. length: to the end of text,
 * or of a part of it that ends behind a whole character. */
static void blank_controls(char *text, size_t length)
{
    for (size_t i = 0; i < length;) {
        size_t steering = tn_steering_bytes(text + i);
        char shown = tn_utf8_bytes(text + i) != 0 ? ' ' : '?';
        for (size_t k = 0; k < steering && i + k < length; k++)
            text[i + k] = shown;
        i += steering != 0 ? steering : tn_utf8_bytes(text + i);
    }
}

static void append(struct tn_text_page *page, const char *text, size_t length)
{
    if (page->result < 0)
        return;
    page->result = tn_buffer_append(page->out, text, length);
    page->column += length;
}

/* All text goes through here, wherever it comes from. */
static void put(struct tn_text_page *page, const char *text, size_t length)
{
    size_t begin = page->out->size_bytes;
    append(page, text, length);
    append(page, "", 1); /* a sequence that was cut ends here */
    if (page->result < 0)
        return;
    page->out->size_bytes--;
    page->column--;
    blank_controls((char *)page->out->data + begin, length);
}

static void put_blanks(struct tn_text_page *page, size_t count)
{
    for (size_t i = 0; i < count; i++)
        put(page, " ", 1);
}

void tn_page_put(struct tn_text_page *page, const char *text)
{
    put(page, text, strlen(text));
}

void tn_page_pad_left(struct tn_text_page *page, const char *text, size_t columns)
{
    size_t length = strlen(text);
    put_blanks(page, length < columns ? columns - length : 0);
    put(page, text, length);
}

void tn_page_pad_right(struct tn_text_page *page, const char *text, size_t columns)
{
    size_t length = strlen(text);
    put(page, text, length);
    put_blanks(page, length < columns ? columns - length : 0);
}

static void end_line(struct tn_text_page *page)
{
    append(page, "\n", 1);
    page->column = 0;
    page->line_count++;
    page->needs_blank = false;
}

void tn_page_end_line(struct tn_text_page *page)
{
    end_line(page);
    page->lines_left = 0;
    page->is_full = false;
}

void tn_page_style(struct tn_text_page *page, enum tn_text_style style)
{
    static const char *const escapes[TN_STYLE_COUNT] = {
        [TN_STYLE_PLAIN] = "\033[0m",    [TN_STYLE_STRONG] = "\033[1m",   [TN_STYLE_QUIET] = "\033[2m",
        [TN_STYLE_WARNING] = "\033[33m", [TN_STYLE_COMMAND] = "\033[36m",
    };
    size_t column = page->column;
    if (page->has_color)
        append(page, escapes[style], strlen(escapes[style]));
    page->column = column;
}

void tn_page_limit(struct tn_text_page *page, size_t lines)
{
    page->lines_left = lines;
}

void tn_page_begin(struct tn_text_page *page, const char *first)
{
    tn_page_put(page, first);
    page->indent = page->column;
    page->needs_blank = false;
}

static void break_line(struct tn_text_page *page)
{
    end_line(page);
    put_blanks(page, page->indent);
    if (page->lines_left > 1)
        page->lines_left--;
}

#define CUT "..."

/* Whether a word still fits in the open line; in the last one, the mark of a cut has to fit behind it. */
static bool fits(const struct tn_text_page *page, size_t length)
{
    size_t room = page->columns - (page->lines_left == 1 ? strlen(CUT) : 0);
    return !page->needs_blank || page->column + 1 + length <= room;
}

static void put_word(struct tn_text_page *page, const char *word, size_t length)
{
    if (page->is_full)
        return;
    if (!fits(page, length) && page->lines_left == 1) {
        page->is_full = true;
        put(page, CUT, strlen(CUT));
        return;
    }
    if (!fits(page, length))
        break_line(page);
    if (page->needs_blank)
        put(page, " ", 1);
    put(page, word, length);
    page->needs_blank = true;
}

void tn_page_words(struct tn_text_page *page, const char *words)
{
    for (words += strspn(words, " "); *words != '\0'; words += strspn(words, " ")) {
        size_t length = strcspn(words, " \n");
        if (length != 0)
            put_word(page, words, length);
        else if (words[strspn(words, " \n")] != '\0')
            break_line(page);
        words += length != 0 ? length : 1;
    }
}

void tn_page_solid(struct tn_text_page *page, const char *word)
{
    put_word(page, word, strlen(word));
}

void tn_page_paragraph(struct tn_text_page *page, const char *first, const char *words)
{
    tn_page_begin(page, first);
    tn_page_words(page, words);
    tn_page_end_line(page);
}

void tn_page_lines(struct tn_text_page *page, const char *lines, size_t indent)
{
    while (*lines != '\0') {
        size_t length = strcspn(lines, "\n");
        put_blanks(page, length != 0 ? indent : 0);
        put(page, lines, length);
        tn_page_end_line(page);
        lines += length + (lines[length] == '\n');
    }
}

const char *tn_text_name(char *ret_name, const char *name, size_t columns)
{
    if (strlen(name) <= columns)
        snprintf(ret_name, TN_TEXT_NAME_BYTES, "%s", name);
    else
        snprintf(ret_name, TN_TEXT_NAME_BYTES, "%.*s...", (int)columns - 3, name);
    blank_controls(ret_name, strlen(ret_name));
    return ret_name;
}

const char *tn_text_path(char *ret_name, const char *path, size_t columns)
{
    size_t length = strlen(path);
    if (length <= columns) {
        snprintf(ret_name, TN_TEXT_NAME_BYTES, "%s", path);
    } else {
        const char *rest = path + length - (columns - 3);
        const char *slash = strchr(rest, '/');
        snprintf(ret_name, TN_TEXT_NAME_BYTES, "...%s", slash != NULL ? slash : rest);
    }
    blank_controls(ret_name, strlen(ret_name));
    return ret_name;
}
