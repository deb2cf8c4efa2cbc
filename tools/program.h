/* SPDX-License-Identifier: MIT */
#ifndef TENURE_PROGRAM_H
#define TENURE_PROGRAM_H

/* Look at a program before it is run: can it be started, and can it be recorded? Reads the file only; nothing
 * is started and nothing is written. */

#include "tenure/base.h"

/* What the program must match so that the shim can be loaded into it. */
struct tn_program_abi {
    unsigned char elf_class; /* ELFCLASS32 or ELFCLASS64 */
    unsigned char elf_data;  /* ELFDATA2LSB or ELFDATA2MSB */
    unsigned short machine;  /* EM_* */
    char interpreter[256];   /* path of the dynamic loader */
};

/* Read the ABI of an ELF program, usually of the running one ("/proc/self/exe").
 *
 * Returns  0; negative errno with the story in error (-ENOEXEC: no ELF program, or one without a loader) */
int tn_program_read_abi(const char *path, struct tn_program_abi *ret_abi, struct tn_error *error);

/* Find a program as the shell does: a name with a slash is a path, any other is looked up in search_path.
 *
 * search_path  as in the environment variable PATH; NULL: the system's default
 * ret_path     at least path_bytes; the path to execute
 * Returns      0; -ENOENT: there is none; -EACCES: it is there, but must not be executed;
 *              -ENAMETOOLONG; with the story in error */
int tn_program_find(const char *name, const char *search_path, char *ret_path, size_t path_bytes,
                    struct tn_error *error);

/* Check that the shim will be loaded into a program, following scripts to their interpreters.
 *
 * path     as tn_program_find gave it
 * Returns  0; with the story in error:
 *          -ENOEXEC  neither an ELF program nor a script: it cannot be started
 *          -ENOENT   the interpreter of the script or the loader of the program is missing
 *          -ELOOP    scripts that name scripts, more than four deep
 *          -ENOTSUP  it runs, but cannot be recorded: statically linked, setuid or the like, other
 *                    architecture, other C library
 *          others    it cannot be read */
int tn_program_check(const char *path, const struct tn_program_abi *abi, struct tn_error *error);

#endif
