/* SPDX-License-Identifier: MIT */
/* A64 instructions that change where execution goes on, but by a displacement; and those that speak to the
 * system. Called by decode_aarch64.c. */
#include "encodings_aarch64.h"

/* br, blr, ret and their forms that check a signed address first: op is in bits 24 to 21. */
static void decode_jump(uint32_t word, struct tn_instruction *ret)
{
    uint32_t operation = word >> 21 & 15;
    ret->operands.aarch64.rn = tn_a64_register(word, 5);
    if (operation == 1 || operation == 9)
        ret->flow = TN_FLOW_CALL;
    else if (operation == 2)
        ret->flow = TN_FLOW_RETURN;
    else if (operation == 0 || operation == 8)
        ret->flow = TN_FLOW_INDIRECT;
    else
        ret->flow = TN_FLOW_STOP; /* eret, drps: for the kernel */
}

/* svc goes on; brk and hlt stop the program, which has no debugger. */
static void decode_exception(uint32_t word, struct tn_instruction *ret)
{
    bool is_call = (word & 0x00e0001f) == 0x00000001;
    ret->operands.aarch64.operation = TN_A64_KERNEL;
    ret->flow = is_call ? TN_FLOW_NEXT : TN_FLOW_STOP;
}

void tn_a64_decode_system(uint32_t word, struct tn_instruction *ret)
{
    struct tn_operands_aarch64 *operands = &ret->operands.aarch64;
    if ((word & 0xfe000000) == 0xd6000000) {
        decode_jump(word, ret);
    } else if ((word & 0xff000000) == 0xd4000000) {
        decode_exception(word, ret);
    } else if ((word & 0xffe00000) == 0xd5200000) { /* mrs, sysl */
        operands->operation = (word & 0x001fffe0) == 0x001bd040 ? TN_A64_THREAD : TN_A64_UNKNOWN;
        operands->rd = tn_a64_register(word, 0);
    } else {
        operands->operation = TN_A64_NOTHING; /* msr, barriers, hints: those sign and check x30 alone */
    }
}
