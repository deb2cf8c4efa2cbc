/* SPDX-License-Identifier: MIT */
#ifndef TN_CODE_MODULE_CODE_H
#define TN_CODE_MODULE_CODE_H

/* An open module, for code.c, which opens it, and all that read its instructions. */

#include "decode.h"
#include "processor.h"

#include "tenure/code.h"
#include "tenure/map.h"

#include <elfutils/libdw.h>
#include <libelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A call, or a jump, that leads to an address of the same module. */
struct tn_code_direct_call {
    uint64_t target;
    uint64_t call; /* behind the instruction */
};

/* See tenure/code.h. Read-only once it is open, but for the calls, which are listed when first asked for, and
 * the endings. */
struct tn_code {
    int fd;                               /* owned; of the file */
    const struct tn_processor *processor; /* that the code is for */
    Elf *elf;                             /* owned */
    const uint8_t *file;                  /* the whole file; libelf's */
    size_t file_bytes;
    struct tn_map imports; /* word that the loader fills in -> name of the function, borrowed from elf */
    struct tn_map own_addresses;       /* word of .got that the loader fills in -> address in the module */
    Dwarf_CFI *unwind;                 /* owned; its unwind tables; NULL: it has none */
    bool can_be_followed;              /* a return address says where execution goes on */
    struct tn_code_direct_call *calls; /* owned; by target; NULL: not listed so far */
    size_t call_count;
    struct tn_code_direct_call *indirect; /* owned; what calls through pointers led to, in any order */
    size_t indirect_count;
    struct tn_map callee_pairs; /* call and place that were noted, so that each is looked at once */
    bool has_callees;           /* what they led to was asked for */
    struct tn_map *endings;     /* owned; entry of a function + 1 -> whether it returns; see no_return.c */
};

/* The code at an address, and how many bytes of it there are; NULL: there is none. */
const uint8_t *tn_code_at(const struct tn_code *code, uint64_t address, size_t *ret_size_bytes);

/* The instruction at an address. Returns whether one is known there. */
bool tn_code_read(const struct tn_code *code, uint64_t address, struct tn_instruction *ret_instruction);

/* Whether a call instruction ends at an address: only then is the address a return address. */
bool tn_code_is_behind_call(const struct tn_code *code, uint64_t address);

/* Whether the program's variables may lie at an address: in a segment that can be written, bytes that the
 * file does not hold included. */
bool tn_code_is_data(const struct tn_code *code, uint64_t address);

/* Whether the module is loaded where its file says, so that addresses stand in its code as numbers. */
bool tn_code_is_fixed(const struct tn_code *code);

/* Bytes of data or code that the file holds at an address. Returns whether it holds all of them; written only
 * then. */
bool tn_code_read_data(const struct tn_code *code, uint64_t address, uint8_t *ret_bytes, size_t size_bytes);

/* The signed number of 4 bytes at an address of data or code that the file holds. Returns whether it does. */
bool tn_code_read_offset(const struct tn_code *code, uint64_t address, int32_t *ret_offset);

#endif
