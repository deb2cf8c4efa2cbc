/* SPDX-License-Identifier: MIT */
/* Length, control flow and operands of one x86-64 instruction, by tables of the opcode maps. What the
 * instruction does is left to others. Called for each instruction that is read, through
 * processor_x86_64.c. */
#include "decode.h"

#include <errno.h>
#include <stdbool.h>

/* What follows the bytes of an opcode. From the opcode maps of Intel's Software Developer's Manual, volume 2,
 * appendix A. */
enum form {
    X, /* not valid in 64-bit mode, or for the kernel only */
    N, /* nothing */
    M, /* ModRM */
    B, /* one byte */
    W, /* a word of two bytes */
    Z, /* four bytes, or two after an operand-size prefix */
    V, /* eight bytes after REX.W, else as Z */
    O, /* an address: eight bytes, or four after an address-size prefix */
    E, /* two bytes and one (enter) */
    b, /* ModRM and one byte */
    z, /* ModRM and Z */
    J, /* a displacement of one byte */
    K, /* a displacement of four bytes */
    P, /* a prefix, an escape, or told apart by ModRM: handled before */
};

static const uint8_t one_byte[256] = {
    M, M, M, M, B, Z, X, X, M, M, M, M, B, Z, X, P, /* 00 */
    M, M, M, M, B, Z, X, X, M, M, M, M, B, Z, X, X, /* 10 */
    M, M, M, M, B, Z, P, X, M, M, M, M, B, Z, P, X, /* 20 */
    M, M, M, M, B, Z, P, X, M, M, M, M, B, Z, P, X, /* 30 */
    P, P, P, P, P, P, P, P, P, P, P, P, P, P, P, P, /* 40 */
    N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, /* 50 */
    X, X, P, M, P, P, P, P, Z, z, B, b, N, N, N, N, /* 60 */
    J, J, J, J, J, J, J, J, J, J, J, J, J, J, J, J, /* 70 */
    b, z, X, b, M, M, M, M, M, M, M, M, M, M, M, M, /* 80 */
    N, N, N, N, N, N, N, N, N, N, X, N, N, N, N, N, /* 90 */
    O, O, O, O, N, N, N, N, B, Z, N, N, N, N, N, N, /* a0 */
    B, B, B, B, B, B, B, B, V, V, V, V, V, V, V, V, /* b0 */
    b, b, W, N, P, P, b, z, E, N, W, N, N, B, X, N, /* c0 */
    M, M, M, M, X, X, X, N, M, M, M, M, M, M, M, M, /* d0 */
    J, J, J, J, B, B, B, B, K, K, X, J, N, N, N, N, /* e0 */
    P, N, P, P, N, N, P, P, N, N, N, N, N, N, M, M, /* f0 */
};

static const uint8_t two_byte[256] = {
    M, M, M, M, X, N, N, N, N, N, X, N, X, M, N, b, /* 00 */
    M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, /* 10 */
    M, M, M, M, X, X, X, X, M, M, M, M, M, M, M, M, /* 20 */
    N, N, N, N, N, N, X, N, P, X, P, X, X, X, X, X, /* 30 */
    M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, /* 40 */
    M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, /* 50 */
    M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, /* 60 */
    b, b, b, b, M, M, M, N, M, M, X, X, M, M, M, M, /* 70 */
    K, K, K, K, K, K, K, K, K, K, K, K, K, K, K, K, /* 80 */
    M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, /* 90 */
    N, N, N, M, b, M, X, X, N, N, N, M, b, M, M, M, /* a0 */
    M, M, M, M, M, M, M, M, M, M, b, M, M, M, M, M, /* b0 */
    M, M, b, M, b, b, b, M, N, N, N, N, N, N, N, N, /* c0 */
    M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, /* d0 */
    M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, /* e0 */
    M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, /* f0 */
};

