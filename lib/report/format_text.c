/* SPDX-License-Identifier: MIT */

/* The text sink: lays the statements of a report out for a terminal, as lines of at most so many columns as
 * its style says, but for paths, commands and code that are longer. Every indentation, column and blank line
 * of the text report is decided here; text_layout.c breaks the lines. */

#include "compose.h"
#include "sink.h"
#include "tenure/report.h"
#include "text_sink.h"
#include "words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FIELD_COLUMNS  11u /* label of a field, behind two blanks */
#define REMARK_COLUMNS 12u /* kept for a remark behind a value */
#define ENTRY_INDENT   "      "
#define CARD_COLUMNS   9u /* label in a card, behind ENTRY_INDENT */
#define COMMAND_INDENT 6u
#define CODE_INDENT    8u

enum text_statement { NOTHING, HEADING, ALONE, WARNING, PARAGRAPH, FIELD, TABLE, ENTRY, ITEM, CARD };

/* A blank line separates the parts of a report, and cards from what is before and after them. */
static bool is_set_apart(int last, enum text_statement next)
{
    if (last == NOTHING)
        return false;
    if (last == (int)next)
        return next == HEADING || next == CARD;
    if (next == HEADING || next == ALONE || last == WARNING || last == CARD)
        return true;
    return last != HEADING && (next == CARD || (last == ENTRY && next == PARAGRAPH));
}

static struct tn_text_page *begin(struct tn_report_sink *sink, enum text_statement next)
{
    struct tn_text_sink *text = (struct tn_text_sink *)sink;
    if (is_set_apart(text->last, next))
        tn_page_end_line(&text->page);
    text->last = (int)next;
    return &text->page;
}

/* ---------------------------------------------------------------------------------------- sites */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* "file:line", or "module+0x1234" where there is no line; the name takes at most so many columns. */
static void format_source(char *out, size_t out_bytes, const struct tn_report_site *site, size_t columns)
{
    char name[TN_TEXT_NAME_BYTES];
    if (site->line != 0)
        snprintf(out, out_bytes, "%s:%" PRIu32, tn_text_path(name, site->file, columns), site->line);
    else if (site->module[0] != '\0')
        snprintf(out, out_bytes, "%s+0x%" PRIx64, tn_text_path(name, base_name(site->module), columns),
                 site->offset_bytes);
    else
        snprintf(out, out_bytes, "0x%" PRIx64 ", outside every module", site->offset_bytes);
}

#define SOURCE_COLUMNS_MIN   32u /* the name of a file and the folder or two above it */
#define FUNCTION_COLUMNS_MIN 20u

/* "function at file:line via malloc", or what of that is known, to the end of the line. When not all fits,
 * the path gives way first, down to its minimum, then the function. */
static void put_site(struct tn_text_page *page, const struct tn_report_site *site)
{
    char source[TN_TEXT_NAME_BYTES + 32], function[TN_TEXT_NAME_BYTES], via[TN_TEXT_NAME_BYTES];
    tn_text_name(via, site->via, page->columns / 4);
    size_t room = page->columns - page->column - strlen(via) - strlen(" via ");
    format_source(source, sizeof(source), site, TN_TEXT_NAME_BYTES - 1);
    if (site->function[0] == '\0') {
        if (strlen(source) > room)
            format_source(source, sizeof(source), site, room - 12);
    } else {
        room -= strlen(" at ");
        size_t function_columns = strlen(site->function);
        if (function_columns + strlen(source) > room) {
            size_t left = room > function_columns + SOURCE_COLUMNS_MIN + 7 ? room - function_columns - 7
                                                                           : SOURCE_COLUMNS_MIN;
            format_source(source, sizeof(source), site, left);
            size_t taken = strlen(source);
            function_columns = room > taken + FUNCTION_COLUMNS_MIN ? room - taken : FUNCTION_COLUMNS_MIN;
        }
        tn_page_put(page, tn_text_name(function, site->function, function_columns));
        tn_page_put(page, " at ");
    }
    tn_page_put(page, source);
    tn_page_put(page, " via ");
    tn_page_put(page, via);
    tn_page_end_line(page);
}

/* ---------------------------------------------------------------------------------------- statements */

static void put_heading(struct tn_report_sink *sink, const char *title)
{
    struct tn_text_page *page = begin(sink, HEADING);
    tn_page_style(page, TN_STYLE_STRONG);
    tn_page_begin(page, "");
    tn_page_words(page, title);
    tn_page_style(page, TN_STYLE_PLAIN);
    tn_page_end_line(page);
}

