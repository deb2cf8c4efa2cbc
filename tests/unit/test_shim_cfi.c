/* SPDX-License-Identifier: MIT */
/* Rules read from unwind tables, against elfutils' reading of the same tables: every description of the C
 * library, at its beginning, in its middle and at its end. And damaged tables: whatever stands in them,
 * nothing outside of them is read. */
#include "arch.h"
#include "cfi.h"
#include "rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <gelf.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define REG_FP         TN_ARCH_CFI_FP
#define REG_SP         TN_ARCH_CFI_SP
#define REG_PC         TN_ARCH_CFI_RETURN
#define COUNT_MIN      2000 /* descriptions that must have been seen */
#define DAMAGES        3000
#define TRIES          20
#define TAIL_BYTES     ((size_t)4096)
#define HEADER_PROGRAM PT_GNU_EH_FRAME

/* A file's bytes in memory, with nothing readable behind them. */
struct image {
    char path[4096];
    uint8_t *bytes;
    size_t size_bytes;
    size_t header; /* offset of .eh_frame_hdr; the same as its address in the file's own terms */
    Elf *elf;
    Dwarf_CFI *cfi;
    int fd;
};

static int find_libc(struct dl_phdr_info *info, size_t size_bytes, void *context)
{
    (void)size_bytes;
    struct image *image = context;
    if (strstr(info->dlpi_name, "/libc.so") == NULL)
        return 0;
    snprintf(image->path, sizeof(image->path), "%s", info->dlpi_name);
    for (unsigned i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == HEADER_PROGRAM) {
            assert_int_equal(info->dlpi_phdr[i].p_offset, info->dlpi_phdr[i].p_vaddr);
            image->header = info->dlpi_phdr[i].p_offset;
        }
    return 1;
}

