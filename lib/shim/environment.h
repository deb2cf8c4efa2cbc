/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_ENVIRONMENT_H
#define TENURE_SHIM_ENVIRONMENT_H

/* The program's environment, also before libc knows it: what stands in .preinit_array may allocate, and libc
 * has neither environ nor getenv then. All functions: by the thread that starts the process. */

/* The value of a variable; NULL: not set. Valid for as long as the program leaves its environment alone. */
const char *tn_environment_get(const char *name);

/* All variables, as `environ` has them; ended by NULL. Never NULL itself. */
const char *const *tn_environment_all(void);

#endif
