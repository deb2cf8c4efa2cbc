/* SPDX-License-Identifier: MIT */
#ifndef TN_CODE_PROCESSOR_H
#define TN_CODE_PROCESSOR_H

/* All that reading code has to know of a processor: one table for each, chosen by the module's own file, so
 * that any processor's code can be read on any other. For all files of lib/code. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tn_code;
struct tn_code_values;
struct tn_holders;
struct tn_instruction;
struct tn_stored;

#define TN_REGISTERS     32u /* general registers, and the stack pointer, of any processor */
#define TN_ARGUMENTS_MAX 8u  /* that are passed in registers */

/* Instructions that look like a call to another function, and are none: see hand_back.c. */
enum tn_thunk { TN_THUNK_NONE, TN_THUNK_RETURN, TN_THUNK_POINTER };

/* A processor, and how its ABI uses it. Registers are numbered as its instructions do. */
struct tn_processor {
    uint16_t machine;           /* e_machine of an ELF file */
    uint8_t register_count;     /* at most TN_REGISTERS */
    uint8_t stack_register;     /* stack pointer */
    uint8_t frame_register;     /* frame pointer */
    uint8_t result_register;    /* what a function gives back */
    uint8_t argument_count;     /* at most TN_ARGUMENTS_MAX */
    const uint8_t *arguments;   /* the registers they are passed in, by index */
    const uint8_t *lost;        /* registers that a call may change */
    size_t lost_count;          /* of these */
    uint32_t entry_base;        /* register of the CFA at a function's entry, as unwind tables number it */
    int64_t entry_offset_bytes; /* of the CFA from it */
    uint32_t import_types[2];   /* relocations of a word that gets a symbol's address */
    uint32_t own_type; /* relocation of a word of .got that gets an address of the module itself; 0: variables
                          of the module are not found by such words */
    unsigned stub_instructions; /* of the stub of an imported function, at most */
    uint32_t call_bytes_min;    /* size of a call */
    uint32_t call_bytes_max;    /* the same */
    uint32_t direct_call_bytes; /* size of a call that names its target */

    /* Decode the instruction at an address. Returns whether one is known there. */
    bool (*read)(const struct tn_code *code, uint64_t address, struct tn_instruction *ret_instruction);

    /* Take an instruction that is neither a call nor a jump nor a return. end: address behind it */
    void (*step)(struct tn_code_values *values, const struct tn_instruction *instruction, uint64_t end);

    /* The same for what may hold a block. */
    void (*step_holders)(struct tn_holders *holders, const struct tn_instruction *instruction, uint64_t end);

    /* Whether an instruction stores registers in memory. ret_stored: written only then */
    bool (*stores)(const struct tn_code_values *values, const struct tn_instruction *instruction,
                   uint64_t end, struct tn_stored *ret_stored);

    /* What a function is that begins with an instruction. NULL: the processor has no such functions */
    enum tn_thunk (*thunk)(const struct tn_instruction *first);
};

extern const struct tn_processor tn_processor_x86_64, tn_processor_aarch64;

/* The processor of a machine as ELF files name it; NULL: its code cannot be read. */
const struct tn_processor *tn_processor_find(uint16_t machine);

/* The index of the argument that a register passes; argument_count: none. */
unsigned tn_processor_argument(const struct tn_processor *processor, uint8_t reg);

#endif