static void put_warning(struct tn_text_page *page, const char *words)
{
    tn_page_style(page, TN_STYLE_WARNING);
    tn_page_begin(page, "! ");
    tn_page_words(page, words);
    tn_page_style(page, TN_STYLE_PLAIN);
    tn_page_end_line(page);
}

static void put_paragraph(struct tn_report_sink *sink, const struct tn_report_paragraph *paragraph)
{
    bool is_in_table = ((struct tn_text_sink *)sink)->last == TABLE;
    switch (paragraph->role) {
    case TN_PARAGRAPH_ALONE:
        tn_page_paragraph(begin(sink, ALONE), "", paragraph->words);
        return;
    case TN_PARAGRAPH_WARNING:
        put_warning(begin(sink, WARNING), paragraph->words);
        return;
    case TN_PARAGRAPH_BODY:
        tn_page_paragraph(begin(sink, PARAGRAPH), "  ", paragraph->words);
        return;
    case TN_PARAGRAPH_REMARK:
        /* The statement that it continues remains the last one. */
        tn_page_paragraph(&((struct tn_text_sink *)sink)->page, is_in_table ? "           " : ENTRY_INDENT,
                          paragraph->words);
        return;
    }
}

static void put_field(struct tn_report_sink *sink, const struct tn_report_field *field)
{
    struct tn_text_page *page = begin(sink, FIELD);
    char name[TN_TEXT_NAME_BYTES];
    tn_page_put(page, "  ");
    tn_page_style(page, TN_STYLE_QUIET);
    tn_page_pad_right(page, field->label, FIELD_COLUMNS);
    tn_page_style(page, TN_STYLE_PLAIN);
    tn_page_begin(page, "");
    size_t room = page->columns - page->column - (field->remark != NULL ? REMARK_COLUMNS : 0);
    if (field->form == TN_FIELD_PATH)
        tn_page_put(page, tn_text_path(name, field->value, room));
    else if (field->form == TN_FIELD_LINE)
        tn_page_put(page, tn_text_name(name, field->value, room));
    else
        tn_page_words(page, field->value);
    if (field->remark != NULL) {
        tn_page_put(page, " (");
        tn_page_put(page, field->remark);
        tn_page_put(page, ")");
    }
    tn_page_end_line(page);
}

/* A cell, and the blanks between it and the next. */
static void put_cell(struct tn_text_page *page, const struct tn_report_column *column, const char *cell)
{
    char name[TN_TEXT_NAME_BYTES];
    switch (column->form) {
    case TN_COLUMN_LABEL:
        tn_page_pad_right(page, cell, 14);
        return;
    case TN_COLUMN_ID:
        tn_page_pad_left(page, cell, 4);
        tn_page_put(page, "  ");
        return;
    case TN_COLUMN_COUNT:
        tn_page_pad_left(page, cell, 11);
        tn_page_put(page, " ");
        tn_page_put(page, column->title);
        tn_page_put(page, "  ");
        return;
    case TN_COLUMN_QUANTITY:
        tn_page_pad_left(page, cell, 14);
        return;
    case TN_COLUMN_STATE:
        tn_page_pad_right(page, cell, 11);
        return;
    case TN_COLUMN_LINE:
        tn_page_put(page, tn_text_name(name, cell, page->columns - page->column));
        return;
    case TN_COLUMN_WORDS:
        tn_page_begin(page, cell[0] != '\0' ? "  " : "");
        tn_page_words(page, cell);
        return;
    }
}

/* ---------------------------------------------------------------------------------------- titled tables */

static bool is_left(const struct tn_report_column *column)
{
    return column->form == TN_COLUMN_LINE || column->form == TN_COLUMN_WORDS ||
           column->form == TN_COLUMN_LABEL || column->form == TN_COLUMN_STATE;
}

/* As wide as its widest cell. */
static size_t width_of(const struct tn_report_table *table, size_t column)
{
    size_t width = strlen(table->columns[column].title);
    for (size_t i = 0; i < table->row_count; i++) {
        size_t length = strlen(table->rows[i].cells[column]);
        width = length > width ? length : width;
    }
    return width;
}

#define LAST_COLUMNS_MIN 20u

/* Columns for the last cell of a row; a narrow page is made wider for it. */
static size_t last_columns(const struct tn_text_page *page)
{
    return page->columns > page->column + LAST_COLUMNS_MIN ? page->columns - page->column : LAST_COLUMNS_MIN;
}

