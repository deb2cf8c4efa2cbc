/* SPDX-License-Identifier: MIT */
/* Writes an ELF file of 64-bit Arm: each address in it is its offset in the file. See arm_module.h. */
#include "arm_module.h"

#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define STUBS_AT    0x400u  /* of malloc, memcpy, abort: 16 bytes each, as the linker writes them */
#define HEADER_AT   0x6000u /* search table of the unwind tables */
#define FRAMES_AT   0x6800u
#define SYMBOLS_AT  0x7800u
#define NAMES_AT    0x7900u
#define RELOCS_AT   0x7a00u
#define GOT_AT      0x8000u /* malloc, memcpy, abort, a variable of another module, one of this module */
#define VARIABLE_AT 0x8100u
#define TABLE_AT    0x8200u /* of a switch */
#define SECTIONS_AT 0x9000u
#define FILE_BYTES  0xa000u
#define FRAME_BYTES 20u /* of a function's entry in the unwind tables */
#define GOT_WORDS   5u

static const char names[] = "\0malloc\0memcpy\0abort\0environ\0.got";
static const uint32_t name_offsets[] = {1, 8, 15, 21};
#define NAME_OF_GOT 29u

static const struct arm_function *function_at(size_t index)
{
    static const struct arm_function *const groups[] = {arm_sizes, arm_back, arm_stores, arm_follow};
    const size_t counts[] = {arm_sizes_count, arm_back_count, arm_stores_count, arm_follow_count};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); index -= counts[i++])
        if (index < counts[i])
            return &groups[i][index];
    return NULL;
}

static size_t count_words(const struct arm_function *function)
{
    size_t count = 0;
    while (count < ARM_WORDS_MAX && function->words[count] != 0)
        count++;
    return count;
}

static void put(uint8_t *file, uint64_t at, uint32_t word)
{
    memcpy(file + at, &word, sizeof(word));
}

/* adrp x16, GOT; ldr x17, [x16, #n]; add x16, x16, #n; br x17 */
static void write_stubs(uint8_t *file)
{
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t at = STUBS_AT + 16 * i;
        put(file, at, 0x90000050);
        put(file, at + 4, 0xf9400211 | i << 10);
        put(file, at + 8, 0x91000210 | i << 13);
        put(file, at + 12, 0xd61f0220);
    }
}

/* A common part, and for each function its begin and size: the frame is the stack pointer's all the way,
 * which is true at the begin. */
static void write_frames(uint8_t *file)
{
    static const uint8_t common[] = {20, 0,    0,  0, 0,    0,    0,  0, 1, 'z', 'R', 0,
                                     4,  0x78, 30, 1, 0x1b, 0x0c, 31, 0, 0, 0,   0,   0};
    size_t count = 0;
    memcpy(file + FRAMES_AT, common, sizeof(common));
    for (const struct arm_function *function; (function = function_at(count)) != NULL; count++) {
        uint32_t at = (uint32_t)(FRAMES_AT + sizeof(common) + count * FRAME_BYTES);
        put(file, at, FRAME_BYTES - 4);
        put(file, at + 4, at + 4 - FRAMES_AT);
        put(file, at + 8, (uint32_t)function->address - (at + 8));
        put(file, at + 12, (uint32_t)(count_words(function) * 4));
        put(file, (uint32_t)(HEADER_AT + 12 + 8 * count), (uint32_t)function->address - HEADER_AT);
        put(file, (uint32_t)(HEADER_AT + 16 + 8 * count), at - HEADER_AT);
    }
    put(file, HEADER_AT, 0x3b031b01);
    put(file, HEADER_AT + 4, FRAMES_AT - (HEADER_AT + 4));
    put(file, HEADER_AT + 8, (uint32_t)count);
}

static void write_relocations(uint8_t *file)
{
    for (uint32_t i = 0; i < GOT_WORDS; i++) {
        Elf64_Rela relocation = {.r_offset = GOT_AT + 8 * i,
                                 .r_info =
                                     ELF64_R_INFO(i + 1, i < 3 ? R_AARCH64_JUMP_SLOT : R_AARCH64_GLOB_DAT)};
        Elf64_Sym symbol = {0};
        if (i == GOT_WORDS - 1) {
            relocation.r_info = ELF64_R_INFO(0, R_AARCH64_RELATIVE);
            relocation.r_addend = VARIABLE_AT;
        } else {
            symbol.st_name = name_offsets[i];
            memcpy(file + SYMBOLS_AT + (i + 1) * sizeof(symbol), &symbol, sizeof(symbol));
        }
        memcpy(file + RELOCS_AT + i * sizeof(relocation), &relocation, sizeof(relocation));
    }
    memcpy(file + NAMES_AT, names, sizeof(names));
    memcpy(file + TABLE_AT, "\0\2\4", 3);
}

