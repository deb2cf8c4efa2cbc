/* SPDX-License-Identifier: MIT */
#ifndef TN_CODE_OPERANDS_AARCH64_H
#define TN_CODE_OPERANDS_AARCH64_H

/* What an A64 instruction does to general registers and memory, as far as it is followed. For the files of
 * that processor, through decode.h. */

#include <stdbool.h>
#include <stdint.h>

/* General registers: 0 to 30, and the stack pointer. The zero register is TN_NO_REGISTER. */
enum { TN_A64_X0 = 0, TN_A64_FRAME = 29, TN_A64_LINK = 30, TN_A64_SP = 31 };

enum tn_a64_operation {
    TN_A64_NOTHING,    /* no general register, no memory: a hint, a comparison of which nothing is known */
    TN_A64_UNKNOWN,    /* rd, in a way that is not followed */
    TN_A64_COMPARE,    /* rn with immediate */
    TN_A64_NUMBER,     /* rd = immediate */
    TN_A64_INSERT,     /* rd, with 16 bits of it, from bit shift on, replaced by immediate: movk */
    TN_A64_ADDRESS,    /* rd = the instruction's own address + immediate */
    TN_A64_PAGE,       /* the same of the page of 4 KiB that it lies in */
    TN_A64_ADD,        /* rd = rn + other; these five: other is immediate, or rm extended and shifted left */
    TN_A64_SUBTRACT,   /* rd = rn - other */
    TN_A64_AND,        /* rd = rn & other */
    TN_A64_OR,         /* rd = rn | other: also moves between registers */
    TN_A64_XOR,        /* rd = rn ^ other */
    TN_A64_MULTIPLY,   /* rd = ra + rn * rm; is_negative: ra - rn * rm */
    TN_A64_SHIFT,      /* rd = rn << immediate; below 0: shifted right */
    TN_A64_EXTEND,     /* rd = the low field_bits of rn, extended by zeros or the sign */
    TN_A64_SELECT,     /* rd = rn, or rm: changed as selection says */
    TN_A64_LOAD,       /* rd from memory; ra, too, from behind it */
    TN_A64_STORE,      /* rd to memory; ra, too, behind it */
    TN_A64_EXCHANGE,   /* rm to memory, rd from it: swp, cas */
    TN_A64_UPDATE,     /* memory is computed, rd has something unknown: ldadd and the like */
    TN_A64_VECTOR,     /* works on vector registers; see vector_operation */
    TN_A64_THREAD,     /* rd = the thread's own block */
    TN_A64_KERNEL,     /* a system call */
    TN_A64_MOVE_STACK, /* the stack pointer, by an unknown amount */
};

/* How rm is taken as the second operand or as an index. */
enum tn_a64_extension {
    TN_A64_WHOLE,       /* all of it, shifted left by shift */
    TN_A64_SIGNED_WORD, /* its low 32 bits, with sign, shifted left by shift */
    TN_A64_WORD,        /* without sign */
    TN_A64_OTHER,       /* part of it, or shifted right: not followed */
};

/* What the second of two registers is changed by before it is chosen. */
enum tn_a64_selection { TN_A64_AS_IS, TN_A64_INCREMENT, TN_A64_INVERT, TN_A64_NEGATE };

/* Where memory lies. */
enum tn_a64_mode {
    TN_A64_OFFSET,  /* rn + immediate */
    TN_A64_PRE,     /* the same, and rn becomes that address */
    TN_A64_POST,    /* rn, and rn + immediate becomes rn */
    TN_A64_INDEXED, /* rn + rm, extended and shifted */
    TN_A64_LITERAL, /* the instruction's own address + immediate */
};

/* Which vector registers an instruction works on, in halves of eight bytes. */
enum tn_a64_vector_operation {
    TN_A64_VECTOR_CLEAR,        /* rd holds something else */
    TN_A64_VECTOR_CLEAR_FOUR,   /* rd and the three behind it: loads of several registers */
    TN_A64_VECTOR_TO_MEMORY,    /* something is stored that is not followed */
    TN_A64_VECTOR_LOAD,         /* rd from memory, ra too */
    TN_A64_VECTOR_STORE,        /* rd to memory, ra too */
    TN_A64_VECTOR_MOVE,         /* rd = rn */
    TN_A64_VECTOR_LOW,          /* the low half of rd = that of rn, the high one is cleared */
    TN_A64_VECTOR_LOW_LOW,      /* both halves of rd: the low ones of rn and rm */
    TN_A64_VECTOR_HIGH_HIGH,    /* their high ones */
    TN_A64_VECTOR_FROM_GENERAL, /* the low half of rd = general register rn; the other one is cleared */
    TN_A64_VECTOR_INSERT,       /* target_half of rd = general register rn; the other one stays */
    TN_A64_VECTOR_BOTH,         /* both halves = general register rn */
    TN_A64_VECTOR_INSERT_HALF,  /* target_half of rd = source_half of rn */
    TN_A64_VECTOR_REPEAT,       /* both halves of rd = source_half of rn */
    TN_A64_VECTOR_TO_GENERAL,   /* general register rd = source_half of rn */
    TN_A64_VECTOR_GENERAL,      /* general register rd = something that is not followed; perhaps the vector
                                   register is meant */
};

/* What an instruction works on. Written by the decoder; what an operation does not name is TN_NO_REGISTER or
 * 0. */
struct tn_operands_aarch64 {
    enum tn_a64_operation operation;
    enum tn_a64_vector_operation vector_operation; /* of VECTOR */
    uint8_t rd, rn, rm, ra;
    uint8_t status; /* a general register that gets something unknown, too: stxr */
    bool is_wide;   /* works on 64 bits; else results have 32, and zeros above */
    bool has_rm;    /* ADD to XOR: the second operand is a register */
    bool is_negative;
    bool is_signed; /* EXTEND, LOAD of less than a register, and rm with OTHER: the sign is kept */
    enum tn_a64_extension extension;
    enum tn_a64_selection selection;
    enum tn_a64_mode mode;            /* of memory */
    uint8_t bytes;                    /* in memory, of one register: 1, 2, 4, 8, 16 */
    uint8_t shift;                    /* of rm: bits to the left; INSERT: lowest bit */
    uint8_t field_bits;               /* of EXTEND, and of rm with OTHER: the low bits that are taken */
    uint8_t target_half, source_half; /* 0 or 1 */
    int64_t immediate;
};

#endif
