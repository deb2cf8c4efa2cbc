/* SPDX-License-Identifier: MIT */

/* Names of functions as a sentence bears them: what is left out, what must not be, and names that only look
 * as if they had parameters or template arguments. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tenure/finding.h"

#include <string.h>

static const struct {
    const char *full, *shortened;
} names[] = {
    {"main", "main"},
    {"", ""},
    {"Json::Reader::decode(Json::Token&, Json::Value&)", "Json::Reader::decode"},
    {"Json::(anonymous namespace)::valueToString[abi:cxx11](double, bool)",
     "Json::(anonymous namespace)::valueToString"},
    {"(anonymous namespace)::f(int)", "(anonymous namespace)::f"},
    {"Json::Value::operator[](unsigned int)", "Json::Value::operator[]"},
    {"std::string& operator+=(std::string&, char)", "std::string& operator+="},
    {"ns::operator<<(std::ostream&, ns::Point const&)", "ns::operator<<"},
    {"bool operator< <int>(Set<int> const&, Set<int> const&)", "bool operator< <int>"},
    {"Handle::operator->() const", "Handle::operator->"},
    {"Call::operator()(int) const", "Call::operator()"},
    {"Text::operator std::string() const", "Text::operator std::string"},
    {"run(Jobs&)::{lambda(int, char)#1}::operator()(int, char) const", "run::{lambda#1}::operator()"},
    {"std::vector<int, std::allocator<int> >::push_back(int const&)", "std::vector<int>::push_back"},
    {"std::map<int, Long, std::less<int>, std::allocator<std::pair<int const, Long> > >::at(int const&)",
     "std::map<int, Long>::at"},
    {"Pool<std::vector<int, std::allocator<int> >, 4>::take()", "Pool<std::vector<...>, 4>::take"},
    {"Pool<a_type_with_a_very_long_name, another_one>::take()", "Pool<...>::take"},
    {"Compare<(Order)1>::less(int)", "Compare<(Order)1>::less"},
    {"Shift<(1 >> 2)>::get()", "Shift<(1 >> 2)>::get"},
    {"apply<void (*)(int)>(void (*)(int))", "apply<void (*)(int)>"},
    {"coerce<int>(operator_of)", "coerce<int>"},
    {"my_operator<int>(int)", "my_operator<int>"},
    {"<alloc::vec::Vec<u8> as core::clone::Clone>::clone",
     "<alloc::vec::Vec<u8> as core::clone::Clone>::clone"},
    {"unbalanced<int(", "unbalanced<int(>"},
};

static void names_keep_what_tells_them_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char text[256];
        assert_string_equal(tn_function_short_name(names[i].full, text, sizeof(text)), names[i].shortened);
    }
}

/* No length of text, and no room for it, is written beyond. */
static void long_names_are_cut(void **state)
{
    (void)state;
    static char name[5000];
    char text[17];
    memset(name, 'x', sizeof(name) - 1);
    for (size_t i = 0; i + 2 < sizeof(name); i += 7)
        memcpy(name + i, i % 3 != 0 ? "<a," : "(b)", 3);
    for (size_t bytes = 1; bytes <= sizeof(text); bytes++) {
        memset(text, '#', sizeof(text));
        tn_function_short_name(name, text, bytes);
        assert_true(strlen(text) < bytes || bytes == 1);
        if (bytes < sizeof(text))
            assert_int_equal(text[bytes], '#');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_keep_what_tells_them_apart),
        cmocka_unit_test(long_names_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