static void write_headers(uint8_t *file)
{
    const Elf64_Ehdr header = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_DYN,
        .e_machine = EM_AARCH64,
        .e_version = EV_CURRENT,
        .e_phoff = sizeof(Elf64_Ehdr),
        .e_shoff = SECTIONS_AT,
        .e_ehsize = sizeof(Elf64_Ehdr),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = 3,
        .e_shentsize = sizeof(Elf64_Shdr),
        .e_shnum = 5,
        .e_shstrndx = 2,
    };
    const Elf64_Phdr segments[] = {
        {.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_filesz = GOT_AT, .p_memsz = GOT_AT},
        {.p_type = PT_LOAD,
         .p_flags = PF_R | PF_W,
         .p_offset = GOT_AT,
         .p_vaddr = GOT_AT,
         .p_filesz = 0x1000,
         .p_memsz = 0x1000},
        {.p_type = PT_GNU_EH_FRAME,
         .p_flags = PF_R,
         .p_offset = HEADER_AT,
         .p_vaddr = HEADER_AT,
         .p_filesz = 0x800,
         .p_memsz = 0x800},
    };
    const Elf64_Shdr sections[] = {
        {.sh_type = SHT_NULL},
        {.sh_type = SHT_DYNSYM,
         .sh_offset = SYMBOLS_AT,
         .sh_addr = SYMBOLS_AT,
         .sh_size = 5 * sizeof(Elf64_Sym),
         .sh_link = 2,
         .sh_entsize = sizeof(Elf64_Sym)},
        {.sh_type = SHT_STRTAB, .sh_offset = NAMES_AT, .sh_addr = NAMES_AT, .sh_size = sizeof(names)},
        {.sh_type = SHT_RELA,
         .sh_offset = RELOCS_AT,
         .sh_addr = RELOCS_AT,
         .sh_size = GOT_WORDS * sizeof(Elf64_Rela),
         .sh_link = 1,
         .sh_entsize = sizeof(Elf64_Rela)},
        {.sh_name = NAME_OF_GOT,
         .sh_type = SHT_PROGBITS,
         .sh_offset = GOT_AT,
         .sh_addr = GOT_AT,
         .sh_size = 8 * GOT_WORDS},
    };
    memcpy(file, &header, sizeof(header));
    memcpy(file + header.e_phoff, segments, sizeof(segments));
    memcpy(file + header.e_shoff, sections, sizeof(sections));
}

struct tn_code *arm_module_open(void)
{
    char path[] = "/tmp/tenure-arm-XXXXXX";
    struct tn_code *code = NULL;
    uint8_t *file = calloc(1, FILE_BYTES);
    int fd = mkstemp(path);
    assert_non_null(file);
    assert_true(fd >= 0);
    write_headers(file);
    write_stubs(file);
    write_frames(file);
    write_relocations(file);
    for (size_t i = 0; function_at(i) != NULL; i++)
        memcpy(file + function_at(i)->address, function_at(i)->words, count_words(function_at(i)) * 4);
    assert_int_equal(write(fd, file, FILE_BYTES), FILE_BYTES);
    assert_int_equal(tn_code_open(path, "", &code), 0);
    close(fd);
    unlink(path);
    free(file);
    return code;
}

static const struct arm_function *find(const char *name)
{
    for (size_t i = 0; function_at(i) != NULL; i++)
        if (strcmp(function_at(i)->name, name) == 0)
            return function_at(i);
    fail_msg("there is no function %s", name);
    return NULL;
}

uint64_t arm_function_at(const char *name)
{
    return find(name)->address;
}

uint64_t arm_call_in(const char *name, unsigned index)
{
    const struct arm_function *function = find(name);
    for (unsigned i = 0; i < ARM_WORDS_MAX; i++)
        if (function->words[i] >> 26 == 0x25 && index-- == 0)
            return function->address + 4 * (i + 1);
    fail_msg("%s has not so many calls", name);
    return 0;
}
