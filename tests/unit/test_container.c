/* SPDX-License-Identifier: MIT */

/* Which container a function's name tells of, with the names of libstdc++ and libc++, near misses, and stacks
 * of several of them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tenure/container.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *function, *type, *operation, *element;
} functions[] = {
    {"std::vector<int, std::allocator<int> >::push_back(int const&)", "std::vector", "push_back", "int"},
    {"std::vector<net::pair<int, net::list>, std::allocator<net::pair<int, net::list> > >::"
     "_M_realloc_insert<int>(int&&)",
     "std::vector", "push_back", "net::pair<int, net::list>"},
    {"std::_Vector_base<int*, std::allocator<int*> >::_M_allocate(unsigned long)", "std::vector", "", "int*"},
    {"std::_Bvector_base<std::allocator<bool> >::_M_allocate(unsigned long)", "std::vector", "", "bool"},
    {"std::__1::vector<int, std::__1::allocator<int> >::__vallocate[abi:v160006](unsigned long)",
     "std::vector", "", "int"},
    {"void std::vector<int, std::allocator<int> >::push_back(int)", NULL, "", ""},
    {"std::__1::vector<std::__1::function<void (int, long)>, std::__1::allocator<std::__1::function<void "
     "(int, long)> "
     "> >::__push_back_slow_path<int>(int&&)",
     "std::vector", "push_back", "std::function<void (int, long)>"},
    {"std::string::_M_append(char const*, unsigned long)", "std::string", "append", "char"},
    {"std::string::basic_string<std::allocator<char> >(char const*, std::allocator<char> const&)",
     "std::string", "constructor", "char"},
    {"std::string::operator=(std::string const&)", "std::string", "operator=", "char"},
    {"std::__cxx11::basic_string<wchar_t, std::char_traits<wchar_t>, std::allocator<wchar_t> "
     ">::_M_mutate(unsigned long, unsigned long, wchar_t const*, unsigned long)",
     "std::wstring", "", "wchar_t"},
    {"std::operator+<char, std::char_traits<char>, std::allocator<char> >(std::string const&, char const*)",
     "std::string", "operator+", "char"},
    {"std::map<int, long, std::less<int>, std::allocator<std::pair<int const, long> > >::operator[](int&&)",
     "std::map", "operator[]", "std::pair<int const, long>"},
    {"std::_Rb_tree<int, std::pair<int const, long>, std::_Select1st<std::pair<int const, long> >, "
     "std::less<int>, "
     "std::allocator<std::pair<int const, long> > >::_M_get_node()",
     "std::map", "", "std::pair<int const, long>"},
    {"std::_Rb_tree<int, int, std::_Identity<int>, std::less<int>, std::allocator<int> >::_M_get_node()",
     "std::set", "", "int"},
    {"std::__1::__tree<std::__1::__value_type<int, std::__1::vector<int, std::__1::allocator<int> > >, "
     "std::__1::__map_value_compare<int>, std::__1::allocator<int> >::__construct_node<int>(int&&)",
     "std::map", "", "std::pair<int const, std::vector<int, std::allocator<int> > >"},
    {"std::_Hashtable<long, long, std::allocator<long>, std::__detail::_Identity>::_M_rehash(unsigned long)",
     "std::unordered_set", "", "long"},
    {"std::__shared_count<(__gnu_cxx::_Lock_policy)2>::__shared_count<Point*>(Point*)", "std::shared_ptr", "",
     "Point"},
    {"std::__shared_ptr<Point, (__gnu_cxx::_Lock_policy)2>::reset<Point>(Point*)", "std::shared_ptr", "reset",
     "Point"},
    {"std::make_shared<Point>()", "std::shared_ptr", "make_shared", "Point"},
    {"std::_Function_base::_Base_manager<main::<lambda()> >::_M_create<const main::<lambda()>&>",
     "std::function", "constructor", "main::<lambda()>"},
    {"std::pmr::vector<int>::push_back(int)", "std::vector", "push_back", "int"},
    {"std::vector<int, std::allocator<int>", "std::vector", "vector", "int"}, /* damaged */
    {"std::map<", "std::map", "map", ""},
    {"std::allocator_traits<std::allocator<int> >::allocate(std::allocator<int>&, unsigned long)", NULL, "",
     ""},
    {"std::vectorize(int)", NULL, "", ""},
    {"std::operator+=(int, int)", NULL, "", ""},
    {"net::vector<int>::push_back(int)", NULL, "", ""},
    {"malloc", NULL, "", ""},
    {"std::", NULL, "", ""},
};

static void names_tell_the_container(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        struct tn_container container;
        bool is_container = tn_container_of_function(functions[i].function, &container);
        if (is_container != (functions[i].type != NULL))
            fail_msg("%s: %d", functions[i].function, is_container);
        if (is_container && (strcmp(container.type, functions[i].type) != 0 ||
                             strcmp(container.operation, functions[i].operation) != 0 ||
                             strcmp(container.element, functions[i].element) != 0))
            fail_msg("%s: %s, %s, %s", functions[i].function, container.type, container.operation,
                     container.element);
    }
}

/* Frames from the allocator outwards; what must be told of the innermost and the outermost container. */
static const struct {
    const char *frames[6];
    const char *inner, *outer;
} stacks[] = {
    {{"std::_Vector_base<int, std::allocator<int> >::_M_allocate(unsigned long)",
      "std::vector<int, std::allocator<int> >::_M_realloc_insert<int>(int&&)",
      "std::vector<int, std::allocator<int> >::emplace_back<int>(int&&)",
      "std::vector<int, std::allocator<int> >::push_back(int&&)"},
     "std::vector push_back int",
     "std::vector push_back int"},
    {{"std::string::_M_construct(unsigned long, char)", "std::string::basic_string(std::string const&)",
      "std::_Rb_tree<int, std::pair<int const, std::string>, std::_Select1st<int> >::_M_create_node(int)",
      "std::map<int, std::string, std::less<int> >::insert(int)"},
     "std::string constructor char",
     "std::map insert std::pair<int const, std::string>"},
    {{"std::vector<int, std::allocator<int> >::vector(std::vector<int, std::allocator<int> > const&)",
      "std::vector<std::vector<int, std::allocator<int> >, std::allocator<int> >::resize(unsigned long)"},
     "std::vector constructor int",
     "std::vector resize std::vector<int, std::allocator<int> >"},
    {{"std::_Rb_tree<int, std::pair<int const, long>, std::_Select1st<int> >::_M_get_node()",
      "std::multimap<int, long, std::less<int> >::emplace<int, int>(int&&, int&&)"},
     "std::multimap emplace std::pair<int const, long>",
     "std::multimap emplace std::pair<int const, long>"},
};

static void expect_container(const struct tn_container *container, const char *told)
{
    char text[2 * TN_CONTAINER_ELEMENT_BYTES];
    snprintf(text, sizeof(text), "%s %s %s", container->type, container->operation, container->element);
    assert_string_equal(text, told);
}

static void a_stack_has_two_ends(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(stacks) / sizeof(stacks[0]); i++) {
        struct tn_container_stack stack = {0};
        for (size_t k = 0; stacks[i].frames[k] != NULL; k++) {
            struct tn_container container;
            if (tn_container_of_function(stacks[i].frames[k], &container))
                tn_container_stack_add(&stack, &container);
        }
        expect_container(&stack.inner, stacks[i].inner);
        expect_container(tn_container_stack_outer(&stack), stacks[i].outer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_tell_the_container),
                                       cmocka_unit_test(a_stack_has_two_ends)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
