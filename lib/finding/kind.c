/* SPDX-License-Identifier: MIT */
/* Look-ups in the entries of kinds, and the check that a finding's evidence is what its kind declares. Tables
 * are short, so all searches are linear. */
#include "tenure/kind.h"

#include <string.h>

const struct tn_kind *tn_kind_find(const struct tn_kind *const *kinds, const char *name)
{
    for (; *kinds != NULL; kinds++)
        if (strcmp((*kinds)->name, name) == 0)
            return *kinds;
    return NULL;
}

bool tn_kind_is_listed(const char *list, const char *name)
{
    size_t length = strlen(name);
    if (strcmp(list, "all") == 0)
        return true;
    for (const char *at = list; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, name, length) == 0 && (at[length] == ',' || at[length] == '\0'))
            return true;
    }
    return false;
}

const struct tn_evidence_key *tn_evidence_key_find(const struct tn_evidence_key *keys, const char *key)
{
    for (; keys != NULL && keys->key != NULL; keys++)
        if (strcmp(keys->key, key) == 0)
            return keys;
    return NULL;
}

static bool is_declared(const struct tn_evidence_key *keys, const struct tn_evidence_set *set,
                        const char **ret_key);

/* A list's entries are objects with the declared members. */
static bool is_value_declared(const struct tn_evidence_key *declared, const struct tn_evidence *value,
                              const char **ret_key)
{
    if (value->type == TN_VALUE_OBJECT)
        return is_declared(declared->members, &value->members, ret_key);
    if (value->type != TN_VALUE_LIST)
        return true;
    for (size_t i = 0; i < value->members.count; i++)
        if (!is_declared(declared->members, &value->members.items[i].members, ret_key))
            return false;
    return true;
}

static bool is_declared(const struct tn_evidence_key *keys, const struct tn_evidence_set *set,
                        const char **ret_key)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct tn_evidence *value = &set->items[i];
        const struct tn_evidence_key *declared = tn_evidence_key_find(keys, value->key);
        bool is_same = declared != NULL && (value->type == TN_VALUE_NULL ||
                                            (declared->type == value->type && declared->unit == value->unit));
        if (!is_same) {
            *ret_key = value->key;
            return false;
        }
        if (!is_value_declared(declared, value, ret_key))
            return false;
    }
    for (; keys != NULL && keys->key != NULL; keys++)
        if (keys->is_required && tn_evidence_find(set, keys->key) == NULL) {
            *ret_key = keys->key;
            return false;
        }
    return true;
}

bool tn_kind_declares(const struct tn_kind *kind, const struct tn_evidence_set *evidence,
                      const char **ret_key)
{
    return is_declared(kind->evidence, evidence, ret_key);
}