/* One line of a table: the titles, or a row. */
static void put_titled_line(struct tn_text_page *page, const struct tn_report_table *table,
                            const size_t *widths, const struct tn_report_row *row)
{
    char name[TN_TEXT_NAME_BYTES];
    for (size_t j = 0; j < table->column_count; j++) {
        const char *cell = row != NULL ? row->cells[j] : table->columns[j].title;
        bool is_last = j + 1 == table->column_count;
        tn_page_put(page, "  ");
        if (is_last)
            tn_page_put(page, tn_text_name(name, cell, last_columns(page)));
        else if (is_left(&table->columns[j]))
            tn_page_pad_right(page, cell, widths[j]);
        else
            tn_page_pad_left(page, cell, widths[j]);
    }
    tn_page_end_line(page);
}

static void put_titled_table(struct tn_text_page *page, const struct tn_report_table *table)
{
    size_t widths[TN_TABLE_COLUMNS_MAX];
    for (size_t j = 0; j < table->column_count; j++)
        widths[j] = width_of(table, j);
    tn_page_style(page, TN_STYLE_QUIET);
    put_titled_line(page, table, widths, NULL);
    tn_page_style(page, TN_STYLE_PLAIN);
    for (size_t i = 0; i < table->row_count; i++)
        put_titled_line(page, table, widths, &table->rows[i]);
}

/* Without titles, the units and words of the cells tell what they are. */
static void put_table(struct tn_report_sink *sink, const struct tn_report_table *table)
{
    struct tn_text_page *page = begin(sink, TABLE);
    if (table->has_titles) {
        put_titled_table(page, table);
        return;
    }
    for (size_t i = 0; i < table->row_count; i++) {
        const struct tn_report_row *row = &table->rows[i];
        tn_page_put(page, "  ");
        if (table->can_mark)
            tn_page_put(page, row->is_marked ? "-> " : "   ");
        for (size_t j = 0; j < table->column_count; j++)
            put_cell(page, &table->columns[j], row->cells[j]);
        tn_page_end_line(page);
    }
}

/* ---------------------------------------------------------------------------------------- lists */

#define ENTRY_LINES 2u /* of the words of an entry, at most */

/* The number of an entry or a card; words follow beside it. */
static void begin_numbered(struct tn_text_page *page, uint64_t number)
{
    char first[TN_QUANTITY_TEXT_BYTES];
    snprintf(first, sizeof(first), "%4" PRIu64 ". ", number);
    tn_page_begin(page, first);
}

static void put_entry(struct tn_report_sink *sink, const struct tn_report_entry *entry)
{
    struct tn_text_page *page = begin(sink, ENTRY);
    if (entry->letter != 0)
        tn_page_begin(page, (const char[]){' ', ' ', ' ', entry->letter, '.', ' ', '\0'});
    else
        begin_numbered(page, entry->number);
    tn_page_limit(page, ENTRY_LINES);
    tn_page_words(page, entry->words);
    tn_page_end_line(page);
    if (entry->site != NULL) {
        tn_page_put(page, ENTRY_INDENT);
        put_site(page, entry->site);
    }
    if (entry->facts != NULL)
        tn_page_paragraph(page, ENTRY_INDENT, entry->facts);
}

/* What is to be typed, told by its colour as well. */
static void put_command(struct tn_text_page *page, const struct tn_report_part *part)
{
    tn_page_style(page, TN_STYLE_COMMAND);
    if (part->form == TN_PART_SPAN)
        tn_page_solid(page, part->text);
    else
        tn_page_lines(page, part->text, COMMAND_INDENT);
    tn_page_style(page, TN_STYLE_PLAIN);
}

static void put_item(struct tn_report_sink *sink, const struct tn_report_item *item)
{
    struct tn_text_page *page = begin(sink, ITEM);
    tn_page_begin(page, "  - ");
    for (size_t i = 0; i < item->part_count; i++) {
        const struct tn_report_part *part = &item->parts[i];
        bool is_running = part->form == TN_PART_WORDS || part->form == TN_PART_SPAN;
        if (!is_running && page->column != 0)
            tn_page_end_line(page);
        else if (is_running && page->column == 0)
            tn_page_begin(page, "    ");
        if (part->form == TN_PART_WORDS) {
            tn_page_words(page, part->text);
        } else if (part->form == TN_PART_SITE) {
            tn_page_put(page, ENTRY_INDENT);
            put_site(page, part->site);
        } else {
            put_command(page, part);
        }
    }
    if (page->column != 0)
        tn_page_end_line(page);
}

/* ---------------------------------------------------------------------------------------- findings */