struct decoder {
    const uint8_t *bytes;
    size_t size_bytes;
    size_t at;
    bool has_operand_prefix, has_address_prefix, has_wide; /* 66, 67, REX.W */
    bool has_repeat;                                       /* f2, f3 */
    bool has_thread;                                       /* 64, 65: fs, gs */
    bool is_vector;                                        /* VEX or EVEX */
    enum tn_opcode_map map;
    uint8_t rex; /* 0: none */
    uint8_t opcode, modrm, sib;
    bool has_modrm, has_sib;
    int32_t memory_displacement;
};

static int take(struct decoder *decoder, uint8_t *ret_byte)
{
    if (decoder->at >= decoder->size_bytes)
        return -EINVAL;
    *ret_byte = decoder->bytes[decoder->at++];
    return 0;
}

static bool is_prefix(uint8_t byte)
{
    return byte == 0x66 || byte == 0x67 || byte == 0xf0 || byte == 0xf2 || byte == 0xf3 || byte == 0x2e ||
           byte == 0x36 || byte == 0x3e || byte == 0x26 || byte == 0x64 || byte == 0x65;
}

static int take_prefixes(struct decoder *decoder)
{
    uint8_t byte = 0;
    int r = take(decoder, &byte);
    while (r == 0 && is_prefix(byte)) {
        decoder->has_operand_prefix |= byte == 0x66;
        decoder->has_address_prefix |= byte == 0x67;
        decoder->has_repeat |= byte == 0xf2 || byte == 0xf3;
        decoder->has_thread |= byte == 0x64 || byte == 0x65;
        r = take(decoder, &byte);
    }
    if (r == 0 && (byte & 0xf0) == 0x40) {
        decoder->has_wide = (byte & 8) != 0;
        decoder->rex = byte;
        r = take(decoder, &byte);
    }
    decoder->opcode = byte;
    return r;
}

/* VEX (c4, c5) and EVEX (62) prefixes hold the map in their first byte. */
static int take_vector_prefix(struct decoder *decoder)
{
    uint8_t first = 0, unused = 0;
    uint8_t kind = decoder->opcode;
    int r = take(decoder, &first);
    unsigned map = kind == 0xc5 ? 1 : kind == 0xc4 ? first & 0x1f : first & 7;
    for (unsigned i = kind == 0xc4 ? 1 : kind == 0x62 ? 2 : 0; r == 0 && i > 0; i--)
        r = take(decoder, &unused);
    if (r == 0)
        r = take(decoder, &decoder->opcode);
    decoder->is_vector = true;
    decoder->map = map == 1 ? TN_MAP_TWO : map == 3 ? TN_MAP_0F3A : TN_MAP_0F38;
    bool is_known = (map >= 1 && map <= 3) || (kind == 0x62 && (map == 5 || map == 6));
    return r < 0 || !is_known ? -EINVAL : 0;
}

static int take_opcode(struct decoder *decoder)
{
    int r = take_prefixes(decoder);
    if (r < 0)
        return r;
    if (decoder->opcode == 0xc4 || decoder->opcode == 0xc5 || decoder->opcode == 0x62)
        return take_vector_prefix(decoder);
    if (decoder->opcode != 0x0f)
        return 0;
    decoder->map = TN_MAP_TWO;
    r = take(decoder, &decoder->opcode);
    if (r < 0 || (decoder->opcode != 0x38 && decoder->opcode != 0x3a))
        return r;
    decoder->map = decoder->opcode == 0x38 ? TN_MAP_0F38 : TN_MAP_0F3A;
    return take(decoder, &decoder->opcode);
}

static enum form form_of(const struct decoder *decoder)
{
    switch (decoder->map) {
    case TN_MAP_0F38:
        return M;
    case TN_MAP_0F3A:
        return b;
    case TN_MAP_TWO:
        return (enum form)two_byte[decoder->opcode];
    default:
        return (enum form)one_byte[decoder->opcode];
    }
}

/* A little-endian signed number of 1, 2, 4 or 8 bytes. */
static int64_t number_at(const uint8_t *bytes, size_t size_bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size_bytes; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    switch (size_bytes) {
    case 1:
        return (int8_t)value;
    case 2:
        return (int16_t)value;
    case 4:
        return (int32_t)value;
    default:
        return (int64_t)value;
    }
}

