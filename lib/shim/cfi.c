/* SPDX-License-Identifier: MIT */

/* Reads the unwind rule of one return address from .eh_frame: a binary search in .eh_frame_hdr finds the
 * description, whose instructions are run up to the row that covers the call. Invariant: whatever is not
 * known here makes the answer "no rule", never a wrong one; no byte outside the module is read. Called by
 * unwinder.c. */

#include "cfi.h"

#include "arch.h"
#include "rules.h"

#include "banned.h"

/* How deep states are remembered in one another; compilers use one. */
#define SAVED_ROWS_MAX 8

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

/* What is being read. Beyond the end zeros are read, and is_bad is set. */
struct reader {
    const uint8_t *at;
    const uint8_t *end;
    bool is_bad;
};

/* Where a register's value in the caller is. */
enum where {
    WHERE_SAME = 0, /* in the register: nothing was said about it */
    WHERE_SAVED,    /* in memory, offset from the CFA */
    WHERE_OTHER,    /* anything else */
};

struct saved_at {
    enum where where;
    int64_t offset;
};

/* A row of the table: how the CFA and the registers that matter are found. */
struct row {
    uint64_t cfa_register;
    int64_t cfa_offset;
    struct saved_at fp, sp, pc;
    bool is_cfa_known;
};

/* A description: of a stretch of code, with what it shares with others. */
struct description {
    struct reader shared, own; /* instructions */
    uint64_t code_unit;
    int64_t data_unit;
    uint8_t encoding; /* of the code addresses */
    uintptr_t begin;  /* of the code */
    uint64_t size_bytes;
};

/* The rows of a description while they are worked out. */
struct machine {
    const struct description *description;
    uintptr_t at; /* the current row begins at this address */
    struct row row, first;
    struct row saved[SAVED_ROWS_MAX];
    uint32_t saved_count;
    bool is_strange; /* an instruction was met that is not known here */
};

static inline uint8_t read_byte(struct reader *reader)
{
    if (reader->at < reader->end)
        return *reader->at++;
    reader->is_bad = true;
    return 0;
}

static uint64_t read_bytes(struct reader *reader, unsigned count)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < count; i++)
        value |= (uint64_t)read_byte(reader) << 8 * i;
    return value;
}

static int64_t read_signed(struct reader *reader, unsigned count)
{
    unsigned shift = 64 - 8 * count;
    return (int64_t)(read_bytes(reader, count) << shift) >> shift;
}

static inline uint64_t read_uleb(struct reader *reader)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint64_t byte = read_byte(reader);
        value |= (byte & 0x7f) << shift;
        if ((byte & 0x80) == 0)
            return value;
    }
    reader->is_bad = true;
    return 0;
}

static int64_t read_sleb(struct reader *reader)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 57; shift += 7) {
        uint64_t byte = read_byte(reader);
        value |= (byte & 0x7f) << shift;
        if ((byte & 0x80) == 0)
            return (byte & 0x40) != 0 ? (int64_t)(value | UINT64_MAX << (shift + 7)) : (int64_t)value;
    }
    reader->is_bad = true;
    return 0;
}

/* A pointer's bare value; reader->is_bad with a form that is not known. */
static uint64_t read_form(struct reader *reader, uint8_t encoding)
{
    switch (encoding & ENCODING_FORM) {
    case 0x00:
    case 0x04:
    case 0x0c:
        return read_bytes(reader, 8);
    case 0x02:
        return read_bytes(reader, 2);
    case 0x03:
        return read_bytes(reader, 4);
    case 0x0a:
        return (uint64_t)read_signed(reader, 2);
    case 0x0b:
        return (uint64_t)read_signed(reader, 4);
    default:
        reader->is_bad = true;
        return 0;
    }
}

static uint64_t read_pointer(struct reader *reader, uint8_t encoding, uintptr_t table)
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
    struct reader reader = {bytes + 4, (const uint8_t *)high, false};
    read_pointer(&reader, bytes[1], header);
    uint64_t entry_count = read_pointer(&reader, bytes[2], header);
    if (reader.is_bad || entry_count > (uint64_t)(reader.end - reader.at) / 8)
        return false;
    *ret_table = (struct tn_cfi_table){header, reader.at, entry_count, low, high};
    return true;
}

