/* SPDX-License-Identifier: MIT */
/* Where functions begin, by the search table of the unwind tables, which stripped files have as well; and
 * which imported function the stub behind a call leads to. argument.c asks. */
#include "functions.h"

#include <elfutils/libdw.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

/* The search table's usual form: count of 4 bytes, entries of two signed 4-byte offsets from the table's own
 * segment. All linkers of Linux write it so. */
#define COUNT_ENCODING 0x03u /* DW_EH_PE_udata4 */
#define TABLE_ENCODING 0x3bu /* DW_EH_PE_datarel | DW_EH_PE_sdata4 */
#define HEAD_BYTES     12u
#define ENTRY_BYTES    8u

#define OP_BREGX 0x92u /* DW_OP_bregx: an offset from the register that is named */

static int32_t offset_at(const uint8_t *bytes)
{
    return (int32_t)((uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
                     (uint32_t)bytes[3] << 24);
}

/* The unwind tables' search table: its bytes in the file, and its address. */
static const uint8_t *find_table(const struct tn_code *code, uint64_t *ret_address, size_t *ret_bytes)
{
    size_t count = 0;
    if (elf_getphdrnum(code->elf, &count) != 0)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        GElf_Phdr segment;
        if (gelf_getphdr(code->elf, (int)i, &segment) == NULL || segment.p_type != PT_GNU_EH_FRAME)
            continue;
        if (segment.p_offset > code->file_bytes || segment.p_filesz > code->file_bytes - segment.p_offset)
            return NULL;
        *ret_address = segment.p_vaddr;
        *ret_bytes = segment.p_filesz;
        return code->file + segment.p_offset;
    }
    return NULL;
}

/* At a function's entry nothing has been pushed but, perhaps, the return address. A part that was split off,
 * for code that is rarely reached, begins with the frame of its function. */
static bool is_entry(const struct tn_code *code, uint64_t address)
{
    Dwarf_Frame *frame = NULL;
    Dwarf_Op *ops = NULL;
    size_t count = 0;
    if (code->unwind == NULL || dwarf_cfi_addrframe(code->unwind, address, &frame) != 0)
        return false;
    bool is_known = dwarf_frame_cfa(frame, &ops, &count) == 0 && count == 1;
    bool result = is_known && ops[0].atom == OP_BREGX && ops[0].number == code->processor->entry_base &&
                  (int64_t)ops[0].number2 == code->processor->entry_offset_bytes;
    free(frame);
    return result;
}

/* Where a function ends, by its entry in the unwind tables; in the usual form that begins with length, offset
 * of the common part, begin relative to its own place, and size, of 4 bytes each. UINT64_MAX: another form.
 */
static uint64_t end_of(const struct tn_code *code, uint64_t entry, uint64_t start)
{
    int32_t begin = 0, size_bytes = 0;
    if (!tn_code_read_offset(code, entry + 8, &begin) ||
        !tn_code_read_offset(code, entry + 12, &size_bytes) ||
        entry + 8 + (uint64_t)(int64_t)begin != start || size_bytes <= 0)
        return UINT64_MAX;
    return start + (uint64_t)size_bytes;
}

/* The entries of the search table, in order of addresses. */
struct search_table {
    const uint8_t *entries;
    uint64_t address; /* of the table, which the offsets count from */
    size_t count;     /* 0: there is none, or it has another form */
};

static struct search_table open_table(const struct tn_code *code)
{
    struct search_table table = {0};
    size_t table_bytes = 0;
    const uint8_t *head = find_table(code, &table.address, &table_bytes);
    if (head == NULL || table_bytes < HEAD_BYTES || head[0] != 1 || head[2] != COUNT_ENCODING ||
        head[3] != TABLE_ENCODING)
        return table;
    size_t count = (uint32_t)offset_at(head + 8);
    table.entries = head + HEAD_BYTES;
    table.count = count <= (table_bytes - HEAD_BYTES) / ENTRY_BYTES ? count : 0;
    return table;
}

static uint64_t start_at(const struct search_table *table, size_t index)
{
    return table->address + (uint64_t)(int64_t)offset_at(table->entries + index * ENTRY_BYTES);
}

static void fill(const struct tn_code *code, const struct search_table *table, size_t index,
                 struct tn_code_function *ret_function)
{
    uint64_t entry = table->address + (uint64_t)(int64_t)offset_at(table->entries + index * ENTRY_BYTES + 4);
    ret_function->start = start_at(table, index);
    ret_function->end = end_of(code, entry, ret_function->start);
    if (ret_function->end == UINT64_MAX && index + 1 < table->count)
        ret_function->end = start_at(table, index + 1);
}

bool tn_code_function(const struct tn_code *code, uint64_t address, struct tn_code_function *ret_function)
{
    struct search_table table = open_table(code);
    size_t low = 0, high = table.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (start_at(&table, middle) <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return false;
    fill(code, &table, low - 1, ret_function);
    if (address >= ret_function->end)
        return false;
    ret_function->is_entry = is_entry(code, ret_function->start);
    return true;
}

int tn_code_each_function(const struct tn_code *code,
                          int (*see)(void *context, const struct tn_code_function *function), void *context)
{
    struct search_table table = open_table(code);
    int r = 0;
    for (size_t i = 0; i < table.count && r == 0; i++) {
        struct tn_code_function function = {0};
        fill(code, &table, i, &function);
        r = see(context, &function);
    }
    return r;
}
