/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SITE_TABLES_H
#define TENURE_SITE_TABLES_H

/* The names that site attribution knows. Each table ends with an entry whose first field is NULL. Read only.
 */

/* Modules of the runtime, by the start of the file name, up to the version. */
struct tn_site_module {
    const char *start; /* "libc.so" matches libc.so.6 */
    const char *why;
};

/* Functions by their whole name, without parameters and template arguments. */
struct tn_site_name {
    const char *name;
    const char *via; /* what a reader is shown; NULL: the name itself; "": nothing */
    const char *why; /* where the name comes from */
};

/* Functions by the start of their name. */
struct tn_site_prefix {
    const char *prefix;
    const char *why;
};

extern const struct tn_site_module tn_site_runtime_modules[];
extern const struct tn_site_name tn_site_runtime_names[];      /* wherever they are linked into */
extern const struct tn_site_prefix tn_site_runtime_prefixes[]; /* the same */
extern const struct tn_site_name tn_site_wrappers[];
extern const struct tn_site_prefix tn_site_wrapper_prefixes[];
extern const struct tn_site_name tn_site_std_aliases[];  /* after "std::" */
extern const char *const tn_site_rust_modules[];         /* after "std::": there it is Rust's, not C++'s */
extern const char *const tn_site_std_inner_namespaces[]; /* inline or internal: not shown */
extern const char *const tn_site_std_namespaces[];       /* shown, with what follows */
extern const struct tn_site_name tn_site_c_aliases[];    /* C library names after simplification */
extern const char *const tn_site_c_prefixes[];           /* taken off C library names, in this order */

/* What the C or C++ library makes for itself, or as part of an object that it hands out (a FILE, a locale, a
 * thread): by `via`, in order of bytes. A program can only use less of these. Not here: functions that hand
 * a block of its own to their caller (strdup, asprintf, getline, realpath), and functions that only release
 * (fclose). */
extern const char *const tn_site_library_objects[];

#endif