static int64_t entry_word(const struct tn_cfi_table *table, uint64_t entry, unsigned word)
{
    struct reader reader = {table->entries + entry * 8 + word * 4, (const uint8_t *)table->high, false};
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
static bool open_entry(const struct tn_cfi_table *table, uintptr_t address, struct reader *ret_reader)
{
    if (address < table->low || address >= table->high || table->high - address < 8)
        return false;
    struct reader reader = {(const uint8_t *)address, (const uint8_t *)table->high, false};
    uint64_t size_bytes = read_bytes(&reader, 4);
    if (size_bytes == 0 || size_bytes >= 0xfffffff0 || size_bytes > (uint64_t)(reader.end - reader.at))
        return false;
    reader.end = reader.at + size_bytes;
    *ret_reader = reader;
    return true;
}

/* The augmentation that a common entry names; only letters whose data is understood. 'S', a signal frame, is
 * none of them. */
static bool read_augmentation(struct reader *reader, const uint8_t *letters, struct description *description)
{
    description->encoding = ENCODING_ABSOLUTE;
    if (letters[0] != 'z')
        return false;
    uint64_t size_bytes = read_uleb(reader);
    if (size_bytes > (uint64_t)(reader->end - reader->at))
        return false;
    const uint8_t *behind = reader->at + size_bytes;
    for (letters++; *letters != 0; letters++) {
        if (*letters == 'R')
            description->encoding = read_byte(reader);
        else if (*letters == 'B' && TN_ARCH_SIGNS_RETURN)
            continue; /* the second key signs return addresses */
        else if (*letters == 'L')
            read_byte(reader);
        else if (*letters == 'P')
            read_form(reader, read_byte(reader));
        else
            return false;
    }
    reader->at = behind;
    return true;
}

/* The entry that a description shares with others. */
static bool read_common(const struct tn_cfi_table *table, uintptr_t address, struct description *description)
{
    struct reader reader;
    if (!open_entry(table, address, &reader) || read_bytes(&reader, 4) != 0)
        return false;
    uint64_t version = read_byte(&reader);
    const uint8_t *letters = reader.at;
    while (read_byte(&reader) != 0) {
    }
    description->code_unit = read_uleb(&reader);
    description->data_unit = read_sleb(&reader);
    uint64_t return_register = version == 1 ? read_byte(&reader) : read_uleb(&reader);
    if (reader.is_bad || (version != 1 && version != 3) || return_register != TN_ARCH_CFI_RETURN ||
        !read_augmentation(&reader, letters, description))
        return false;
    description->shared = reader;
    return !reader.is_bad;
}

/* The description at address, with all that it takes to run it. */
static bool read_description(const struct tn_cfi_table *table, uintptr_t address,
                             struct description *ret_description)
{
    struct description description = {.code_unit = 0};
    struct reader reader;
    if (!open_entry(table, address, &reader))
        return false;
    uintptr_t here = (uintptr_t)reader.at;
    uint64_t distance = read_bytes(&reader, 4);
    if (distance == 0 || !read_common(table, here - distance, &description))
        return false;
    description.begin = read_pointer(&reader, description.encoding, table->header);
    description.size_bytes = read_form(&reader, description.encoding);
    uint64_t augmentation_bytes = read_uleb(&reader);
    if (augmentation_bytes > (uint64_t)(reader.end - reader.at))
        return false;
    reader.at += augmentation_bytes;
    description.own = reader;
    *ret_description = description;
    return !reader.is_bad;
}

/* Where the row has the value of a register that matters; NULL for others. */
static struct saved_at *register_of(struct row *row, uint64_t number)
{
    switch (number) {
    case TN_ARCH_CFI_FP:
        return &row->fp;
    case TN_ARCH_CFI_SP:
        return &row->sp;
    case TN_ARCH_CFI_RETURN:
        return &row->pc;
    default:
        return NULL;
    }
}

static void set_register(struct row *row, uint64_t number, enum where where, int64_t offset)
{
    struct saved_at *saved = register_of(row, number);
    if (saved != NULL)
        *saved = (struct saved_at){where, offset};
}

/* A register is as it was before the description's own instructions. */
static void restore_register(struct machine *machine, uint64_t number)
{
    const struct saved_at *first = register_of(&machine->first, number);
    if (first != NULL)
        set_register(&machine->row, number, first->where, first->offset);
}

static void skip_block(struct reader *reader)
{
    uint64_t size_bytes = read_uleb(reader);
    if (size_bytes > (uint64_t)(reader->end - reader->at)) {
        reader->is_bad = true;
        return;
    }
    reader->at += size_bytes;
}

/* Instructions that say where a register is (DWARF 5, 6.4.2.3). Returns false when it is none of these. */
static bool run_register(struct machine *machine, struct reader *reader, uint8_t code)
{
    int64_t data_unit = machine->description->data_unit;
    struct row *row = &machine->row;
    uint64_t number;
    switch (code) {
    case 0x05: /* offset_extended */
        number = read_uleb(reader);
        set_register(row, number, WHERE_SAVED, (int64_t)read_uleb(reader) * data_unit);
        return true;
    case 0x11: /* offset_extended_sf */
        number = read_uleb(reader);
        set_register(row, number, WHERE_SAVED, read_sleb(reader) * data_unit);
        return true;
    case 0x06: /* restore_extended */
        restore_register(machine, read_uleb(reader));
        return true;
    case 0x08: /* same_value */
        set_register(row, read_uleb(reader), WHERE_SAME, 0);
        return true;
    case 0x07: /* undefined */
        set_register(row, read_uleb(reader), WHERE_OTHER, 0);
        return true;
    case 0x09: /* register */
    case 0x14: /* val_offset */
        set_register(row, read_uleb(reader), WHERE_OTHER, 0);
        read_uleb(reader);
        return true;
    case 0x15: /* val_offset_sf */
        set_register(row, read_uleb(reader), WHERE_OTHER, 0);
        read_sleb(reader);
        return true;
    case 0x10: /* expression */
    case 0x16: /* val_expression */
        set_register(row, read_uleb(reader), WHERE_OTHER, 0);
        skip_block(reader);
        return true;
    default:
        return false;
    }
}

/* Instructions that say where the CFA is (6.4.2.2). Returns false when it is none of these. */
static bool run_cfa(struct machine *machine, struct reader *reader, uint8_t code)
{
    int64_t data_unit = machine->description->data_unit;
    struct row *row = &machine->row;
    switch (code) {
    case 0x0c: /* def_cfa */
        row->cfa_register = read_uleb(reader);
        row->cfa_offset = (int64_t)read_uleb(reader);
        row->is_cfa_known = true;
        return true;
    case 0x12: /* def_cfa_sf */
        row->cfa_register = read_uleb(reader);
        row->cfa_offset = read_sleb(reader) * data_unit;
        row->is_cfa_known = true;
        return true;
    case 0x0d: /* def_cfa_register */
        row->cfa_register = read_uleb(reader);
        return true;
    case 0x0e: /* def_cfa_offset */
        row->cfa_offset = (int64_t)read_uleb(reader);
        return true;
    case 0x13: /* def_cfa_offset_sf */
        row->cfa_offset = read_sleb(reader) * data_unit;
        return true;
    case 0x0f: /* def_cfa_expression */
        row->is_cfa_known = false;
        skip_block(reader);
        return true;
    default:
        return false;
    }
}

/* Instructions that advance, remember a row, or do not matter here. Any other makes the machine is_strange.
 */
static void run_other(struct machine *machine, struct reader *reader, uint8_t code)
{
    uint64_t code_unit = machine->description->code_unit;
    switch (code) {
    case 0x00: /* nop */
        return;
    case 0x02: /* advance_loc1 */
        machine->at += read_byte(reader) * code_unit;
        return;
    case 0x03: /* advance_loc2 */
        machine->at += read_bytes(reader, 2) * code_unit;
        return;
    case 0x04: /* advance_loc4 */
        machine->at += read_bytes(reader, 4) * code_unit;
        return;
    case 0x0a: /* remember_state */
        machine->is_strange = machine->is_strange || machine->saved_count == SAVED_ROWS_MAX;
        if (!machine->is_strange)
            machine->saved[machine->saved_count++] = machine->row;
        return;
    case 0x0b: /* restore_state */
        machine->is_strange = machine->is_strange || machine->saved_count == 0;
        if (!machine->is_strange)
            machine->row = machine->saved[--machine->saved_count];
        return;
    case 0x2e: /* GNU_args_size */
        read_uleb(reader);
        return;
    case 0x2d: /* AARCH64_negate_ra_state: return addresses are signed from here on, or no longer. The
                  signature is removed from each, whether or not there is one. */
        machine->is_strange = machine->is_strange || !TN_ARCH_SIGNS_RETURN;
        return;
    default:
        machine->is_strange = true;
    }
}

/* Run instructions up to the row that covers code. */
static void run(struct machine *machine, struct reader reader, uintptr_t code)
{
    while (reader.at < reader.end && !reader.is_bad && !machine->is_strange && machine->at <= code) {
        uint8_t byte = read_byte(&reader);
        uint8_t low = byte & 0x3f;
        if (byte >> 6 == 1) /* advance_loc */
            machine->at += low * machine->description->code_unit;
        else if (byte >> 6 == 2) /* offset */
            set_register(&machine->row, low, WHERE_SAVED,
                         (int64_t)read_uleb(&reader) * machine->description->data_unit);
        else if (byte >> 6 == 3) /* restore */
            restore_register(machine, low);
        else if (!run_register(machine, &reader, low) && !run_cfa(machine, &reader, low))
            run_other(machine, &reader, low);
    }
    machine->is_strange = machine->is_strange || reader.is_bad;
}

/* The rule that a row makes, if it is a plain one. */
static bool rule_of(const struct row *row, uint64_t *ret_rule)
{
    enum tn_rule_kind kind = row->cfa_register == TN_ARCH_CFI_SP ? TN_RULE_SP : TN_RULE_FP;
    if (!row->is_cfa_known || (kind == TN_RULE_FP && row->cfa_register != TN_ARCH_CFI_FP) ||
        row->cfa_offset < INT32_MIN || row->cfa_offset > INT32_MAX)
        return false;
    if (row->sp.where != WHERE_SAME || row->pc.where != WHERE_SAVED || row->fp.where == WHERE_OTHER)
        return false;
    uintptr_t fp_slot = row->fp.where == WHERE_SAVED ? (uintptr_t)row->fp.offset : 0;
    if ((uintptr_t)row->pc.offset != tn_arch_return_slot(0, fp_slot))
        return false;
    int64_t units = row->fp.where == WHERE_SAVED ? -row->fp.offset / 8 : 0;
    if (row->fp.where == WHERE_SAVED &&
        (row->fp.offset % 8 != 0 || units <= 0 || units > (int64_t)TN_RULE_FP_UNITS_MAX))
        return false;
    *ret_rule = tn_rule_pack(kind, (int32_t)row->cfa_offset, (uint32_t)units);
    return true;
}

bool tn_cfi_rule(const struct tn_cfi_table *table, uintptr_t pc, uint64_t *ret_rule)
{
    uintptr_t code = pc - 1;
    struct description description;
    uintptr_t address = find_description(table, code);
    if (address == 0 || !read_description(table, address, &description) ||
        code - description.begin >= description.size_bytes)
        return false;
    struct machine machine = {.description = &description, .at = 0};
    run(&machine, description.shared, code);
    if (machine.is_strange || machine.saved_count != 0 || machine.at != 0)
        return false;
    machine.first = machine.row;
    machine.at = description.begin;
    run(&machine, description.own, code);
    return !machine.is_strange && rule_of(&machine.row, ret_rule);
}
