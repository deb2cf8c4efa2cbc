/* SPDX-License-Identifier: MIT */
#ifndef TENURE_REPORT_SINK_H
#define TENURE_REPORT_SINK_H

/* A report for people is a sequence of statements: headings, paragraphs, fields, tables, lists, findings. The
 * compose_*.c decide which statements there are and in which order, words.c has their sentences, and a sink
 * decides what they look like: its functions receive each statement as plain data and lay it out at once.
 * Text is one sink (format_text.c); another way to show reports is another implementation of the table below.
 *
 * Line breaks, columns, indentation, blank lines and shortening are the sink's: statements have none of them.
 * All strings are UTF-8, borrowed for the time of the call, and never NULL but where it is said. Names and
 * paths come from the recorded program: they may have control characters and any length, and a sink has to
 * escape them. One thread uses a sink. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A source position as a report shows it: function, file and line, or a module and an offset in it. */
struct tn_report_site {
    const char *function;  /* demangled; "" when not known */
    const char *file;      /* as the debug information has it; "" when not known */
    uint32_t line;         /* 0: not known, then module and offset_bytes stand for file and line */
    const char *module;    /* path; "" outside every module */
    uint64_t offset_bytes; /* of the return address in the module; an address without a module */
    const char *via;       /* the function that it called: "malloc", "strdup", a wrapper */
};

/* What a paragraph is in the report. */
enum tn_paragraph_role {
    TN_PARAGRAPH_ALONE,   /* stands for the whole report, under no heading */
    TN_PARAGRAPH_WARNING, /* what was lost: it limits everything that follows */
    TN_PARAGRAPH_BODY,    /* text below a heading */
    TN_PARAGRAPH_REMARK,  /* continues the table or the list before it */
};

struct tn_report_paragraph {
    enum tn_paragraph_role role;
    const char *words;
};

/* How the value of a field may be shortened where it does not fit. */
enum tn_field_form {
    TN_FIELD_WORDS, /* not at all */
    TN_FIELD_LINE,  /* its end may go */
    TN_FIELD_PATH,  /* its beginning may go */
};

/* One property of what the report is about: "program  /usr/bin/jq". */
struct tn_report_field {
    const char *label;
    const char *value;
    const char *remark; /* stands behind the value and is never shortened; NULL: none */
    enum tn_field_form form;
};

/* What the cells of a column hold. */
enum tn_column_form {
    TN_COLUMN_LABEL,    /* what the row is about */
    TN_COLUMN_ID,       /* a number that names a thing */
    TN_COLUMN_COUNT,    /* a count up to some thousand millions, with its unit behind */
    TN_COLUMN_QUANTITY, /* a count, a size or a share, with its own unit */
    TN_COLUMN_STATE,    /* one or two words of a closed set */
    TN_COLUMN_LINE,     /* text of any length; its end may go. The last column only */
    TN_COLUMN_WORDS,    /* text that is not shortened; may be "". The last column only */
};

#define TN_TABLE_COLUMNS_MAX 6

struct tn_report_column {
    const char *title;        /* for sinks that show headers */
    enum tn_column_form form; /* of each cell */
};

struct tn_report_row {
    const char *cells[TN_TABLE_COLUMNS_MAX]; /* as many as there are columns */
    bool is_marked;                          /* the row that the report is about */
};

struct tn_report_table {
    const struct tn_report_column *columns;
    size_t column_count; /* 1 .. TN_TABLE_COLUMNS_MAX */
    const struct tn_report_row *rows;
    size_t row_count;
    bool can_mark;   /* some row is marked: room for the mark is needed in all */
    bool has_titles; /* the columns' titles say what the cells are; else the cells say it themselves */
};

/* An entry of a numbered list. */
struct tn_report_entry {
    uint64_t number;   /* from 1; of a finding its rank; of a step that of its first finding */
    char letter;       /* of a step, which stands in the number's place; 0: no step */
    const char *words; /* one sentence or less */
    const struct tn_report_site *site; /* NULL: none */
    const char *facts;                 /* numbers about the site, or what it brings; NULL: none */
};

/* What a part of a list item is. */
enum tn_part_form {
    TN_PART_WORDS,   /* running text */
    TN_PART_SITE,    /* a source position on a line of its own */
    TN_PART_COMMAND, /* command lines to type as they are, broken as they are */
    TN_PART_SPAN,    /* a command within the running text, not to be broken */
};

struct tn_report_part {
    enum tn_part_form form;
    const char *text;                  /* NULL in a TN_PART_SITE */
    const struct tn_report_site *site; /* NULL in the others */
};

/* An item of a list without numbers: its parts in order. */
struct tn_report_item {
    const struct tn_report_part *parts;
    size_t part_count;
};

/* Source code to paste: whole lines, which no sink breaks or shortens. */
struct tn_report_code {
    const char *text;
    const char *remark; /* what other code there is; NULL: none */
};

/* The texts of a finding, in the order of reading. */
enum tn_card_text {
    TN_CARD_CHANGE,       /* what to change in the code */
    TN_CARD_EVIDENCE,     /* the numbers that carry it */
    TN_CARD_EFFECT,       /* what the change saves or costs: the one figure of each, measured if it was */
    TN_CARD_ESTIMATE,     /* the same as it was estimated before a replay */
    TN_CARD_RELEASES,     /* the lines that release its blocks */
    TN_CARD_NOTES,        /* caveats and exceptions, one a line */
    TN_CARD_ALTERNATIVES, /* kinds that would do instead */
    TN_CARD_VERIFY,       /* how to see that the change did what it promises */
    TN_CARD_KIND,         /* kind, confidence and tactic, as one phrase */
    TN_CARD_TEXT_COUNT
};

/* A finding with everything that is reported about it. Labels of the parts: tn_words_card_label. */
struct tn_report_card {
    uint32_t rank;                         /* its number, from 1 */
    const char *title;                     /* what to do and where: one sentence without a full stop */
    const char *condition;                 /* "if ...", which decides; NULL: nothing does */
    bool is_brief;                         /* to be told in seven lines: what does not fit is cut, and the
                                              report of the finding alone tells all */
    const char *tag;                       /* kind and confidence in short; NULL: not brief */
    const char *kind, *confidence;         /* also within texts[TN_CARD_KIND]: for marks and colours */
    const struct tn_report_site *sites;    /* the one to change first */
    size_t site_count;                     /* 0: about the whole program */
    const char *more_sites;                /* that there are more sites; NULL: these are all */
    const char *texts[TN_CARD_TEXT_COUNT]; /* NULL or "": nothing to tell */
    const struct tn_report_code *code;     /* NULL: none */
};

/* An implementation begins with this struct. Each function lays out one statement. Errors stay in the
 * implementation: after the first one all functions do nothing, and the caller that made the sink asks at the
 * end. */
struct tn_report_sink {
    /* The title of what follows up to the next heading. */
    void (*heading)(struct tn_report_sink *sink, const char *title);
    void (*paragraph)(struct tn_report_sink *sink, const struct tn_report_paragraph *paragraph);
    void (*field)(struct tn_report_sink *sink, const struct tn_report_field *field);
    void (*table)(struct tn_report_sink *sink, const struct tn_report_table *table);
    /* Entries that follow each other are one list; so are items. */
    void (*entry)(struct tn_report_sink *sink, const struct tn_report_entry *entry);
    void (*item)(struct tn_report_sink *sink, const struct tn_report_item *item);
    void (*card)(struct tn_report_sink *sink, const struct tn_report_card *card);
};

#endif
