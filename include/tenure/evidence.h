/* SPDX-License-Identifier: MIT */
#ifndef TENURE_EVIDENCE_H
#define TENURE_EVIDENCE_H

/* Evidence: the numbers that carry a finding, as typed values with their units, in the order in which the
 * JSON report and the log's `finding.evidence` have them. Kinds build it, the ranking and the text report
 * look values up, and tn_evidence_write_json is the one place that writes it as JSON; nothing parses it. One
 * thread at a time builds; any number may read. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tn_json;

/* What a value counts. */
enum tn_unit {
    TN_UNIT_NONE = 0,       /* no quantity: a name, a yes or no, a line number, a container */
    TN_UNIT_COUNT,          /* blocks, calls, sites; a mean of such counts may be a real */
    TN_UNIT_BYTES,          /* keys end in _bytes, or name what they are bytes of */
    TN_UNIT_NS,             /* nanoseconds; keys end in _ns */
    TN_UNIT_RATIO,          /* a share of 1, a probability, or one quantity divided by a like one */
    TN_UNIT_BYTES_PER_HOUR, /* speed of growth */
};

/* What holds the value: the member of the union in tn_evidence that is valid. */
enum tn_value {
    TN_VALUE_NULL = 0, /* known not to be known; no member */
    TN_VALUE_COUNT,    /* count */
    TN_VALUE_SIGNED,   /* number */
    TN_VALUE_REAL,     /* real */
    TN_VALUE_BOOL,     /* is_true */
    TN_VALUE_TEXT,     /* text */
    TN_VALUE_OBJECT,   /* members, each with a key */
    TN_VALUE_LIST,     /* members, without keys */
};

struct tn_evidence;

/* The members of an object or of a list, and of a finding's evidence as a whole. Zeroed is empty. */
struct tn_evidence_set {
    struct tn_evidence *items; /* owned; in the order of adding */
    size_t count;              /* items in use */
    size_t capacity;           /* room in items */
    int error;                 /* 0, or the first error of an addition: what is added later is dropped */
};

/* One value. */
struct tn_evidence {
    const char *key;     /* static storage; unique in its object; NULL in a list */
    enum tn_unit unit;   /* of the value */
    enum tn_value type;  /* which member holds it */
    uint8_t real_digits; /* significant digits that a real is written with, 1 to 17; else 0 */
    union {
        uint64_t count;
        int64_t number;
        double real; /* may be infinite or NaN: written as null */
        bool is_true;
        char *text; /* owned; never NULL */
        struct tn_evidence_set members;
    };
};

/* Builders. Each adds one value behind the others.
 *
 * evidence  the set to add to; NULL: nothing happens, so that a failed tn_evidence_add_object needs no test
 * key       static storage; NULL for an entry of a list
 * Errors    none is returned: the first one (-ENOMEM) stays in the set, and tn_evidence_error tells it */

/* Add a number of blocks, calls or sites. */
void tn_evidence_add_count(struct tn_evidence_set *evidence, const char *key, uint64_t count);

/* Add a size in bytes. */
void tn_evidence_add_bytes(struct tn_evidence_set *evidence, const char *key, uint64_t bytes);

/* Add a time or a duration in nanoseconds. */
void tn_evidence_add_ns(struct tn_evidence_set *evidence, const char *key, uint64_t ns);

/* Add an unsigned number of another unit, or of none. */
void tn_evidence_add_number(struct tn_evidence_set *evidence, const char *key, enum tn_unit unit,
                            uint64_t value);

/* Add a number that may be negative. */
void tn_evidence_add_signed(struct tn_evidence_set *evidence, const char *key, enum tn_unit unit,
                            int64_t value);

/* Add a number with a fraction, written with `digits` significant digits (1 to 17). */
void tn_evidence_add_real(struct tn_evidence_set *evidence, const char *key, enum tn_unit unit, double value,
                          unsigned digits);

/* Add a yes or no. */
void tn_evidence_add_bool(struct tn_evidence_set *evidence, const char *key, bool value);

/* Add a copy of a text; NULL adds a null. */
void tn_evidence_add_text(struct tn_evidence_set *evidence, const char *key, const char *text);

/* Add an object, to be filled.
 *
 * Returns  its members, valid until the next addition to `evidence`; NULL after an error */
struct tn_evidence_set *tn_evidence_add_object(struct tn_evidence_set *evidence, const char *key);

/* Add a list, to be filled with values that have no key.
 *
 * Returns  its entries, valid until the next addition to `evidence`; NULL after an error */
struct tn_evidence_set *tn_evidence_add_list(struct tn_evidence_set *evidence, const char *key);

/* The first error of a set or of what it contains.
 *
 * Returns  0: everything was added; -ENOMEM
 * Cost     all values */
int tn_evidence_error(const struct tn_evidence_set *evidence);

/* The value of a key, not looking into objects and lists; NULL: there is none, or evidence is NULL. */
const struct tn_evidence *tn_evidence_find(const struct tn_evidence_set *evidence, const char *key);

/* Whether two values are of the same type and equal. Objects and lists are never equal. */
bool tn_evidence_is_equal(const struct tn_evidence *left, const struct tn_evidence *right);

/* Write evidence as a JSON object: a member `key` of the open object, or the top level where key is NULL.
 * Errors stay in the writer.
 *
 * Cost     all values */
void tn_evidence_write_json(const struct tn_evidence_set *evidence, const char *key, struct tn_json *json);

/* "bytes", "count": as `tenure report --list-kinds` names a unit; "" for TN_UNIT_NONE. Static storage. */
const char *tn_unit_name(enum tn_unit unit);

/* "count", "real", "list": the type of a value, by name. Static storage. */
const char *tn_value_name(enum tn_value type);

/* Release all values; the set is empty and without error again. NULL and zeroed are fine. */
void tn_evidence_finish(struct tn_evidence_set *evidence);

#endif
