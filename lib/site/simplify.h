/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SITE_SIMPLIFY_H
#define TENURE_SITE_SIMPLIFY_H

#include <stddef.h>

/* Names of skipped frames, shortened for a reader. All write at most size_bytes bytes, NUL included, and cut
 * what does not fit; "" means that the name says nothing. Any thread. */

/* A function of the standard library of C++ or Rust: "std::vector<int, ...>::push_back(int&&)" becomes
 * "std::vector". name begins with "std::". */
void tn_site_simplify_std(const char *name, char *via, size_t size_bytes);

/* A function of Rust's other standard crates: "alloc::vec::Vec<T,A>::push" becomes "alloc::vec::Vec". */
void tn_site_simplify_rust(const char *name, char *via, size_t size_bytes);

/* A function of a C library: "__GI___strdup" becomes "strdup". */
void tn_site_simplify_c(const char *name, char *via, size_t size_bytes);

#endif
