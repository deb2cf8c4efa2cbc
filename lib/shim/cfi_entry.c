/* SPDX-License-Identifier: MIT */

/* Finds the description of a stretch of code: a binary search in .eh_frame_hdr, then the entry of .eh_frame.
 * Invariant: no byte outside the module is read. Called by cfi.c, learn.c and unwinder.c. */

#include "cfi_entry.h"

#include "arch.h"

#include <errno.h>

#include "banned.h"

/* Pointer encodings (LSB Core 5.0, 10.5.1). */
enum {
    ENCODING_FORM = 0x0f,
    ENCODING_USE = 0x70,
    ENCODING_ABSOLUTE = 0x00,
    ENCODING_RELATIVE = 0x10, /* to the pointer itself */
    ENCODING_TABLE = 0x30,    /* to the table's beginning */
    ENCODING_INDIRECT = 0x80,
    ENCODING_NONE = 0xff,
    ENCODING_SEARCH_TABLE = 0x3b, /* 32 bits, signed, relative to the table */
};

uint64_t tn_cfi_read_bytes(struct tn_cfi_reader *reader, unsigned count)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < count; i++)
        value |= (uint64_t)tn_cfi_read_byte(reader) << 8 * i;
    return value;
}

static int64_t read_signed(struct tn_cfi_reader *reader, unsigned count)
{
    unsigned shift = 64 - 8 * count;
    return (int64_t)(tn_cfi_read_bytes(reader, count) << shift) >> shift;
}

int64_t tn_cfi_read_sleb(struct tn_cfi_reader *reader)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 57; shift += 7) {
        uint64_t byte = tn_cfi_read_byte(reader);
        value |= (byte & 0x7f) << shift;
        if ((byte & 0x80) == 0)
            return (byte & 0x40) != 0 ? (int64_t)(value | UINT64_MAX << (shift + 7)) : (int64_t)value;
    }
    reader->is_bad = true;
    return 0;
}

/* A pointer's bare value; reader->is_bad with a form that is not known. */
static uint64_t read_form(struct tn_cfi_reader *reader, uint8_t encoding)
{
    switch (encoding & ENCODING_FORM) {
    case 0x00:
    case 0x04:
    case 0x0c:
        return tn_cfi_read_bytes(reader, 8);
    case 0x02:
        return tn_cfi_read_bytes(reader, 2);
    case 0x03:
        return tn_cfi_read_bytes(reader, 4);
    case 0x0a:
        return (uint64_t)read_signed(reader, 2);
    case 0x0b:
        return (uint64_t)read_signed(reader, 4);
    default:
        reader->is_bad = true;
        return 0;
    }
}

static uint64_t read_pointer(struct tn_cfi_reader *reader, uint8_t encoding, uintptr_t table)
{
    uintptr_t here = (uintptr_t)reader->at;
    uint64_t value = read_form(reader, encoding);
    if ((encoding & ENCODING_INDIRECT) != 0)
        reader->is_bad = true;
    switch (encoding & ENCODING_USE) {
    case ENCODING_ABSOLUTE:
        return value;
    case ENCODING_RELATIVE:
        return value + here;
    case ENCODING_TABLE:
        return value + table;
    default:
        reader->is_bad = true;
        return 0;
    }
}

bool tn_cfi_find_table(uintptr_t header, uintptr_t low, uintptr_t high, struct tn_cfi_table *ret_table)
{
    if (header < low || header >= high || high - header < 12)
        return false;
    const uint8_t *bytes = (const uint8_t *)header;
    if (bytes[0] != 1 || bytes[2] == ENCODING_NONE || bytes[3] != ENCODING_SEARCH_TABLE)
        return false;
    struct tn_cfi_reader reader = {bytes + 4, (const uint8_t *)high, false};
    read_pointer(&reader, bytes[1], header);
    uint64_t entry_count = read_pointer(&reader, bytes[2], header);
    if (reader.is_bad || entry_count > (uint64_t)(reader.end - reader.at) / 8)
        return false;
    *ret_table = (struct tn_cfi_table){header, reader.at, entry_count, low, high};
    return true;
}

static int64_t entry_word(const struct tn_cfi_table *table, uint64_t entry, unsigned word)
{
    struct tn_cfi_reader reader = {table->entries + entry * 8 + word * 4, (const uint8_t *)table->high,
                                   false};
    return read_signed(&reader, 4);
}

