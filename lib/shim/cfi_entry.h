/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_CFI_ENTRY_H
#define TENURE_SHIM_CFI_ENTRY_H

/* The entries of a module's unwind tables, and how their bytes are read. Pure; any thread. */

#include <stdbool.h>
#include <stdint.h>

/* The search table of a module's .eh_frame_hdr. */
struct tn_cfi_table {
    uintptr_t header;       /* address of .eh_frame_hdr: what entries are relative to */
    const uint8_t *entries; /* sorted pairs of 32-bit offsets: code, description */
    uint64_t entry_count;
    uintptr_t low, high; /* the module's mapped range: descriptions lie in it */
};

/* Find the table.
 *
 * header     address of .eh_frame_hdr, 0 if there is none
 * low, high  the module's mapped range
 * Returns    whether there is one of the usual form; if not, ret_table is untouched */
bool tn_cfi_find_table(uintptr_t header, uintptr_t low, uintptr_t high, struct tn_cfi_table *ret_table);

/* What is being read. Beyond the end zeros are read, and is_bad is set. */
struct tn_cfi_reader {
    const uint8_t *at;
    const uint8_t *end;
    bool is_bad;
};

/* A description: of a stretch of code, with what it shares with others. */
struct tn_cfi_description {
    struct tn_cfi_reader shared, own; /* instructions */
    uint64_t code_unit;
    int64_t data_unit;
    uint8_t encoding; /* of the code addresses */
    uintptr_t begin;  /* of the code */
    uint64_t size_bytes;
};

/* One byte, or a number: in count bytes (1 to 8), or in LEB128 (DWARF 5, 7.6). */
static inline uint8_t tn_cfi_read_byte(struct tn_cfi_reader *reader)
{
    if (reader->at < reader->end)
        return *reader->at++;
    reader->is_bad = true;
    return 0;
}

static inline uint64_t tn_cfi_read_uleb(struct tn_cfi_reader *reader)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint64_t byte = tn_cfi_read_byte(reader);
        value |= (byte & 0x7f) << shift;
        if ((byte & 0x80) == 0)
            return value;
    }
    reader->is_bad = true;
    return 0;
}

uint64_t tn_cfi_read_bytes(struct tn_cfi_reader *reader, unsigned count);
int64_t tn_cfi_read_sleb(struct tn_cfi_reader *reader);

/* The description that covers an address, with all that it takes to run it.
 *
 * ret_description  untouched unless there is one
 * Returns          1; 0: none covers it; -EINVAL: one is there that is not understood */
int tn_cfi_describe(const struct tn_cfi_table *table, uintptr_t code,
                    struct tn_cfi_description *ret_description);

#endif
