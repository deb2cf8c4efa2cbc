/* SPDX-License-Identifier: MIT */
#ifndef TENURE_TEMPLATE_H
#define TENURE_TEMPLATE_H

/* Texts with marks, an at-sign and a letter each, that stand for what is known only later. For code and
 * sentences of kinds. */

#include "tenure/base.h"

/* Print what a mark stands for.
 *
 * context  as given to tn_template_print
 * mark     the letter
 * Returns  0 or -ENOMEM */
typedef int (*tn_template_mark)(const void *context, char mark, struct tn_buffer *out);

/* Append a template, its marks replaced.
 *
 * template  ended by 0; an at-sign is always followed by a letter
 * context   handed to print_mark
 * Returns   0 or -ENOMEM (out then holds a part of it) */
int tn_template_print(const char *template, tn_template_mark print_mark, const void *context,
                      struct tn_buffer *out);

#endif