static int open_image(void **state)
{
    static struct image image;
    struct stat status;
    dl_iterate_phdr(find_libc, &image);
    image.fd = open(image.path, O_RDONLY | O_CLOEXEC);
    if (image.fd < 0 || fstat(image.fd, &status) != 0 || image.header == 0)
        return -1;
    image.size_bytes = ((size_t)status.st_size + TAIL_BYTES - 1) & ~(TAIL_BYTES - 1);
    uint8_t *room =
        mmap(NULL, image.size_bytes + 2 * TAIL_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    image.bytes = mmap(room + TAIL_BYTES, image.size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED,
                       image.fd, 0);
    elf_version(EV_CURRENT);
    image.elf = elf_begin(image.fd, ELF_C_READ_MMAP, NULL);
    image.cfi = dwarf_getcfi_elf(image.elf);
    *state = &image;
    return image.bytes != MAP_FAILED && image.cfi != NULL ? 0 : -1;
}

static int close_image(void **state)
{
    struct image *image = *state;
    elf_end(image->elf);
    close(image->fd);
    return munmap(image->bytes - TAIL_BYTES, image->size_bytes + 2 * TAIL_BYTES);
}

static bool find_table(const struct image *image, struct tn_cfi_table *ret_table)
{
    uintptr_t low = (uintptr_t)image->bytes;
    return tn_cfi_find_table(low + image->header, low, low + image->size_bytes, ret_table);
}

/* Where a description's code begins, as an offset in the file. */
static uint64_t begin_of(const struct tn_cfi_table *table, uint64_t entry)
{
    int32_t distance;
    memcpy(&distance, table->entries + entry * 8, sizeof(distance));
    return table->header - table->low + (uint64_t)(int64_t)distance;
}

enum place { SAME, SAVED, NOWHERE, OTHER };

/* What elfutils says of a register; SAVED: at *ret_offset from the CFA. */
static enum place place_of(Dwarf_Frame *frame, int number, int64_t *ret_offset)
{
    Dwarf_Op memory[3];
    Dwarf_Op *ops;
    size_t count;
    assert_int_equal(dwarf_frame_register(frame, number, memory, &ops, &count), 0);
    if (count == 0)
        return ops == NULL ? SAME : NOWHERE;
    if (ops[0].atom != DW_OP_call_frame_cfa || count > 2 || (count == 2 && ops[1].atom != DW_OP_plus_uconst))
        return OTHER;
    *ret_offset = count == 2 ? (int64_t)ops[1].number : 0;
    return SAVED;
}

/* The rule that a CFA of a register that is followed, and the places of the others make; 0 if none can say
 * it. */
static uint64_t plain_rule(Dwarf_Frame *frame, const Dwarf_Op *cfa)
{
    int64_t pc_offset = 0, fp_offset = 0;
    enum place pc = place_of(frame, REG_PC, &pc_offset);
    enum place fp = place_of(frame, REG_FP, &fp_offset);
    if (pc == SAME && fp == SAME && cfa->number == REG_SP && TN_ARCH_HAS_LINK)
        return tn_rule_pack_link((int32_t)cfa->number2);
    if (pc != SAVED || (fp != SAME && fp != SAVED) ||
        pc_offset != (int64_t)tn_arch_return_slot(0, fp == SAVED ? (uintptr_t)fp_offset : 0))
        return 0;
    return tn_rule_pack(cfa->number == REG_SP ? TN_RULE_SP : TN_RULE_FP, (int32_t)cfa->number2,
                        fp == SAVED ? (uint32_t)(-fp_offset / 8) : 0);
}

/* Whether elfutils' row can be a rule without libunwind; then it is *ret_rule. */
static bool their_rule(const struct image *image, uint64_t code, uint64_t *ret_rule)
{
    Dwarf_Frame *frame;
    Dwarf_Op *cfa;
    size_t count;
    int64_t unused;
    *ret_rule = tn_rule_pack(TN_RULE_CHAIN, 0, 0);
    if (dwarf_cfi_addrframe(image->cfi, code, &frame) != 0)
        return true;
    *ret_rule = 0;
    int got = dwarf_frame_cfa(frame, &cfa, &count);
    if (place_of(frame, REG_PC, &unused) == NOWHERE)
        *ret_rule = tn_rule_pack(TN_RULE_END, 0, 0);
    else if (got == 0 && count == 1 && cfa[0].atom == DW_OP_bregx &&
             (cfa[0].number == REG_SP || cfa[0].number == REG_FP))
        *ret_rule = plain_rule(frame, &cfa[0]);
    free(frame);
    return *ret_rule != 0;
}

/* Compare at one place.
 *
 * kinds    counts places by the kind of elfutils' rule
 * Returns  whether it was read here */
static bool compare(const struct image *image, const struct tn_cfi_table *table, uint64_t code,
                    uint64_t *kinds)
{
    uint64_t ours = 0, theirs = 0;
    bool is_read = tn_cfi_rule(table, table->low + code + 1, &ours);
    bool is_plain = their_rule(image, code, &theirs);
    kinds[tn_rule_kind_of(theirs)] += is_plain;
    if (is_read && (!is_plain || ours != theirs))
        fail_msg("at %#lx: %#lx, wanted %#lx", (unsigned long)code, (unsigned long)ours,
                 (unsigned long)(is_plain ? theirs : 0));
    return is_read;
}

static void reads_what_elfutils_reads(void **state)
{
    const struct image *image = *state;
    struct tn_cfi_table table;
    uint64_t kinds[8] = {0}, read = 0;
    assert_true(find_table(image, &table));
    for (uint64_t i = 0; i + 1 < table.entry_count; i++) {
        uint64_t begin = begin_of(&table, i);
        uint64_t size_bytes = begin_of(&table, i + 1) - begin;
        const uint64_t places[] = {begin, begin + 1, begin + size_bytes / 3, begin + size_bytes / 2,
                                   begin + size_bytes - 1};
        for (size_t k = 0; k < sizeof(places) / sizeof(places[0]); k++)
            read += compare(image, &table, places[k], kinds);
    }
    assert_true(table.entry_count > COUNT_MIN);
    uint64_t plain_count = kinds[TN_RULE_SP] + kinds[TN_RULE_FP];
    uint64_t link_count = kinds[TN_RULE_COMPLEX];
    assert_true(plain_count > COUNT_MIN);
    assert_true(kinds[TN_RULE_END] > 0);
    assert_true(TN_ARCH_HAS_LINK ? link_count > COUNT_MIN : link_count == 0);
    assert_true(read * 100 > (plain_count + link_count) * 99);
}

static void refuses_what_is_no_table(void **state)
{
    const struct image *image = *state;
    struct tn_cfi_table table;
    uintptr_t low = (uintptr_t)image->bytes;
    uintptr_t high = low + image->size_bytes;
    assert_false(tn_cfi_find_table(0, low, high, &table));
    assert_false(tn_cfi_find_table(low, low, high, &table));
    assert_false(tn_cfi_find_table(high - 4, low, high, &table));
    assert_true(find_table(image, &table));
    /* Before the first description. */
    uint64_t rule = 0;
    assert_true(tn_cfi_rule(&table, low + 1, &rule));
    assert_int_equal(rule, tn_rule_pack(TN_RULE_CHAIN, 0, 0));
}

/* Bytes of the tables are changed, by a fixed sequence, and put back. A read outside of the image, or a loop
 * without an end, is what this would show. */
static void survives_damage(void **state)
{
    const struct image *image = *state;
    struct tn_cfi_table table;
    uint64_t seed = 12345, rule, read = 0;
    assert_true(find_table(image, &table));
    for (unsigned i = 0; i < DAMAGES; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        uint64_t entry = (seed >> 33) % table.entry_count;
        int32_t distance;
        memcpy(&distance, table.entries + entry * 8 + 4, sizeof(distance));
        uint8_t *at = image->bytes + image->header + distance + (seed >> 20) % 40;
        if (i % 4 == 0)
            at = (uint8_t *)(uintptr_t)table.entries + entry * 8 + (seed >> 20) % 8;
        uint8_t before = *at;
        *at = (uint8_t)(seed >> 12);
        for (uint64_t k = 0; k < TRIES; k++)
            read += tn_cfi_rule(&table, table.low + begin_of(&table, entry) + 1 + k * 4, &rule);
        *at = before;
    }
    assert_true(read > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_elfutils_reads),
        cmocka_unit_test(refuses_what_is_no_table),
        cmocka_unit_test(survives_damage),
    };
    return cmocka_run_group_tests(tests, open_image, close_image);
}
