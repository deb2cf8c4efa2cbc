/* SPDX-License-Identifier: MIT */
/* What the decoder of A64 says of each word on stdin, one a line. For instructions.py.
 *
 * usage: print_instructions <WORDS   words of 4 bytes
 * prints of each: flow, displacement, operation, operation on vectors, rd, rn, rm, ra, bytes, mode,
 * immediate; or - */
#include "decode.h"

#include <stdio.h>

int main(void)
{
    uint8_t bytes[4];
    while (fread(bytes, sizeof(bytes), 1, stdin) == 1) {
        struct tn_instruction instruction;
        if (tn_decode_aarch64(bytes, sizeof(bytes), &instruction) < 0) {
            puts("-");
            continue;
        }
        const struct tn_operands_aarch64 *operands = &instruction.operands.aarch64;
        printf("%d %lld %d %d %d %d %d %d %d %d %lld\n", (int)instruction.flow,
               (long long)instruction.displacement, (int)operands->operation, (int)operands->vector_operation,
               operands->rd, operands->rn, operands->rm, operands->ra, operands->bytes, (int)operands->mode,
               (long long)operands->immediate);
    }
    return 0;
}
