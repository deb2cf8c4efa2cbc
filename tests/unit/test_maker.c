/* SPDX-License-Identifier: MIT */

/* Which type of the C++ standard library a function's name tells of, with the names of libstdc++ and libc++,
 * and names of the program's own that only look alike. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tenure/maker.h"

#include <string.h>

static const struct {
    const char *function;
    enum tn_maker maker;
    const char *type;
} functions[] = {
    {"std::vector<int, std::allocator<int> >::push_back(int const&)", TN_MAKER_SEQUENCE, "std::vector"},
    {"std::_Vector_base<int, std::allocator<int> >::_M_allocate(unsigned long)", TN_MAKER_SEQUENCE,
     "std::vector"},
    {"std::__1::vector<int, std::__1::allocator<int> >::__vallocate[abi:v160006](unsigned long)",
     TN_MAKER_SEQUENCE, "std::vector"},
    {"std::__1::__split_buffer<int, std::__1::allocator<int>&>::__split_buffer(unsigned long)",
     TN_MAKER_SEQUENCE, "std::vector"},
    {"std::_Deque_base<int, std::allocator<int> >::_M_allocate_node()", TN_MAKER_SEQUENCE, "std::deque"},
    {"std::string::_M_create(unsigned long&, unsigned long)", TN_MAKER_TEXT, "std::string"},
    {"std::__cxx11::basic_string<wchar_t, std::char_traits<wchar_t>, std::allocator<wchar_t> "
     ">::_M_mutate(unsigned "
     "long, unsigned long, wchar_t const*, unsigned long)",
     TN_MAKER_TEXT, "std::wstring"},
    {"std::_Rb_tree<int, std::pair<int const, int>, std::_Select1st<std::pair<int const, int> >, "
     "std::less<int>, "
     "std::allocator<std::pair<int const, int> > >::_M_get_node()",
     TN_MAKER_NODES, "std::map"},
    {"std::_Rb_tree<int, int, std::_Identity<int>, std::less<int>, std::allocator<int> >::_M_get_node()",
     TN_MAKER_NODES, "std::set"},
    {"std::__1::__tree<int, std::__1::less<int>, std::__1::allocator<int> >::__construct_node<int>(int&&)",
     TN_MAKER_NODES, "std::map"},
    {"std::__cxx11::list<int, std::allocator<int> >::_M_create_node<int>(int&&)", TN_MAKER_NODES,
     "std::list"},
    {"std::_Hashtable<int, int, std::allocator<int> >::_M_allocate_node<int>(int&&)", TN_MAKER_NODES,
     "std::unordered_map"},
    {"std::_Hashtable<int, int, std::allocator<int> >::_M_rehash(unsigned long, unsigned long const&)",
     TN_MAKER_SEQUENCE, "std::unordered_map"},
    {"std::__shared_count<(__gnu_cxx::_Lock_policy)2>::__shared_count<Point>(Point*)", TN_MAKER_SHARED,
     "std::shared_ptr"},
    {"std::make_shared<Point>()", TN_MAKER_SHARED, "std::make_shared"},
    {"std::make_unique<Point>()", TN_MAKER_NEW, "std::make_unique"},
    {"std::_Function_base::_Base_manager<Big>::_M_create<Big>(std::_Any_data&, Big&&)", TN_MAKER_CALLABLE,
     "std::function"},
    {"std::thread::_M_start_thread(std::unique_ptr<int>, void (*)())", TN_MAKER_LIBRARY, "std::thread"},
    {"operator new(unsigned long)", TN_MAKER_NEW, "operator new"},
    {"std::allocator_traits<std::allocator<int> >::allocate(std::allocator<int>&, unsigned long)",
     TN_MAKER_CALL, ""},
    {"std::sort<int*>(int*, int*)", TN_MAKER_CALL, ""},
    {"net::vector::push_back(int)", TN_MAKER_CALL, ""},
    {"malloc", TN_MAKER_CALL, ""},
    {"strdup", TN_MAKER_CALL, ""},
};

static void names_tell_the_type(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        char type[TN_MAKER_TYPE_BYTES];
        enum tn_maker maker = tn_maker_of_function(functions[i].function, type);
        if (maker != functions[i].maker || strcmp(type, functions[i].type) != 0)
            fail_msg("%s: %d, %s", functions[i].function, (int)maker, type);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_tell_the_type)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
