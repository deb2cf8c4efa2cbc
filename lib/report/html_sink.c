/* SPDX-License-Identifier: MIT */

/* Writes statements as HTML. Fields become a definition list, entries and items lists, and whatever follows
 * another kind of statement closes what is open. All text is escaped; control characters become blanks. */

#include "html_sink.h"

#include "words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void put(struct tn_html_sink *html, const char *markup)
{
    if (html->result == 0)
        html->result = tn_buffer_append(html->out, markup, strlen(markup));
}

static void put_byte(struct tn_html_sink *html, char byte)
{
    switch (byte) {
    case '&':
        put(html, "&amp;");
        return;
    case '<':
        put(html, "&lt;");
        return;
    case '>':
        put(html, "&gt;");
        return;
    case '"':
        put(html, "&quot;");
        return;
    default:
        break;
    }
    if (((unsigned char)byte < 0x20 && byte != '\n') || byte == 0x7f)
        byte = ' ';
    if (html->result == 0)
        html->result = tn_buffer_append(html->out, &byte, 1);
}

static void put_text(struct tn_html_sink *html, const char *text)
{
    for (; *text != '\0'; text++)
        put_byte(html, *text);
}

/* Text in an element: "<b>text</b>". */
static void put_element(struct tn_html_sink *html, const char *open, const char *text, const char *close)
{
    put(html, open);
    put_text(html, text);
    put(html, close);
}

/* Continue the list that is open, or close it and open another; NULL: none. */
static struct tn_html_sink *enter(struct tn_report_sink *sink, const char *element)
{
    struct tn_html_sink *html = (struct tn_html_sink *)sink;
    if (html->open == element)
        return html;
    if (html->open != NULL) {
        put(html, "</");
        put(html, html->open);
        put(html, ">\n");
    }
    if (element != NULL) {
        put(html, "<");
        put(html, element);
        put(html, ">\n");
    }
    html->open = element;
    return html;
}

static const char fields[] = "dl", entries[] = "ol", items[] = "ul";

static void put_heading(struct tn_report_sink *sink, const char *title)
{
    put_element(enter(sink, NULL), "<h2>", title, "</h2>\n");
}

static void put_paragraph(struct tn_report_sink *sink, const struct tn_report_paragraph *paragraph)
{
    bool is_warning = paragraph->role == TN_PARAGRAPH_WARNING;
    put_element(enter(sink, NULL), is_warning ? "<p class=\"warning\">" : "<p>", paragraph->words, "</p>\n");
}

static void put_field(struct tn_report_sink *sink, const struct tn_report_field *field)
{
    struct tn_html_sink *html = enter(sink, fields);
    put_element(html, "<dt>", field->label, "</dt><dd>");
    put_text(html, field->value);
    if (field->remark != NULL)
        put_element(html, " <small>", field->remark, "</small>");
    put(html, "</dd>\n");
}

static bool is_number(const struct tn_report_column *column)
{
    return column->form == TN_COLUMN_ID || column->form == TN_COLUMN_COUNT ||
           column->form == TN_COLUMN_QUANTITY;
}

static void put_table(struct tn_report_sink *sink, const struct tn_report_table *table)
{
    struct tn_html_sink *html = enter(sink, NULL);
    put(html, "<table>\n<tr>");
    for (size_t j = 0; j < table->column_count; j++)
        put_element(html, "<th>", table->columns[j].title, "</th>");
    put(html, "</tr>\n");
    for (size_t i = 0; i < table->row_count; i++) {
        put(html, table->rows[i].is_marked ? "<tr class=\"marked\">" : "<tr>");
        for (size_t j = 0; j < table->column_count; j++)
            put_element(html, is_number(&table->columns[j]) ? "<td class=\"number\">" : "<td>",
                        table->rows[i].cells[j], "</td>");
        put(html, "</tr>\n");
    }
    put(html, "</table>\n");
}

static void put_site(struct tn_html_sink *html, const struct tn_report_site *site)
{
    put(html, "<br><code>");
    put_text(html, site->function);
    put(html, site->function[0] != '\0' ? " at " : "");
    put_text(html, site->line != 0 ? site->file : site->module);
    char number[48];
    if (site->line != 0)
        snprintf(number, sizeof(number), ":%" PRIu32, site->line);
    else
        snprintf(number, sizeof(number), "+0x%" PRIx64, site->offset_bytes);
    put_text(html, number);
    put(html, "</code> via <code>");
    put_text(html, site->via);
    put(html, "</code>");
}

static void put_entry(struct tn_report_sink *sink, const struct tn_report_entry *entry)
{
    struct tn_html_sink *html = enter(sink, entries);
    put_element(html, "<li>", entry->words, "");
    if (entry->site != NULL)
        put_site(html, entry->site);
    if (entry->facts != NULL)
        put_element(html, "<br><small>", entry->facts, "</small>");
    put(html, "</li>\n");
}

static void put_item(struct tn_report_sink *sink, const struct tn_report_item *item)
{
    struct tn_html_sink *html = enter(sink, items);
    put(html, "<li>");
    for (size_t i = 0; i < item->part_count; i++) {
        const struct tn_report_part *part = &item->parts[i];
        if (part->form == TN_PART_WORDS)
            put_text(html, part->text);
        else if (part->form == TN_PART_SITE)
            put_site(html, part->site);
        else
            put_element(html, " <code>", part->text, "</code> ");
    }
    put(html, "</li>\n");
}

static void put_card(struct tn_report_sink *sink, const struct tn_report_card *card)
{
    struct tn_html_sink *html = enter(sink, NULL);
    put_element(html, "<h3>", card->title, "</h3>\n");
    if (card->condition != NULL)
        put_element(html, "<p>", card->condition, "</p>\n");
    for (size_t i = 0; i < card->site_count; i++)
        put_site(html, &card->sites[i]);
    enter(sink, fields);
    for (unsigned i = 0; i < TN_CARD_TEXT_COUNT; i++)
        if (card->texts[i] != NULL && card->texts[i][0] != '\0') {
            put_element(html, "<dt>", tn_words_card_label(i), "</dt>");
            put_element(html, "<dd>", card->texts[i], "</dd>\n");
        }
    if (card->code != NULL)
        put_element(enter(sink, NULL), "<pre>", card->code->text, "</pre>\n");
}

static const char style[] =
    "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse}td,th{padding:.2em .8em;text-align:left;border-bottom:1px solid #8884}"
    ".number{text-align:right;font-variant-numeric:tabular-nums}.warning{border-left:4px solid "
    "#c60;padding-left:1em}"
    ".marked{font-weight:bold}dl{display:grid;grid-template-columns:max-content 1fr;gap:.2em 1em}dd{margin:0}"
    "code,pre{font-size:.9em;overflow-wrap:anywhere}@media(prefers-color-scheme:dark){body{background:#111;"
    "color:#ddd}}"
    "</style>\n";

struct tn_html_sink tn_html_begin(struct tn_buffer *out, const char *title)
{
    struct tn_html_sink html = {.sink = {.heading = put_heading,
                                         .paragraph = put_paragraph,
                                         .field = put_field,
                                         .table = put_table,
                                         .entry = put_entry,
                                         .item = put_item,
                                         .card = put_card},
                                .out = out};
    put(&html,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width\">\n");
    put_element(&html, "<title>", title, "</title>\n");
    put(&html, style);
    put(&html, "</head>\n<body>\n");
    put_element(&html, "<h1>", title, "</h1>\n");
    return html;
}

int tn_html_end(struct tn_html_sink *html)
{
    enter(&html->sink, NULL);
    put(html, "</body>\n</html>\n");
    return html->result;
}
