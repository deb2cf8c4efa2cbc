/* SPDX-License-Identifier: MIT */
#ifndef TENURE_KIND_H
#define TENURE_KIND_H

/* A kind of finding: everything that is known of it beside its algorithm, in one entry. The engine takes its
 * name, thresholds and weight from here, the report its sentences, the help and the tests the rest. Plain
 * constant data that knows neither engine nor report; lib/kinds has one entry a kind and tn_kinds lists them.
 * Everything has static storage; any thread. */

#include "tenure/evidence.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tn_analysis;
struct tn_buffer;
struct tn_json;

/* A number that decides what counts as a finding, which the user can set. */
struct tn_threshold {
    const char *name;    /* "KIND.WORDS", as `--threshold NAME=VALUE` takes it; NULL ends a table */
    double fallback;     /* default */
    double min;          /* smallest value that is accepted */
    double max;          /* largest value that is accepted */
    const char *summary; /* what it decides, with unit, for the help */
    const char *source;  /* where the default comes from */
};

/* A key that a kind's evidence may have, and the words that tell its value in a text report:
 * before, value with its unit, after. */
struct tn_evidence_key {
    const char *key;        /* as in JSON; NULL ends a table */
    enum tn_value type;     /* of its value; what may be unknown is a null instead */
    enum tn_unit unit;      /* of its value */
    const char *before;     /* words before the value; NULL as well as after: only JSON has this key */
    const char *after;      /* words behind the value; behind 1 the first word loses its final s */
    bool is_silent_at_zero; /* a value of 0 is not told, because silence says the same */
    bool is_required;       /* every finding of the kind has it */
    bool is_summed;     /* counted anew in each run, so that several runs add up; else their maximum counts */
    bool is_detail;     /* the title tells it, or it decides nothing: not told where space is short */
    const char *unlike; /* not told where its value is also that of this key; NULL: no such key */
    const struct tn_evidence_key *members; /* keys of an object, or of each entry of a list; NULL: none */
};

/* Short forms for the entries: key, type and unit without their prefixes; and the words around the value. */
#define TN_KEY(name, value_type, value_unit)                                                                 \
    .key = name, .type = TN_VALUE_##value_type, .unit = TN_UNIT_##value_unit
#define TN_TOLD(words_before, words_after) .before = words_before, .after = words_after

/* The fields of a kind that must not be NULL are marked *; tests/unit/test_kinds.c holds it. */
struct tn_kind {
    const char *name;           /* * as `--only` takes it and JSON has it: lower case and hyphens */
    const char *summary;        /* * what it states, one line for the help */
    const char *tactic;         /* * the paper's tactic that it applies, in a few words */
    const char *verify;         /* * how to see that the change did what the finding promises, sentences */
    const char *program_tactic; /* the tactic of a finding about the whole program; NULL: tactic */
    const char *program_verify; /* the same sentences for such a finding; NULL: verify */
    double weight;              /* * of its saving in the order of findings, above 0 to 1: 1 the blocks are
                                   gone, 1/2 they come from elsewhere, 1/4 the change is half of one */
    bool is_never_minor; /* never small, however little it saves: what it is about is another measure */
    bool
        is_refuted_by_release; /* says that blocks are never released: another run that releases refutes it */
    const char *const *yields_to; /* * names of the kinds that it gives way to where they claim all its sites;
                                     ended by NULL. They stand before it in tn_kinds */
    const char *const *before_conditional;  /* of these, kinds whose findings give way to a sure one of this
                                               kind  at the same sites, if they are true on a condition only;
                                               ended by  NULL, or NULL: none */
    const struct tn_evidence_key *evidence; /* * every key of its evidence, those that are told first, in the
                                               order of telling; ended by a NULL key */
    const struct tn_threshold *thresholds;  /* * ended by a NULL name */
    const struct tn_analysis *analysis;     /* * how it is found (tenure/analysis.h); for the engine only */
};

/* The kind of that name in a table that NULL ends; NULL: there is none. */
const struct tn_kind *tn_kind_find(const struct tn_kind *const *kinds, const char *name);

/* Whether a list of names, separated by commas, has this one; "all" has every name. */
bool tn_kind_is_listed(const char *list, const char *name);

/* The declaration of a key in a table that a NULL key ends; NULL: it is not declared, or keys is NULL. */
const struct tn_evidence_key *tn_evidence_key_find(const struct tn_evidence_key *keys, const char *key);

/* Append all kinds as text for people: what each states, its tactic, whom it gives way to, its evidence keys,
 * and how to verify.
 *
 * Returns  0; -ENOMEM (out then holds a part of it) */
int tn_kinds_print(const struct tn_kind *const *kinds, struct tn_buffer *out);

/* Write all kinds, with all that their entries hold but the words around values, as one JSON object. Errors
 * stay in the writer. */
void tn_kinds_write_json(const struct tn_kind *const *kinds, struct tn_json *json);

/* Whether evidence is as its kind declares it: every key is declared, with type and unit, at every depth, and
 * every required one is there.
 *
 * ret_key  the key that is not; written only when the answer is no
 * Cost     the values times the keys */
bool tn_kind_declares(const struct tn_kind *kind, const struct tn_evidence_set *evidence,
                      const char **ret_key);

#endif
