/* SPDX-License-Identifier: MIT */

/* Policies: which limits and exceptions are read, and what is said of those that cannot be used. */

#include "check_fixture.h"

#include <errno.h>
#include <stdbool.h>

static int add(struct tn_check_policy *policy, const char *text, char *ret_why)
{
    struct tn_error error = {0};
    int r = tn_check_policy_add_limit(policy, text, kinds, &error);
    snprintf(ret_why, TN_ERROR_TEXT_BYTES, "%s", error.text);
    return r;
}

static void a_bad_limit_is_refused_with_its_reason(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"peak_live_bytes", "'peak_live_bytes' is not METRIC=VALUE"},
        {"=3", "'=3' is not METRIC=VALUE"},
        {"peak=3", "'peak' is no metric: there are allocations_after_init"},
        {"peak_live_bytes=", "'' is no number from 0 on"},
        {"peak_live_bytes=-1", "'-1' is no number from 0 on"},
        {"peak_live_bytes=nan", "'nan' is no number from 0 on"},
        {"peak_live_bytes=inf", "'inf' is no number from 0 on"},
        {"peak_live_bytes=3x", "'3x' is no number from 0 on"},
        {"live_at_end=4K", "'4K' is no number from 0 on"},
        {"live_at_end.pool=4", "'live_at_end' takes nothing behind a dot"},
        {"smallest_heap_bytes=4", "'smallest_heap_bytes' needs a model of a heap behind a dot"},
        {"findings.pools=4", "'pools' is no kind of finding"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tn_check_policy policy = {0};
        char why[TN_ERROR_TEXT_BYTES];
        assert_int_equal(add(&policy, cases[i].text, why), -EINVAL);
        if (strncmp(why, cases[i].why, strlen(cases[i].why)) != 0)
            fail_msg("%s: '%s' and not '%s'", cases[i].text, why, cases[i].why);
        assert_int_equal(policy.limit_count, 0);
        tn_check_policy_finish(&policy);
    }
}

static void a_limit_is_read_with_its_part_and_unit(void **state)
{
    (void)state;
    struct tn_check_policy policy = {0};
    char why[TN_ERROR_TEXT_BYTES];
    assert_int_equal(add(&policy, "smallest_heap_bytes.glibc:tcache=0=64K", why), 0);
    assert_int_equal(policy.limits[0].metric, TN_METRIC_SMALLEST_HEAP);
    assert_string_equal(policy.limits[0].part, "glibc:tcache=0");
    assert_true(policy.limits[0].max == 65536);
    assert_int_equal(add(&policy, "small_short_lived_per_s=0.5", why), 0);
    assert_true(policy.limits[1].max == 0.5);
    assert_int_equal(add(&policy, "findings=0", why), 0);
    assert_int_equal(add(&policy, "findings.pool=0", why), 0);
    assert_int_equal(add(&policy, "findings.pool=1", why), -EINVAL);
    assert_string_equal(why, "'findings.pool' has a limit already; give one");
    assert_true(tn_check_policy_has(&policy, TN_METRIC_FINDINGS));
    assert_false(tn_check_policy_has(&policy, TN_METRIC_PEAK));
    tn_check_policy_finish(&policy);
}

static void a_bad_line_is_refused_with_its_number(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"# limits\n\nmaximum findings=0\n", "ci.policy, line 3: a line begins with 'max', 'except' or '#'"},
        {"max findings\n", "ci.policy, line 1: 'findings' is not METRIC=VALUE"},
        {"max findings=0\r\nmax findings=0", "ci.policy, line 2: 'findings' has a limit already; give one"},
        {"except findings at f",
         "ci.policy, line 1: an exception is 'except METRIC at PLACE because REASON'"},
        {"except findings because of f",
         "ci.policy, line 1: an exception is 'except METRIC at PLACE because"},
        {"except findings at f because  ", "ci.policy, line 1: an exception"},
        {"except findings at  because x", "ci.policy, line 1: an exception needs a place and a reason"},
        {"except finding at f because x", "ci.policy, line 1: 'finding' is no metric"},
        {"except findings.x at f because x", "ci.policy, line 1: 'x' is no kind of finding"},
        {"except peak_live_bytes at f because x",
         "ci.policy, line 1: 'peak_live_bytes' belongs to the program"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tn_check_policy policy = {0};
        char why[TN_ERROR_TEXT_BYTES];
        assert_int_equal(read_policy(&policy, cases[i].text, why), -EBADMSG);
        if (strncmp(why, cases[i].why, strlen(cases[i].why)) != 0)
            fail_msg("%s: '%s' and not '%s'", cases[i].text, why, cases[i].why);
        tn_check_policy_finish(&policy);
    }
}

static void a_policy_file_has_limits_and_exceptions(void **state)
{
    (void)state;
    struct tn_check_policy policy = {0};
    char why[TN_ERROR_TEXT_BYTES];
    assert_int_equal(
        read_policy(&policy,
                    "# of the device\n"
                    "max  peak_live_bytes=64K \r\n"
                    "\texcept findings.pool at ns::f(int, char) because at most 3, and it is rare\n"
                    "   \n"
                    "max live_at_end=0",
                    why),
        0);
    assert_int_equal(policy.limit_count, 2);
    assert_int_equal(policy.limits[0].line, 2);
    assert_true(policy.limits[0].max == 65536);
    assert_int_equal(policy.limits[1].line, 5);
    assert_int_equal(policy.exception_count, 1);
    assert_string_equal(policy.exceptions[0].part, "pool");
    assert_string_equal(policy.exceptions[0].place, "ns::f(int, char)");
    assert_string_equal(policy.exceptions[0].reason, "at most 3, and it is rare");
    tn_check_policy_finish(&policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_limit_is_refused_with_its_reason),
        cmocka_unit_test(a_limit_is_read_with_its_part_and_unit),
        cmocka_unit_test(a_bad_line_is_refused_with_its_number),
        cmocka_unit_test(a_policy_file_has_limits_and_exceptions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
