/* SPDX-License-Identifier: MIT */

/* Reads the unwind rule of one return address from .eh_frame: the instructions of its description are run up
 * to the row that covers the call. Invariant: whatever is not known here makes the answer "no rule", never a
 * wrong one. Called by learn.c. */

#include "cfi.h"

#include "arch.h"
#include "rules.h"

#include <stddef.h>

#include "banned.h"

/* How deep states are remembered in one another; compilers use one. */
#define SAVED_ROWS_MAX 8

/* Where a register's value in the caller is. */
enum where {
    WHERE_SAME = 0, /* in the register: nothing was said about it */
    WHERE_SAVED,    /* in memory, offset from the CFA */
    WHERE_NOWHERE,  /* lost */
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

/* The rows of a description while they are worked out. */
struct machine {
    const struct tn_cfi_description *description;
    uintptr_t at; /* the current row begins at this address */
    struct row row, first;
    struct row saved[SAVED_ROWS_MAX];
    uint32_t saved_count;
    bool is_strange; /* an instruction was met that is not known here */
};

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

static void skip_block(struct tn_cfi_reader *reader)
{
    uint64_t size_bytes = tn_cfi_read_uleb(reader);
    if (size_bytes > (uint64_t)(reader->end - reader->at)) {
        reader->is_bad = true;
        return;
    }
    reader->at += size_bytes;
}

/* Instructions that say where a register is (DWARF 5, 6.4.2.3). Returns false when it is none of these. */
static bool run_register(struct machine *machine, struct tn_cfi_reader *reader, uint8_t code)
{
    int64_t data_unit = machine->description->data_unit;
    struct row *row = &machine->row;
    uint64_t number;
    switch (code) {
    case 0x05: /* offset_extended */
        number = tn_cfi_read_uleb(reader);
        set_register(row, number, WHERE_SAVED, (int64_t)tn_cfi_read_uleb(reader) * data_unit);
        return true;
    case 0x11: /* offset_extended_sf */
        number = tn_cfi_read_uleb(reader);
        set_register(row, number, WHERE_SAVED, tn_cfi_read_sleb(reader) * data_unit);
        return true;
    case 0x06: /* restore_extended */
        restore_register(machine, tn_cfi_read_uleb(reader));
        return true;
    case 0x08: /* same_value */
        set_register(row, tn_cfi_read_uleb(reader), WHERE_SAME, 0);
        return true;
    case 0x07: /* undefined */
        set_register(row, tn_cfi_read_uleb(reader), WHERE_NOWHERE, 0);
        return true;
    case 0x09: /* register */
    case 0x14: /* val_offset */
        set_register(row, tn_cfi_read_uleb(reader), WHERE_OTHER, 0);
        tn_cfi_read_uleb(reader);
        return true;
    case 0x15: /* val_offset_sf */
        set_register(row, tn_cfi_read_uleb(reader), WHERE_OTHER, 0);
        tn_cfi_read_sleb(reader);
        return true;
    case 0x10: /* expression */
    case 0x16: /* val_expression */
        set_register(row, tn_cfi_read_uleb(reader), WHERE_OTHER, 0);
        skip_block(reader);
        return true;
    default:
        return false;
    }
}

/* Instructions that say where the CFA is (6.4.2.2). Returns false when it is none of these. */
static bool run_cfa(struct machine *machine, struct tn_cfi_reader *reader, uint8_t code)
{
    int64_t data_unit = machine->description->data_unit;
    struct row *row = &machine->row;
    switch (code) {
    case 0x0c: /* def_cfa */
        row->cfa_register = tn_cfi_read_uleb(reader);
        row->cfa_offset = (int64_t)tn_cfi_read_uleb(reader);
        row->is_cfa_known = true;
        return true;
    case 0x12: /* def_cfa_sf */
        row->cfa_register = tn_cfi_read_uleb(reader);
        row->cfa_offset = tn_cfi_read_sleb(reader) * data_unit;
        row->is_cfa_known = true;
        return true;
    case 0x0d: /* def_cfa_register */
        row->cfa_register = tn_cfi_read_uleb(reader);
        return true;
    case 0x0e: /* def_cfa_offset */
        row->cfa_offset = (int64_t)tn_cfi_read_uleb(reader);
        return true;
    case 0x13: /* def_cfa_offset_sf */
        row->cfa_offset = tn_cfi_read_sleb(reader) * data_unit;
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
static void run_other(struct machine *machine, struct tn_cfi_reader *reader, uint8_t code)
{
    uint64_t code_unit = machine->description->code_unit;
    switch (code) {
    case 0x00: /* nop */
        return;
    case 0x02: /* advance_loc1 */
        machine->at += tn_cfi_read_byte(reader) * code_unit;
        return;
    case 0x03: /* advance_loc2 */
        machine->at += tn_cfi_read_bytes(reader, 2) * code_unit;
        return;
    case 0x04: /* advance_loc4 */
        machine->at += tn_cfi_read_bytes(reader, 4) * code_unit;
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
        tn_cfi_read_uleb(reader);
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
static void run(struct machine *machine, struct tn_cfi_reader reader, uintptr_t code)
{
    while (reader.at < reader.end && !reader.is_bad && !machine->is_strange && machine->at <= code) {
        uint8_t byte = tn_cfi_read_byte(&reader);
        uint8_t low = byte & 0x3f;
        if (byte >> 6 == 1) /* advance_loc */
            machine->at += low * machine->description->code_unit;
        else if (byte >> 6 == 2) /* offset */
            set_register(&machine->row, low, WHERE_SAVED,
                         (int64_t)tn_cfi_read_uleb(&reader) * machine->description->data_unit);
        else if (byte >> 6 == 3) /* restore */
            restore_register(machine, low);
        else if (!run_register(machine, &reader, low) && !run_cfa(machine, &reader, low))
            run_other(machine, &reader, low);
    }
    machine->is_strange = machine->is_strange || reader.is_bad;
}

/* The CFA is a register that the walk follows, and a constant. */
static bool is_cfa_plain(const struct row *row)
{
    return row->is_cfa_known &&
           (row->cfa_register == TN_ARCH_CFI_SP || row->cfa_register == TN_ARCH_CFI_FP) &&
           row->cfa_offset >= INT32_MIN && row->cfa_offset <= INT32_MAX;
}

/* Of a function that has saved nothing yet, or will save nothing. */
static bool rule_of_link(const struct row *row, uint64_t *ret_rule)
{
    if (!TN_ARCH_HAS_LINK || row->cfa_register != TN_ARCH_CFI_SP || row->fp.where != WHERE_SAME)
        return false;
    *ret_rule = tn_rule_pack_link((int32_t)row->cfa_offset);
    return true;
}

/* The rule that a row makes, if it is one that can be said. */
static bool rule_of(const struct row *row, uint64_t *ret_rule)
{
    if (row->pc.where == WHERE_NOWHERE) {
        *ret_rule = tn_rule_pack(TN_RULE_END, 0, 0);
        return true;
    }
    if (!is_cfa_plain(row) || row->sp.where != WHERE_SAME)
        return false;
    if (row->pc.where == WHERE_SAME)
        return rule_of_link(row, ret_rule);
    if (row->pc.where != WHERE_SAVED || (row->fp.where != WHERE_SAVED && row->fp.where != WHERE_SAME))
        return false;
    enum tn_rule_kind kind = row->cfa_register == TN_ARCH_CFI_SP ? TN_RULE_SP : TN_RULE_FP;
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
    struct tn_cfi_description description;
    int found = tn_cfi_describe(table, code, &description);
    if (found == 0)
        *ret_rule = tn_rule_pack(TN_RULE_CHAIN, 0, 0);
    if (found <= 0)
        return found == 0;
    struct machine machine = {.description = &description, .at = 0};
    run(&machine, description.shared, code);
    if (machine.is_strange || machine.saved_count != 0 || machine.at != 0)
        return false;
    machine.first = machine.row;
    machine.at = description.begin;
    run(&machine, description.own, code);
    return !machine.is_strange && rule_of(&machine.row, ret_rule);
}
