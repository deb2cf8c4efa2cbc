/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "arch.h"
#include "rules.h"

#define SP UINT64_C(0x1100000000000000)
#define FP UINT64_C(0x2200000000000000)

/* A frame with CFA = cfa whose return address lies where the processor has it: pushed by the call, or saved
 * beside the frame pointer. */
static struct tn_probe probe_of(uint64_t cfa)
{
    struct tn_probe probe = {.step = 1, .has_info = true, .sp = SP, .fp = FP, .cfa = cfa};
    probe.loads = 1;
    probe.is_fp_saved = TN_ARCH_RECORD_IS_LOW;
    probe.fp_address = TN_ARCH_RECORD_IS_LOW ? cfa - 32 : 0;
    probe.load_address = tn_arch_return_slot(cfa, probe.fp_address);
    return probe;
}

static enum tn_rule_kind kind_of(const struct tn_probe *probe)
{
    return tn_rule_kind_of(tn_rule_from_probe(probe));
}

static void rules_hold_their_parts(void **state)
{
    (void)state;
    uint64_t rule = tn_rule_pack(TN_RULE_FP, -123456, TN_RULE_FP_UNITS_MAX);
    assert_int_equal(tn_rule_kind_of(rule), TN_RULE_FP);
    assert_int_equal(tn_rule_offset_of(rule), -123456);
    assert_int_equal(tn_rule_fp_bytes_of(rule), (uint64_t)TN_RULE_FP_UNITS_MAX * 8);
    assert_int_equal(tn_rule_fp_bytes_of(tn_rule_pack(TN_RULE_SP, INT32_MAX, 2)), 16);
    assert_int_equal(tn_rule_offset_of(tn_rule_pack(TN_RULE_SP, INT32_MAX, 2)), INT32_MAX);
}

static void frame_from_the_stack_pointer(void **state)
{
    (void)state;
    struct tn_probe probe = probe_of(SP + 64);
    uint64_t rule = tn_rule_from_probe(&probe);
    assert_int_equal(tn_rule_kind_of(rule), TN_RULE_SP);
    assert_int_equal(tn_rule_offset_of(rule), 64);
    assert_int_equal(tn_rule_fp_bytes_of(rule), TN_ARCH_RECORD_IS_LOW ? 32 : 0);
}

static void frame_from_the_frame_pointer(void **state)
{
    (void)state;
    struct tn_probe probe = probe_of(FP + 16);
    probe.is_fp_saved = true;
    probe.fp_address = FP;
    probe.load_address = tn_arch_return_slot(probe.cfa, FP);
    uint64_t rule = tn_rule_from_probe(&probe);
    assert_int_equal(tn_rule_kind_of(rule), TN_RULE_FP);
    assert_int_equal(tn_rule_offset_of(rule), 16);
    assert_int_equal(tn_rule_fp_bytes_of(rule), 16);
}

static void realigned_frame_is_complex(void **state)
{
    (void)state;
    /* CFA = *(FP - 8): a load of its own, and a CFA made from what was loaded. */
    struct tn_probe probe = probe_of(UINT64_C(0x4400000000000000));
    probe.loads = 2;
    probe.load_address = FP - 8;
    assert_int_equal(kind_of(&probe), TN_RULE_COMPLEX);
    probe.loads = 1;
    assert_int_equal(kind_of(&probe), TN_RULE_COMPLEX);
}

static void frame_from_another_register_is_complex(void **state)
{
    (void)state;
    struct tn_probe probe = probe_of(UINT64_C(0x3303000000000000) + 16);
    assert_int_equal(kind_of(&probe), TN_RULE_COMPLEX);
}

static void oddly_saved_frame_pointer_is_complex(void **state)
{
    (void)state;
    struct tn_probe probe = probe_of(SP + 64);
    probe.is_fp_saved = true;
    probe.fp_address = probe.cfa; /* above the frame */
    assert_int_equal(kind_of(&probe), TN_RULE_COMPLEX);
    probe.fp_address = probe.cfa - 12;
    assert_int_equal(kind_of(&probe), TN_RULE_COMPLEX);
    probe.fp_address = probe.cfa - 16;
    probe.load_address = tn_arch_return_slot(probe.cfa, probe.fp_address);
    assert_int_equal(kind_of(&probe), TN_RULE_SP);
}

static void return_address_in_its_register(void **state)
{
    (void)state;
    struct tn_probe probe = probe_of(SP + 64);
    probe.is_fp_saved = false;
    probe.loads = 0;
    probe.is_link_kept = true;
    uint64_t rule = tn_rule_from_probe(&probe);
    assert_true(tn_rule_is_link(rule));
    assert_int_equal(tn_rule_offset_of(rule), 64);
    probe.is_link_kept = false;
    assert_false(tn_rule_is_link(tn_rule_from_probe(&probe)));
    probe.is_link_kept = true;
    probe.loads = 1;
    assert_false(tn_rule_is_link(tn_rule_from_probe(&probe)));
    probe.loads = 0;
    probe.cfa = FP + 16;
    assert_false(tn_rule_is_link(tn_rule_from_probe(&probe)));
    assert_false(tn_rule_is_link(tn_rule_pack(TN_RULE_COMPLEX, 0, 0)));
    assert_false(tn_rule_is_link(tn_rule_pack(TN_RULE_SP, 0, TN_RULE_LINK_UNITS)));
}

static void return_address_elsewhere_is_complex(void **state)
{
    (void)state;
    struct tn_probe probe = probe_of(SP + 64);
    probe.load_address = SP;
    assert_int_equal(kind_of(&probe), TN_RULE_COMPLEX);
}

/* A return address that stays in its register, or is saved alone. */
static void frame_without_record(void **state)
{
    (void)state;
    struct tn_probe probe = probe_of(SP + 64);
    probe.is_fp_saved = false;
    assert_int_equal(kind_of(&probe), TN_ARCH_RECORD_IS_LOW ? TN_RULE_COMPLEX : TN_RULE_SP);
    probe.loads = 0;
    assert_int_equal(kind_of(&probe), TN_RULE_COMPLEX);
}

static void ends_and_signals_are_known(void **state)
{
    (void)state;
    struct tn_probe probe = probe_of(SP + 64);
    probe.step = 0;
    assert_int_equal(kind_of(&probe), TN_RULE_END);
    probe.has_info = false;
    assert_int_equal(kind_of(&probe), TN_RULE_CHAIN);
    probe.is_signal = true;
    assert_int_equal(kind_of(&probe), TN_RULE_SIGNAL);
    probe = probe_of(SP + 64);
    probe.step = -1;
    assert_int_equal(kind_of(&probe), TN_RULE_COMPLEX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_hold_their_parts),
        cmocka_unit_test(frame_from_the_stack_pointer),
        cmocka_unit_test(frame_from_the_frame_pointer),
        cmocka_unit_test(realigned_frame_is_complex),
        cmocka_unit_test(frame_from_another_register_is_complex),
        cmocka_unit_test(oddly_saved_frame_pointer_is_complex),
        cmocka_unit_test(return_address_in_its_register),
        cmocka_unit_test(return_address_elsewhere_is_complex),
        cmocka_unit_test(frame_without_record),
        cmocka_unit_test(ends_and_signals_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
