/* SPDX-License-Identifier: MIT */
#ifndef TENURE_PROGRAM_H
#define TENURE_PROGRAM_H

/* Check a program before it is run: can it be started, and can it be recorded? Only reads the file. Any
 * thread. */

#include "tenure/base.h"

/* What a program and the shim must agree in. Written by tn_program_read_abi. */
struct tn_program_abi {
    unsigned char elf_class; /* ELFCLASS32 or ELFCLASS64 */
    unsigned char elf_data;  /* ELFDATA2LSB or ELFDATA2MSB */
    unsigned short machine;  /* EM_* */
    char interpreter[256];   /* path of the dynamic loader; "": statically linked */
};

/* Read the ABI of an ELF program, usually of the running one ("/proc/self/exe").
 *
 * Returns  0; -ENOEXEC: no ELF program, or one without a loader; other negative errno: it cannot be read;
 *          error says what failed (*ret_abi untouched) */
int tn_program_read_abi(const char *path, struct tn_program_abi *ret_abi, struct tn_error *error);

/* Find a program as the shell does: a name with a slash is a path, any other is looked up in search_path.
 *
 * search_path  as in the environment variable PATH; NULL: the system's default
 * ret_path     room for path_bytes; the path to execute
 * Returns      0; -ENOENT: there is none; -EACCES: it exists, but may not be executed; -ENAMETOOLONG;
 *              error says what failed */
int tn_program_find(const char *name, const char *search_path, char *ret_path, size_t path_bytes,
                    struct tn_error *error);

/* Check that the shim will be loaded into a program, following scripts to their interpreters.
 *
 * path     as tn_program_find gave it
 * Returns  0; otherwise error says why not:
 *          -ENOEXEC  neither an ELF program nor a script: it cannot be started
 *          -ENOENT   the interpreter of the script or the loader of the program is missing
 *          -ELOOP    scripts whose interpreters are scripts, more than four deep
 *          -ENOTSUP  it runs, but cannot be recorded: statically linked, setuid or the like, other
 *                    architecture, other C library
 *          others    it cannot be read */
int tn_program_check(const char *path, const struct tn_program_abi *abi, struct tn_error *error);

#endif
