/* SPDX-License-Identifier: MIT */
#ifndef TN_CODE_MODULE_CODE_H
#define TN_CODE_MODULE_CODE_H

/* An open module, for code.c, which opens it, and follow.c, which reads its instructions. */

#include "tenure/code.h"

#include <libelf.h>
#include <stddef.h>
#include <stdint.h>

/* See tenure/code.h. Read-only once it is open. */
struct tn_code {
    int fd;              /* owned; of the file */
    Elf *elf;            /* owned */
    const uint8_t *file; /* the whole file, mapped; borrowed from elf */
    size_t file_bytes;   /* of the file */
};

/* The code at an address, and how many bytes of it there are; NULL: there is none. */
const uint8_t *tn_code_at(const struct tn_code *code, uint64_t address, size_t *ret_size_bytes);

#endif