static void put_label(struct tn_text_page *page, const char *label)
{
    tn_page_put(page, ENTRY_INDENT);
    tn_page_style(page, TN_STYLE_QUIET);
    tn_page_pad_right(page, label, CARD_COLUMNS);
    tn_page_style(page, TN_STYLE_PLAIN);
    tn_page_begin(page, "");
}

static void put_sites(struct tn_text_page *page, const struct tn_report_card *card)
{
    for (size_t i = 0; i < card->site_count; i++) {
        put_label(page, i == 0 ? tn_words_card_sites_label() : "");
        put_site(page, &card->sites[i]);
    }
    if (card->more_sites != NULL) {
        put_label(page, "");
        tn_page_words(page, card->more_sites);
        tn_page_end_line(page);
    }
}

static void put_code(struct tn_text_page *page, const struct tn_report_code *code)
{
    tn_page_put(page, ENTRY_INDENT);
    tn_page_put(page, tn_words_card_code_label());
    tn_page_end_line(page);
    tn_page_lines(page, code->text, CODE_INDENT);
    if (code->remark != NULL)
        tn_page_lines(page, code->remark, CODE_INDENT);
}

static void put_title(struct tn_text_page *page, const struct tn_report_card *card, size_t lines)
{
    begin_numbered(page, card->rank);
    tn_page_limit(page, lines);
    tn_page_style(page, TN_STYLE_STRONG);
    tn_page_words(page, card->title);
    tn_page_style(page, TN_STYLE_PLAIN);
    if (card->condition != NULL) {
        tn_page_put(page, page->is_full ? "" : ",");
        tn_page_words(page, card->condition);
    }
    if (card->tag != NULL && !page->is_full) {
        tn_page_style(page, TN_STYLE_QUIET);
        tn_page_words(page, card->tag);
        tn_page_style(page, TN_STYLE_PLAIN);
    }
    tn_page_end_line(page);
}

static bool has_text(const struct tn_report_card *card, unsigned text)
{
    return card->texts[text] != NULL && card->texts[text][0] != '\0';
}

static void put_text(struct tn_text_page *page, const struct tn_report_card *card, unsigned text,
                     size_t lines)
{
    if (!has_text(card, text))
        return;
    put_label(page, tn_words_card_label(text));
    tn_page_limit(page, lines);
    tn_page_words(page, card->texts[text]);
    tn_page_end_line(page);
}

#define BRIEF_TITLE_LINES 3u /* with its condition */
#define BRIEF_WHY_LINES   2u

/* In seven lines: these three and two, what is saved, and a caveat or, without evidence, the releases. */
static void put_brief(struct tn_text_page *page, const struct tn_report_card *card)
{
    put_title(page, card, BRIEF_TITLE_LINES);
    for (unsigned i = 0; i < TN_CARD_TEXT_COUNT; i++)
        put_text(page, card, i, i == TN_CARD_EVIDENCE ? BRIEF_WHY_LINES : 1);
}

static void put_card(struct tn_report_sink *sink, const struct tn_report_card *card)
{
    struct tn_text_page *page = begin(sink, CARD);
    if (card->is_brief) {
        put_brief(page, card);
    } else {
        put_title(page, card, 0);
        put_sites(page, card);
        for (unsigned i = 0; i < TN_CARD_TEXT_COUNT; i++)
            put_text(page, card, i, 0);
    }
    if (card->code != NULL)
        put_code(page, card->code);
}

#define COLUMNS_MIN 60u
#define COLUMNS_MAX 400u /* a name is shortened to fit a line */

struct tn_text_sink tn_text_sink(struct tn_buffer *out, const struct tn_report_style *style)
{
    size_t columns = style != NULL && style->columns != 0 ? style->columns : TN_TEXT_COLUMNS;
    return (struct tn_text_sink){.sink = {.heading = put_heading,
                                          .paragraph = put_paragraph,
                                          .field = put_field,
                                          .table = put_table,
                                          .entry = put_entry,
                                          .item = put_item,
                                          .card = put_card},
                                 .page = {.out = out,
                                          .columns = columns < COLUMNS_MIN   ? COLUMNS_MIN
                                                     : columns > COLUMNS_MAX ? COLUMNS_MAX
                                                                             : columns,
                                          .has_color = style != NULL && style->has_color}};
}

int tn_report_text(const struct tn_report *report, struct tn_buffer *out)
{
    struct tn_text_sink text = tn_text_sink(out, &report->style);
    int r = tn_compose(report, &text.sink);
    return r < 0 ? r : text.page.result;
}
