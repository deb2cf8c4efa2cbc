/* SPDX-License-Identifier: MIT */
#ifndef TENURE_PROGRAM_NEEDS_H
#define TENURE_PROGRAM_NEEDS_H

/* Whether an ELF program asks for a sanitizer's runtime, which takes no library in front of it. */

#include <stdbool.h>

/* Whether one of the libraries that the dynamic section names begins with a prefix.
 *
 * fd       of an ELF file of the class that this tool is built for
 * Returns  false also for a file that is damaged
 * Cost     three reads */
bool tn_program_needs(int fd, const char *prefix);

#endif
