/* SPDX-License-Identifier: MIT */
#ifndef TN_REPORT_TEXT_LAYOUT_H
#define TN_REPORT_TEXT_LAYOUT_H

/* Lines of at most so many columns, for the text sink: running words are broken at blanks, names and paths
 * are shortened, and what matters stands out where the reader is a terminal. Columns are counted in bytes. */

#include "tenure/base.h"

#include <stdbool.h>

#define TN_TEXT_COLUMNS    100 /* where nobody says otherwise */
#define TN_TEXT_NAME_BYTES 512

/* How words stand out. */
enum tn_text_style {
    TN_STYLE_PLAIN = 0,
    TN_STYLE_STRONG,  /* what to read first: headings, what to do */
    TN_STYLE_QUIET,   /* labels */
    TN_STYLE_WARNING, /* what limits all else */
    TN_STYLE_COMMAND, /* to be typed */
    TN_STYLE_COUNT
};

/* A page that is being written. Begin with {.out = buffer, .columns = TN_TEXT_COLUMNS}. */
struct tn_text_page {
    struct tn_buffer *out; /* borrowed */
    size_t columns;        /* of a line, at most; 60 to 400 */
    bool has_color;        /* styles are written as escape sequences of a terminal */
    size_t column;         /* bytes in the open line, without escape sequences */
    size_t indent;         /* where further lines of the open paragraph begin */
    size_t line_count;     /* lines ended */
    size_t lines_left;     /* of the open paragraph, the open line among them; 0: as many as it takes */
    bool is_full;          /* the open paragraph was cut: further words of it are dropped */
    bool needs_blank;      /* a word stands before in the open line */
    int result;            /* 0, or the first error: nothing is written after it */
};

/* What follows is written in this style, until the next call. */
void tn_page_style(struct tn_text_page *page, enum tn_text_style style);

/* The open paragraph takes at most so many lines from here, the open one among them: what is more is cut and
 * marked by "...". Until the line ends. */
void tn_page_limit(struct tn_text_page *page, size_t lines);

/* Text as it is, without newlines; control characters become blanks, bytes that are
 * no UTF-8 become ?, here and below. */
void tn_page_put(struct tn_text_page *page, const char *text);

/* Text padded with blanks to `columns`; longer text stays as it is. */
void tn_page_pad_left(struct tn_text_page *page, const char *text, size_t columns);
void tn_page_pad_right(struct tn_text_page *page, const char *text, size_t columns);

/* Begin a paragraph of words: its lines after the first begin below the first word.
 *
 * first  what stands before the first word, behind what is in the open line already */
void tn_page_begin(struct tn_text_page *page, const char *first);

/* Words of the open paragraph, broken at blanks where the line is full; a word that is longer than a line has
 * one of its own. A newline between words begins a new line; other control characters become blanks. */
void tn_page_words(struct tn_text_page *page, const char *words);

/* One word of the open paragraph, blanks in it and all. */
void tn_page_solid(struct tn_text_page *page, const char *word);

/* End the open line. */
void tn_page_end_line(struct tn_text_page *page);

/* A whole paragraph: tn_page_begin, tn_page_words, tn_page_end_line. */
void tn_page_paragraph(struct tn_text_page *page, const char *first, const char *words);

/* Whole lines as they are, each behind so many blanks; empty lines stay empty. */
void tn_page_lines(struct tn_text_page *page, const char *lines, size_t indent);

/* Make a name printable: control characters become blanks; a name that is longer than columns loses its end,
 * marked by "...", a path its beginning, up to a slash if possible.
 *
 * ret_name  TN_TEXT_NAME_BYTES
 * columns   4 .. TN_TEXT_NAME_BYTES - 1
 * Returns   ret_name */
const char *tn_text_name(char *ret_name, const char *name, size_t columns);
const char *tn_text_path(char *ret_name, const char *path, size_t columns);

#endif
