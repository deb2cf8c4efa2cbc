/* SPDX-License-Identifier: MIT */
#ifndef TENURE_BRACKETS_H
#define TENURE_BRACKETS_H

/* Steps through a demangled C++ name: brackets nest, and operators are spelled with some of them. For what
 * shortens names and what reads template arguments. Any thread; a damaged name ends at its end. */

/* The end of the operator's name that begins at text, behind the word "operator", so that its brackets open
 * nothing; text itself where it has no such characters ("operator new", "operator+"). */
const char *tn_brackets_skip_operator(const char *text);

/* The position behind the bracket that closes the one at text; the end where none does. */
const char *tn_brackets_skip(const char *text);

/* The end of a template argument that begins at text: a comma, or the bracket that closes the list. */
const char *tn_brackets_skip_argument(const char *text);

#endif