/* The address of the last description that begins at or before code; 0 if there is none. */
static uintptr_t find_description(const struct tn_cfi_table *table, uintptr_t code)
{
    int64_t target = (int64_t)(code - table->header);
    uint64_t low = 0;
    uint64_t high = table->entry_count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (entry_word(table, middle, 0) <= target)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? table->header + (uintptr_t)entry_word(table, low - 1, 1) : 0;
}

/* Open an entry of .eh_frame: its length, then what it holds. */
static bool open_entry(const struct tn_cfi_table *table, uintptr_t address, struct tn_cfi_reader *ret_reader)
{
    if (address < table->low || address >= table->high || table->high - address < 8)
        return false;
    struct tn_cfi_reader reader = {(const uint8_t *)address, (const uint8_t *)table->high, false};
    uint64_t size_bytes = tn_cfi_read_bytes(&reader, 4);
    if (size_bytes == 0 || size_bytes >= 0xfffffff0 || size_bytes > (uint64_t)(reader.end - reader.at))
        return false;
    reader.end = reader.at + size_bytes;
    *ret_reader = reader;
    return true;
}

/* The augmentation that a common entry names; only letters whose data is understood. 'S', a signal frame, is
 * none of them. */
static bool read_augmentation(struct tn_cfi_reader *reader, const uint8_t *letters,
                              struct tn_cfi_description *description)
{
    description->encoding = ENCODING_ABSOLUTE;
    if (letters[0] != 'z')
        return false;
    uint64_t size_bytes = tn_cfi_read_uleb(reader);
    if (size_bytes > (uint64_t)(reader->end - reader->at))
        return false;
    const uint8_t *behind = reader->at + size_bytes;
    for (letters++; *letters != 0; letters++) {
        if (*letters == 'R')
            description->encoding = tn_cfi_read_byte(reader);
        else if (*letters == 'B' && TN_ARCH_SIGNS_RETURN)
            continue; /* the second key signs return addresses */
        else if (*letters == 'L')
            tn_cfi_read_byte(reader);
        else if (*letters == 'P')
            read_form(reader, tn_cfi_read_byte(reader));
        else
            return false;
    }
    reader->at = behind;
    return true;
}

/* The entry that a description shares with others. */
static bool read_common(const struct tn_cfi_table *table, uintptr_t address,
                        struct tn_cfi_description *description)
{
    struct tn_cfi_reader reader;
    if (!open_entry(table, address, &reader) || tn_cfi_read_bytes(&reader, 4) != 0)
        return false;
    uint64_t version = tn_cfi_read_byte(&reader);
    const uint8_t *letters = reader.at;
    while (tn_cfi_read_byte(&reader) != 0) {
    }
    description->code_unit = tn_cfi_read_uleb(&reader);
    description->data_unit = tn_cfi_read_sleb(&reader);
    uint64_t return_register = version == 1 ? tn_cfi_read_byte(&reader) : tn_cfi_read_uleb(&reader);
    if (reader.is_bad || (version != 1 && version != 3) || return_register != TN_ARCH_CFI_RETURN ||
        !read_augmentation(&reader, letters, description))
        return false;
    description->shared = reader;
    return !reader.is_bad;
}

/* The description at address, with all that it takes to run it. */
static bool read_description(const struct tn_cfi_table *table, uintptr_t address,
                             struct tn_cfi_description *ret_description)
{
    struct tn_cfi_description description = {.code_unit = 0};
    struct tn_cfi_reader reader;
    if (!open_entry(table, address, &reader))
        return false;
    uintptr_t here = (uintptr_t)reader.at;
    uint64_t distance = tn_cfi_read_bytes(&reader, 4);
    if (distance == 0 || !read_common(table, here - distance, &description))
        return false;
    description.begin = read_pointer(&reader, description.encoding, table->header);
    description.size_bytes = read_form(&reader, description.encoding);
    uint64_t augmentation_bytes = tn_cfi_read_uleb(&reader);
    if (augmentation_bytes > (uint64_t)(reader.end - reader.at))
        return false;
    reader.at += augmentation_bytes;
    description.own = reader;
    *ret_description = description;
    return !reader.is_bad;
}

int tn_cfi_describe(const struct tn_cfi_table *table, uintptr_t code,
                    struct tn_cfi_description *ret_description)
{
    struct tn_cfi_description description;
    uintptr_t address = find_description(table, code);
    if (address == 0)
        return 0;
    if (!read_description(table, address, &description))
        return -EINVAL;
    if (code - description.begin >= description.size_bytes)
        return 0;
    *ret_description = description;
    return 1;
}
