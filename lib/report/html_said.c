/* SPDX-License-Identifier: MIT */

#include "html_said.h"

#include "words.h"

#define CARD_SITES_MAX 12u /* of a card; the finding's query and the text report have all */

static struct tn_json *json_of(struct tn_report_sink *sink)
{
    return ((struct tn_said_sink *)sink)->json;
}

static void put_heading(struct tn_report_sink *sink, const char *title)
{
    struct tn_json *json = json_of(sink);
    tn_json_open_object(json, NULL);
    tn_json_text(json, "heading", title);
    tn_json_close_object(json);
}

static void put_paragraph(struct tn_report_sink *sink, const struct tn_report_paragraph *paragraph)
{
    struct tn_json *json = json_of(sink);
    tn_json_open_object(json, NULL);
    tn_json_text(json, "paragraph", paragraph->words);
    tn_json_bool(json, "is_warning", paragraph->role == TN_PARAGRAPH_WARNING);
    tn_json_close_object(json);
}

static void put_field(struct tn_report_sink *sink, const struct tn_report_field *field)
{
    struct tn_json *json = json_of(sink);
    tn_json_open_object(json, NULL);
    tn_json_text(json, "field", field->label);
    tn_json_text(json, "value", field->value);
    tn_json_text(json, "remark", field->remark);
    tn_json_close_object(json);
}

static void put_table(struct tn_report_sink *sink, const struct tn_report_table *table)
{
    struct tn_json *json = json_of(sink);
    tn_json_open_object(json, NULL);
    tn_json_open_array(json, "table");
    for (size_t i = 0; i < table->column_count; i++)
        tn_json_text(json, NULL, table->has_titles ? table->columns[i].title : "");
    tn_json_close_array(json);
    tn_json_open_array(json, "rows");
    for (size_t i = 0; i < table->row_count; i++) {
        tn_json_open_array(json, NULL);
        for (size_t k = 0; k < table->column_count; k++)
            tn_json_text(json, NULL, table->rows[i].cells[k]);
        tn_json_close_array(json);
    }
    tn_json_close_array(json);
    tn_json_close_object(json);
}

static void put_site(struct tn_json *json, const char *key, const struct tn_report_site *site)
{
    tn_json_open_object(json, key);
    tn_json_text(json, "function", site->function);
    tn_json_text(json, "file", site->file);
    tn_json_uint(json, "line", site->line);
    tn_json_text(json, "module", site->module);
    tn_json_uint(json, "offset_bytes", site->offset_bytes);
    tn_json_text(json, "via", site->via);
    tn_json_close_object(json);
}

static void put_entry(struct tn_report_sink *sink, const struct tn_report_entry *entry)
{
    struct tn_json *json = json_of(sink);
    tn_json_open_object(json, NULL);
    tn_json_uint(json, "entry", entry->number);
    if (entry->letter != 0)
        tn_json_text(json, "letter", (const char[]){entry->letter, '\0'});
    tn_json_text(json, "words", entry->words);
    if (entry->site != NULL)
        put_site(json, "site", entry->site);
    tn_json_text(json, "facts", entry->facts);
    tn_json_close_object(json);
}

static void put_item(struct tn_report_sink *sink, const struct tn_report_item *item)
{
    struct tn_json *json = json_of(sink);
    tn_json_open_object(json, NULL);
    tn_json_open_array(json, "item");
    for (size_t i = 0; i < item->part_count; i++) {
        const struct tn_report_part *part = &item->parts[i];
        tn_json_open_object(json, NULL);
        if (part->form == TN_PART_SITE)
            put_site(json, "site", part->site);
        else
            tn_json_text(json, part->form == TN_PART_WORDS ? "words" : "command", part->text);
        tn_json_close_object(json);
    }
    tn_json_close_array(json);
    tn_json_close_object(json);
}

static void put_card(struct tn_report_sink *sink, const struct tn_report_card *card)
{
    struct tn_json *json = json_of(sink);
    tn_json_open_object(json, NULL);
    tn_json_uint(json, "card", card->rank);
    tn_json_text(json, "title", card->title);
    tn_json_text(json, "condition", card->condition);
    tn_json_text(json, "kind", card->kind);
    tn_json_text(json, "confidence", card->confidence);
    tn_json_open_array(json, "sites");
    for (size_t i = 0; i < card->site_count && i < CARD_SITES_MAX; i++)
        put_site(json, NULL, &card->sites[i]);
    tn_json_close_array(json);
    tn_json_uint(json, "site_count", card->site_count);
    tn_json_open_array(json, "texts");
    for (unsigned i = 0; i < TN_CARD_TEXT_COUNT; i++) {
        if (card->texts[i] == NULL || card->texts[i][0] == '\0')
            continue;
        tn_json_open_array(json, NULL);
        tn_json_text(json, NULL, tn_words_card_label(i));
        tn_json_text(json, NULL, card->texts[i]);
        tn_json_bool(json, NULL, i <= TN_CARD_ESTIMATE); /* what and why stand beside how and where else */
        tn_json_close_array(json);
    }
    tn_json_close_array(json);
    tn_json_text(json, "code", card->code != NULL ? card->code->text : NULL);
    tn_json_text(json, "code_remark", card->code != NULL ? card->code->remark : NULL);
    tn_json_close_object(json);
}

struct tn_said_sink tn_said_sink(struct tn_json *json)
{
    return (struct tn_said_sink){.sink = {.heading = put_heading,
                                          .paragraph = put_paragraph,
                                          .field = put_field,
                                          .table = put_table,
                                          .entry = put_entry,
                                          .item = put_item,
                                          .card = put_card},
                                 .json = json};
}
