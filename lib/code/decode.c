/* SPDX-License-Identifier: MIT */
/* Length and control flow of one x86-64 instruction, by tables of the opcode maps. Everything else about an
 * instruction is skipped. Called for each instruction that follow.c visits. */
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

/* Opcode maps, as VEX and EVEX number them. */
enum map { MAP_ONE, MAP_TWO, MAP_0F38, MAP_0F3A };

struct decoder {
    const uint8_t *bytes;
    size_t size_bytes;
    size_t at;
    bool has_operand_prefix, has_address_prefix, has_wide; /* 66, 67, REX.W */
    bool is_vector;                                        /* VEX or EVEX */
    enum map map;
    uint8_t opcode, modrm;
};

static int take(struct decoder *decoder, uint8_t *ret_byte)
{
    if (decoder->at >= decoder->size_bytes)
        return -EINVAL;
    *ret_byte = decoder->bytes[decoder->at++];
    return 0;
}

/* A little-endian signed number of 1 or 4 bytes that ends the instruction. */
static int64_t last_number(const struct decoder *decoder, size_t size_bytes)
{
    const uint8_t *bytes = decoder->bytes + decoder->at - size_bytes;
    if (size_bytes == 1)
        return (int8_t)bytes[0];
    return (int32_t)((uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
                     (uint32_t)bytes[3] << 24);
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
        r = take(decoder, &byte);
    }
    if (r == 0 && (byte & 0xf0) == 0x40) {
        decoder->has_wide = (byte & 8) != 0;
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
    decoder->map = map == 1 ? MAP_TWO : map == 3 ? MAP_0F3A : MAP_0F38;
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
    decoder->map = MAP_TWO;
    r = take(decoder, &decoder->opcode);
    if (r < 0 || (decoder->opcode != 0x38 && decoder->opcode != 0x3a))
        return r;
    decoder->map = decoder->opcode == 0x38 ? MAP_0F38 : MAP_0F3A;
    return take(decoder, &decoder->opcode);
}

static enum form form_of(const struct decoder *decoder)
{
    switch (decoder->map) {
    case MAP_0F38:
        return M;
    case MAP_0F3A:
        return b;
    case MAP_TWO:
        return (enum form)two_byte[decoder->opcode];
    default:
        return (enum form)one_byte[decoder->opcode];
    }
}

/* ModRM, SIB and displacement. */
static int take_modrm(struct decoder *decoder)
{
    uint8_t sib = 0;
    int r = take(decoder, &decoder->modrm);
    unsigned mode = decoder->modrm >> 6, base = decoder->modrm & 7;
    if (r < 0 || mode == 3)
        return r;
    if (base == 4) {
        r = take(decoder, &sib);
        base = sib & 7;
    }
    if (mode == 1)
        decoder->at += 1;
    else if (mode == 2 || (mode == 0 && base == 5))
        decoder->at += 4;
    return r;
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
    if (decoder->is_vector || decoder->map > MAP_TWO)
        return TN_FLOW_NEXT;
    if (decoder->map == MAP_TWO) {
        if (decoder->opcode == 0x0b)
            return TN_FLOW_END;
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
    case 0xca:
    case 0xcb:
    case 0xcf:
    case 0xf4:
        return TN_FLOW_END;
    case 0xff:
        if (extension == 4 && (decoder->modrm & 0xc7) == 0x05)
            return TN_FLOW_END;
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

int tn_decode(const uint8_t *bytes, size_t size_bytes, struct tn_instruction *ret_instruction)
{
    struct decoder decoder = {.bytes = bytes, .size_bytes = size_bytes < 15 ? size_bytes : 15};
    int result = take_opcode(&decoder);
    if (result < 0)
        return result;
    enum form form = form_of(&decoder);
    bool is_group3 = decoder.map == MAP_ONE && (decoder.opcode == 0xf6 || decoder.opcode == 0xf7);
    if (form == X || (form == P && !is_group3))
        return -EINVAL;
    if (form == M || form == b || form == z || is_group3)
        result = take_modrm(&decoder);
    if (is_group3)
        form = form_of_group3(&decoder);
    decoder.at += operand_bytes(&decoder, form);
    if (result < 0 || decoder.at > decoder.size_bytes)
        return -EINVAL;
    bool is_relative = form == J || form == K;
    *ret_instruction = (struct tn_instruction){
        .size_bytes = (uint32_t)decoder.at,
        .flow = flow_of(&decoder),
        .displacement = is_relative ? last_number(&decoder, form == J ? 1 : 4) : 0,
    };
    return 0;
}