/* ModRM, SIB and displacement. */
static int take_modrm(struct decoder *decoder)
{
    int r = take(decoder, &decoder->modrm);
    unsigned mode = decoder->modrm >> 6, base = decoder->modrm & 7;
    decoder->has_modrm = true;
    if (r < 0 || mode == 3)
        return r;
    if (base == 4) {
        r = take(decoder, &decoder->sib);
        decoder->has_sib = true;
        base = decoder->sib & 7;
    }
    size_t size_bytes = mode == 1 ? 1 : mode == 2 || (mode == 0 && base == 5) ? 4 : 0;
    if (r < 0 || decoder->size_bytes - decoder->at < size_bytes)
        return -EINVAL;
    if (size_bytes != 0)
        decoder->memory_displacement = (int32_t)number_at(decoder->bytes + decoder->at, size_bytes);
    decoder->at += size_bytes;
    return 0;
}

static size_t operand_bytes(const struct decoder *decoder, enum form form)
{
    size_t word = decoder->has_operand_prefix && !decoder->has_wide ? 2 : 4;
    switch (form) {
    case B:
    case b:
    case J:
        return 1;
    case W:
        return 2;
    case E:
        return 3;
    case K:
        return 4;
    case Z:
    case z:
        return word;
    case V:
        return decoder->has_wide ? 8 : word;
    case O:
        return decoder->has_address_prefix ? 4 : 8;
    default:
        return 0;
    }
}

/* A jump through a fixed memory location is how imported functions are reached: the function ends by calling
 * another one. A switch jumps through a register, or with an index. */
static enum tn_instruction_flow flow_of(const struct decoder *decoder)
{
    unsigned extension = decoder->modrm >> 3 & 7;
    if (decoder->is_vector || decoder->map > TN_MAP_TWO)
        return TN_FLOW_NEXT;
    if (decoder->map == TN_MAP_TWO) {
        if (decoder->opcode == 0x0b)
            return TN_FLOW_STOP;
        return (decoder->opcode & 0xf0) == 0x80 ? TN_FLOW_BRANCH : TN_FLOW_NEXT;
    }
    switch (decoder->opcode) {
    case 0xe8:
        return TN_FLOW_CALL;
    case 0xe9:
    case 0xeb:
        return TN_FLOW_JUMP;
    case 0xc2:
    case 0xc3:
        return TN_FLOW_RETURN;
    case 0xca:
    case 0xcb:
    case 0xcf:
    case 0xf4:
        return TN_FLOW_STOP; /* far returns: no program has them */
    case 0xff:
        if (extension == 4 && (decoder->modrm & 0xc7) == 0x05)
            return TN_FLOW_LEAVE;
        return extension == 2 || extension == 3   ? TN_FLOW_CALL
               : extension == 4 || extension == 5 ? TN_FLOW_INDIRECT
                                                  : TN_FLOW_NEXT;
    default:
        return (decoder->opcode & 0xf0) == 0x70 || (decoder->opcode & 0xfc) == 0xe0 ? TN_FLOW_BRANCH
                                                                                    : TN_FLOW_NEXT;
    }
}

/* test has an immediate; the other instructions of this opcode have none. */
static enum form form_of_group3(const struct decoder *decoder)
{
    if ((decoder->modrm >> 3 & 7) > 1)
        return M;
    return decoder->opcode == 0xf6 ? b : z;
}

