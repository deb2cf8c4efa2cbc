/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SITE_CONTAINER_NAMES_H
#define TENURE_SITE_CONTAINER_NAMES_H

/* The tables behind tenure/container.h. Each ends with an entry whose name is NULL. Read only. */

enum tn_container_family {
    TN_FAMILY_NONE = 0,
    TN_FAMILY_VECTOR,
    TN_FAMILY_DEQUE,
    TN_FAMILY_LIST,
    TN_FAMILY_FORWARD_LIST,
    TN_FAMILY_TREE,
    TN_FAMILY_HASH,
    TN_FAMILY_STRING,
    TN_FAMILY_STREAM,
    TN_FAMILY_SHARED,
    TN_FAMILY_UNIQUE,
    TN_FAMILY_FUNCTION,
    TN_FAMILY_ANY,
    TN_FAMILY_ADAPTER,
};

/* Where the type of an element stands, other than as an argument of the class by its position from 0. */
enum {
    TN_ELEMENT_NONE = -1, /* nowhere */
    TN_ELEMENT_BOOL = -2, /* it is bool */
    TN_ELEMENT_CHAR = -3, /* it is char */
    TN_ELEMENT_PAIR = -4, /* the first two arguments: key and value */
    TN_ELEMENT_LAST = -5, /* the first argument of the last name that has some */
};

/* A class, or a function that stands for one. */
struct tn_container_name {
    const char *name; /* behind "std::" and inner namespaces, without arguments */
    const char *type; /* what a program calls it */
    enum tn_container_family family;
    int element; /* position of the argument, from 0, or TN_ELEMENT_... */
};

/* A function inside of the library, and what a program called. */
struct tn_container_operation {
    const char *name;
    const char *operation;
};

extern const struct tn_container_name tn_container_names[];
extern const struct tn_container_operation tn_container_operations[];

#endif
