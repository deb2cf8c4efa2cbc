/* SPDX-License-Identifier: MIT */
#ifndef TENURE_REPORT_COMPOSE_H
#define TENURE_REPORT_COMPOSE_H

/* From a report's data to its statements: which ones there are, and in which order. One file for each part of
 * a report; no layout, and no sentences but for SQL to type. */

#include "sink.h"
#include "tenure/report.h"
#include "words.h"

/* Give all statements of a report to a sink: losses first, then the recording, what to know in short, the
 * totals, the findings, the sites, how to verify, and what to look at next; or, where findings are named,
 * losses and these findings.
 *
 * Returns  0; -ENOMEM (the sink has seen some statements, with sentences missing). Errors of the sink are not
 *          among them */
int tn_compose(const struct tn_report *report, struct tn_report_sink *sink);

/* What the parts share. */
struct tn_composer {
    const struct tn_report *report;
    struct tn_report_sink *sink;
    struct tn_words words; /* sentences of all parts, until the report is done */
    bool has_whole_cards;  /* findings are told whole, also where none is named; by tn_compose_cards */
};

/* The parts. Each gives its statements to the sink; errors stay in composer->words. */
void tn_compose_losses(struct tn_composer *composer);
void tn_compose_recording(struct tn_composer *composer);
/* What to know first: is the program at risk, what to do, what that brings together. */
void tn_compose_overview(struct tn_composer *composer);
/* Lifetimes, steps, and what stays on the heap; below a heading. There is a plan. */
void tn_compose_plan(struct tn_composer *composer);
/* The steps that are named, before their findings; below a heading. */
void tn_compose_named_steps(struct tn_composer *composer);
void tn_compose_totals(struct tn_composer *composer);
/* The program's own pools; nothing where it tells of none. */
void tn_compose_pools(struct tn_composer *composer);
/* What to do where the sites have no lines. */
void tn_compose_nameless(struct tn_composer *composer);
/* Append a line for each library with folded findings. */
void tn_compose_libraries(struct tn_composer *composer);
/* Append what trials have refuted; nothing where they have not. There are findings. */
void tn_compose_refuted(struct tn_composer *composer);

void tn_compose_findings(struct tn_composer *composer);
/* The same without a heading, and each finding with all that is known of it. */
void tn_compose_cards(struct tn_composer *composer);
void tn_compose_sites(struct tn_composer *composer);
/* How to see that a change helped, once for each kind that is shown. */
void tn_compose_verify(struct tn_composer *composer);
void tn_compose_next(struct tn_composer *composer);

/* The kind of a finding; one without words where the table of kinds does not have it. Never NULL. */
const struct tn_kind *tn_compose_kind(const struct tn_composer *composer, const struct tn_finding *finding);

/* Whether a finding saves so little that a line tells it: less than a thousandth of the calls and a hundredth
 * of the peak. */
bool tn_compose_is_minor(const struct tn_composer *composer, const struct tn_finding *finding);

/* A path as a shell takes it: quoted where it has to be. */
const char *tn_compose_shell_word(struct tn_words *words, const char *word);

/* Give one paragraph to the sink. */
void tn_compose_paragraph(struct tn_composer *composer, enum tn_paragraph_role role, const char *words);

/* The source position of a site of the summary, and of one of a finding. Strings are borrowed from it. */
struct tn_report_site tn_compose_summary_site(const struct tn_summary_site *site);
struct tn_report_site tn_compose_finding_site(const struct tn_finding_site *site);

/* Choose the sections of a finding's code to show: those for all systems and those for the wanted one, or
 * those in plain C where the finding has none for it.
 *
 * code            sections separated by empty lines; one for a system begins with a comment that names it
 * wanted          c, freertos, zephyr, threadx or all
 * ret_has_others  whether sections were left out
 * Returns         whole lines, in the store or in code */
const char *tn_code_sections(struct tn_words *words, const char *code, const char *wanted,
                             bool *ret_has_others);

#endif