/* The registers of ModRM and SIB, as numbers from 0 to 15. */
static void fill_registers(const struct decoder *decoder, struct tn_operands_x86_64 *operands)
{
    unsigned mode = decoder->modrm >> 6, low = decoder->modrm & 7;
    operands->has_modrm = true;
    operands->reg = (uint8_t)((decoder->modrm >> 3 & 7) | (decoder->rex & 4) << 1);
    operands->is_memory = mode != 3;
    operands->rm = (uint8_t)(low | (decoder->rex & 1) << 3);
    operands->base =
        decoder->has_sib ? (uint8_t)((decoder->sib & 7) | (decoder->rex & 1) << 3) : operands->rm;
    operands->index = TN_NO_REGISTER;
    operands->scale = (uint8_t)(1u << (decoder->sib >> 6));
    unsigned index = (decoder->sib >> 3 & 7u) | (decoder->rex & 2u) << 2;
    if (decoder->has_sib && index != 4)
        operands->index = (uint8_t)index;
    operands->is_rip_relative = mode == 0 && low == 5;
    if (operands->is_rip_relative || (decoder->has_sib && mode == 0 && (decoder->sib & 7) == 5))
        operands->base = TN_NO_REGISTER;
    operands->memory_displacement = decoder->memory_displacement;
}

static struct tn_operands_x86_64 operands_of(const struct decoder *decoder, size_t immediate_bytes)
{
    struct tn_operands_x86_64 operands = {.map = decoder->map,
                                          .opcode = decoder->opcode,
                                          .is_vector = decoder->is_vector,
                                          .is_wide = decoder->has_wide,
                                          .is_short = decoder->has_operand_prefix && !decoder->has_wide,
                                          .has_repeat = decoder->has_repeat,
                                          .is_thread_local = decoder->has_thread,
                                          .has_rex = decoder->rex != 0};
    operands.rm = (uint8_t)((decoder->opcode & 7) | (decoder->rex & 1) << 3);
    if (decoder->has_modrm)
        fill_registers(decoder, &operands);
    if (immediate_bytes == 1 || immediate_bytes == 2 || immediate_bytes == 4 || immediate_bytes == 8)
        operands.immediate = number_at(decoder->bytes + decoder->at - immediate_bytes, immediate_bytes);
    return operands;
}

/* je, and jne. */
static enum tn_zero_way zero_of(const struct decoder *decoder, enum tn_instruction_flow flow)
{
    unsigned condition = decoder->opcode & 0xfu;
    if (flow != TN_FLOW_BRANCH || (decoder->map == TN_MAP_ONE && (decoder->opcode & 0xf0) != 0x70))
        return TN_ZERO_UNTOLD;
    return condition == 4 ? TN_ZERO_TAKEN : condition == 5 ? TN_ZERO_PASSED : TN_ZERO_UNTOLD;
}

int tn_decode_x86_64(const uint8_t *bytes, size_t size_bytes, struct tn_instruction *ret_instruction)
{
    struct decoder decoder = {.bytes = bytes, .size_bytes = size_bytes < 15 ? size_bytes : 15};
    int result = take_opcode(&decoder);
    if (result < 0)
        return result;
    enum form form = form_of(&decoder);
    bool is_group3 = decoder.map == TN_MAP_ONE && (decoder.opcode == 0xf6 || decoder.opcode == 0xf7);
    if (form == X || (form == P && !is_group3))
        return -EINVAL;
    if (form == M || form == b || form == z || is_group3)
        result = take_modrm(&decoder);
    if (is_group3)
        form = form_of_group3(&decoder);
    size_t immediate_bytes = operand_bytes(&decoder, form);
    decoder.at += immediate_bytes;
    if (result < 0 || decoder.at > decoder.size_bytes)
        return -EINVAL;
    bool is_relative = form == J || form == K;
    *ret_instruction = (struct tn_instruction){
        .size_bytes = (uint32_t)decoder.at,
        .flow = flow_of(&decoder),
        .operands.x86_64 = operands_of(&decoder, immediate_bytes),
    };
    if (is_relative)
        ret_instruction->displacement = ret_instruction->operands.x86_64.immediate;
    ret_instruction->zero = zero_of(&decoder, ret_instruction->flow);
    ret_instruction->zero_register = TN_NO_REGISTER;
    ret_instruction->is_direct = is_relative && ret_instruction->flow == TN_FLOW_CALL;
    return 0;
}
