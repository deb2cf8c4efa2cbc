/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tenure/site.h"

#include "../../lib/site/tables.h"

#include <errno.h>
#include <string.h>

#define LIBC   "/usr/lib/x86_64-linux-gnu/libc.so.6"
#define LOADER "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"
#define CXX    "/usr/lib/x86_64-linux-gnu/libstdc++.so.6.0.30"
#define GLIB   "/usr/lib/x86_64-linux-gnu/libglib-2.0.so.0.7400.6"
#define APP    "/home/me/app"

struct frame {
    const char *function, *module;
};

/* A stack, innermost frame first, and what is to come of it. */
struct stack_case {
    const char *what;
    struct frame frames[8];
    int site;        /* position; -1: every frame is skipped */
    const char *via; /* NULL: directly */
};

static const struct stack_case stacks[] = {
    {"direct call", {{"parse", APP}, {"main", APP}}, 0, NULL},
    {"C library in between", {{"__GI___strdup", LIBC}, {"parse", APP}}, 1, "strdup"},
    {"outermost C library function counts",
     {{"__fopen_internal", LIBC}, {"_IO_new_fopen", LIBC}, {"load", APP}},
     2,
     "fopen"},
    {"stripped C library", {{NULL, LIBC}, {"load", APP}}, 1, NULL},
    {"stripped inner function", {{NULL, LIBC}, {"getdelim", LIBC}, {"load", APP}}, 2, "getdelim"},
    {"stripped outer function", {{"getdelim", LIBC}, {NULL, LIBC}, {"load", APP}}, 2, "getdelim"},
    {"callback from the C library", {{"compare", APP}, {"qsort", LIBC}, {"main", APP}}, 0, NULL},
    {"before main",
     {{NULL, CXX}, {"call_init", LOADER}, {"_dl_init", LOADER}, {"_dl_start_user", LOADER}},
     -1,
     NULL},
    {"start-up code of the program is no site",
     {{"init_cacheinfo", LIBC}, {"__libc_start_main", LIBC}, {"_start", APP}},
     -1,
     NULL},
    {"constructor of the program", {{"_GLOBAL__sub_I_table", APP}, {"call_init", LOADER}}, 0, NULL},
    {"stripped program", {{NULL, APP}, {NULL, APP}}, 0, NULL},
    {"code outside modules", {{NULL, NULL}, {"main", APP}}, 0, NULL},
    {"xmalloc family", {{"xmalloc", APP}, {"xstrdup", APP}, {"parse", APP}}, 2, "xstrdup"},
    {"git: wrapper in wrapper", {{"do_xmalloc", APP}, {"xmalloc", APP}, {"parse", APP}}, 2, "xmalloc"},
    {"GLib", {{"g_malloc", GLIB}, {"g_strdup", GLIB}, {"parse", APP}}, 2, "g_strdup"},
    {"GLib's own needs are GLib's",
     {{"g_malloc0", GLIB}, {"g_hash_table_new_full", GLIB}, {"main", APP}},
     1,
     "g_malloc0"},
    {"IoTivity", {{"OICCalloc", APP}, {"OCPayloadNew", APP}}, 1, "OICCalloc"},
    {"CPython",
     {{"_PyMem_RawMalloc", APP},
      {"PyObject_Malloc", APP},
      {"gc_alloc", APP},
      {"_PyObject_GC_New", APP},
      {"PyDict_New", APP}},
     4,
     "PyObject_GC_New"},
    {"SQLite",
     {{"sqlite3MemMalloc", APP},
      {"mallocWithAlarm", APP},
      {"sqlite3Malloc", APP},
      {"sqlite3DbMallocRawNN", APP},
      {"sqlite3PagerOpen", APP}},
     4,
     "sqlite3DbMallocRaw"},
    {"vector, inlined",
     {{"std::__new_allocator<int>::allocate(unsigned long, void const*)", APP},
      {"std::allocator_traits<std::allocator<int> >::allocate(std::allocator<int>&, unsigned long)", APP},
      {"std::_Vector_base<int, std::allocator<int> >::_M_allocate(unsigned long)", APP},
      {"std::vector<int, std::allocator<int> >::_M_realloc_insert<int>(int&&)", APP},
      {"std::vector<int, std::allocator<int> >::push_back(int&&)", APP},
      {"app::fill()", APP}},
     5,
     "std::vector"},
    {"string in the library",
     {{"operator new(unsigned long)", CXX},
      {"std::string::_M_create(unsigned long&, unsigned long)", CXX},
      {"app::name()", APP}},
     2,
     "std::string"},
    {"operator new", {{"operator new(unsigned long)", CXX}, {"app::run()", APP}}, 1, "operator new"},
    {"operator new[] replaced",
     {{"operator new[](unsigned long)", APP}, {"app::run()", APP}},
     1,
     "operator new[]"},
    {"class with its own operator",
     {{"app::node::operator new(unsigned long)", APP}, {"app::run()", APP}},
     1,
     "app::node::operator new"},
    {"set",
     {{"std::_Rb_tree<int, int, std::_Identity<int>, std::less<int>, std::allocator<int> >::_M_insert_(int)",
       APP},
      {"app::run()", APP}},
     1,
     "std::set"},
    {"map",
     {{"std::_Rb_tree<int, std::pair<int const, int>, std::_Select1st<std::pair<int const, int> > >::"
       "_M_get_node()",
       APP},
      {"app::run()", APP}},
     1,
     "std::map"},
    {"allocator alone says nothing",
     {{"std::__new_allocator<app::node>::allocate(unsigned long, void const*)", APP}, {"app::run()", APP}},
     1,
     NULL},
    {"members of a pair tell more",
     {{"std::string::string(std::string const&)", APP},
      {"std::pair<std::string, int>::pair(std::pair<std::string, int> const&)", APP},
      {"app::run()", APP}},
     2,
     "std::string"},
    {"nested namespace",
     {{"std::filesystem::__cxx11::path::path(std::string&&)", CXX}, {"app::run()", APP}},
     1,
     "std::filesystem::path"},
    {"stream",
     {{"std::basic_ofstream<char, std::char_traits<char> >::open(char const*)", CXX}, {"app::run()", APP}},
     1,
     "std::ofstream"},
    {"wide stream",
     {{"std::basic_ofstream<wchar_t, std::char_traits<wchar_t> >::open(char const*)", CXX},
      {"app::run()", APP}},
     1,
     "std::wofstream"},
    {"libc++",
     {{"std::__1::vector<int, std::__1::allocator<int> >::reserve(unsigned long)", APP}, {"app::run()", APP}},
     1,
     "std::vector"},
    {"exception", {{"__cxa_allocate_exception", CXX}, {"app::run()", APP}}, 1, "throw"},
    {"a program's own namespace that begins alike", {{"stdx::vector::grow()", APP}}, 0, NULL},
    {"Rust",
     {{"__rust_alloc", APP},
      {"alloc::alloc::alloc", APP},
      {"alloc::raw_vec::finish_grow", APP},
      {"alloc::raw_vec::RawVec<T,A>::reserve_for_push", APP},
      {"alloc::vec::Vec<T,A>::push", APP},
      {"mycrate::fill", APP}},
     5,
     "alloc::vec::Vec"},
    {"Rust box", {{"alloc::alloc::exchange_malloc", APP}, {"mycrate::run", APP}}, 1, "alloc::boxed::Box"},
    {"Rust trait of the library on its own type",
     {{"<alloc::string::String as core::clone::Clone>::clone", APP}, {"mycrate::run", APP}},
     1,
     "alloc::string::String"},
    {"Rust trait on the program's type",
     {{"<mycrate::Node as core::clone::Clone>::clone", APP}, {"mycrate::run", APP}},
     0,
     NULL},
    {"Rust map",
     {{"hashbrown::raw::RawTable<T,A>::reserve_rehash", APP},
      {"std::collections::hash::map::HashMap<K,V,S>::insert", APP},
      {"mycrate::run", APP}},
     2,
     "std::collections::HashMap"},
    {"Rust, new mangling",
     {{"__rustc::__rust_alloc", APP},
      {"<alloc::raw_vec::RawVecInner>::finish_grow", APP},
      {"<alloc::vec::Vec<u8> as alloc::vec::spec_extend::SpecExtend<u8>>::spec_extend", APP},
      {"<std::path::PathBuf>::push::<&std::path::Path>", APP},
      {"mycrate::run", APP}},
     4,
     "std::path::PathBuf"},
    {"Rust reference to a type of the library",
     {{"<&std::path::Path as <std::ffi::os_str::OsString>::push::SpecPushTo>::spec_push_to", APP},
      {"mycrate::run", APP}},
     1,
     "std::path::Path"},
    {"allocator of a Rust program",
     {{"<m::Counting as core::alloc::global::GlobalAlloc>::alloc", APP}, {"m::make", APP}},
     1,
     NULL},
    {"operator",
     {{"std::string::_M_append(char const*, unsigned long)", APP},
      {"std::operator+<char, std::char_traits<char>, std::allocator<char> >(std::string const&, char const*)",
       APP},
      {"app::run()", APP}},
     2,
     "std::operator+"},
    {"operator with brackets",
     {{"std::operator<< <std::char_traits<char> >(std::ostream&, char const*)", APP}, {"app::run()", APP}},
     1,
     "std::operator<<"},
    {"name that only begins like a wrapper", {{"xmalloc_stats", APP}, {"main", APP}}, 0, NULL},
};

static void check(const struct tn_site_rules *rules, const struct stack_case *stack)
{
    struct tn_site_class classes[8];
    struct tn_site_search search = {0};
    int site = -1;
    for (int i = 0; i < 8 && site < 0; i++) {
        if (stack->frames[i].function == NULL && stack->frames[i].module == NULL && i > 0)
            break;
        struct tn_site_source source = {stack->frames[i].function, "/src/a.c", 1, stack->frames[i].module,
                                        0x1000 + i};
        tn_site_classify(rules, &source, &classes[i]);
        if (tn_site_step(&search, &classes[i]))
            site = i;
    }
    if (site != stack->site)
        fail_msg("%s: site at %d, not %d", stack->what, site, stack->site);
    if (site < 0)
        return;
    const char *via = search.via != NULL ? search.via : "(direct)";
    if (strcmp(via, stack->via != NULL ? stack->via : "(direct)") != 0)
        fail_msg("%s: via %s", stack->what, via);
}

static void stacks_are_attributed(void **state)
{
    (void)state;
    struct tn_site_rules *rules;
    assert_int_equal(tn_site_rules_open(NULL, &rules, NULL), 0);
    for (size_t i = 0; i < sizeof(stacks) / sizeof(stacks[0]); i++)
        check(rules, &stacks[i]);
    tn_site_rules_close(rules);
}

/* What the source decides, where the name does not. */
static const struct {
    const char *function, *file;
    uint32_t line;
    enum tn_site_kind kind;
} sources[] = {
    {"<u8 as <[_]>::to_vec_in::ConvertVec>::to_vec", "/rustc/5980/library/alloc/src/slice.rs", 448,
     TN_SITE_RUNTIME},
    {"m::make", "/home/a/rustc/library/make.rs", 4, TN_SITE_PROGRAM},
    {"m::make", "/rustc/5980/compiler/m.rs", 4, TN_SITE_PROGRAM},
    {"record::record(record const&)", NULL, 0, TN_SITE_RUNTIME},
    {"net::list<int, 3>::operator=(net::list<int, 3>&&)", NULL, 0, TN_SITE_RUNTIME},
    {"record::record(record const&)", "/src/a.cpp", 7, TN_SITE_PROGRAM}, /* the program's own */
    {"record::record(other const&)", NULL, 0, TN_SITE_PROGRAM},
    {"record::record()", NULL, 0, TN_SITE_PROGRAM},
    {"record::add(int)", NULL, 0, TN_SITE_PROGRAM},
    {"copy(record const&)", NULL, 0, TN_SITE_PROGRAM},
    {"copy", NULL, 0, TN_SITE_PROGRAM},
    {"record<", NULL, 0, TN_SITE_PROGRAM},
};

static void sources_are_told(void **state)
{
    (void)state;
    struct tn_site_rules *rules;
    assert_int_equal(tn_site_rules_open(NULL, &rules, NULL), 0);
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        struct tn_site_source source = {sources[i].function, sources[i].file, sources[i].line, APP, 0x1000};
        struct tn_site_class class;
        tn_site_classify(rules, &source, &class);
        if (class.kind != sources[i].kind)
            fail_msg("%s at %s: %d", sources[i].function, sources[i].file, (int)class.kind);
    }
    tn_site_rules_close(rules);
}

static void named_wrappers_are_skipped(void **state)
{
    (void)state;
    static const struct stack_case ours[] = {
        {"C", {{"my_alloc", APP}, {"parse", APP}}, 1, "my_alloc"},
        {"C++", {{"app::heap::take(unsigned long)", APP}, {"app::run()", APP}}, 1, "app::heap::take"},
        {"not matched", {{"my_allocator_setup", APP}, {"main", APP}}, 0, NULL},
        {"a place without a name", {{NULL, APP}, {NULL, APP}, {"main", APP}}, 1, "app+0x1000"},
        {"the table still holds", {{"xmalloc", APP}, {"my_alloc", APP}, {"parse", APP}}, 2, "my_alloc"},
    };
    struct tn_site_rules *rules;
    assert_int_equal(tn_site_rules_open("^my_alloc$|::heap::|app\\+0x1000$", &rules, NULL), 0);
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        check(rules, &ours[i]);
    tn_site_rules_close(rules);
}

static void bad_expression_is_refused(void **state)
{
    (void)state;
    struct tn_site_rules *rules = NULL;
    struct tn_error error = {0};
    assert_int_equal(tn_site_rules_open("my_(alloc", &rules, &error), -EINVAL);
    assert_null(rules);
    assert_non_null(strstr(error.text, "my_(alloc"));
    tn_site_rules_close(NULL);
}

/* A name that is in two tables, or twice in one, would make the answer depend on their order. */
static void tables_have_no_name_twice(void **state)
{
    (void)state;
    const struct tn_site_name *const tables[] = {tn_site_runtime_names, tn_site_wrappers};
    for (int t = 0; t < 2; t++)
        for (const struct tn_site_name *a = tables[t]; a->name != NULL; a++) {
            assert_non_null(a->why);
            for (int u = t; u < 2; u++)
                for (const struct tn_site_name *b = u == t ? a + 1 : tables[u]; b->name != NULL; b++)
                    if (strcmp(a->name, b->name) == 0)
                        fail_msg("%s stands twice", a->name);
        }
}

static void library_objects_are_told_from_blocks_handed_over(void **state)
{
    (void)state;
    for (const char *const *name = tn_site_library_objects; name[1] != NULL; name++)
        if (strcmp(name[0], name[1]) >= 0)
            fail_msg("%s and %s are out of order", name[0], name[1]);
    assert_true(tn_site_is_library_object("fopen"));
    assert_true(tn_site_is_library_object("stdio buffer"));
    assert_false(tn_site_is_library_object("strdup"));
    assert_false(tn_site_is_library_object("getline"));
    assert_false(tn_site_is_library_object("buffer"));
    assert_false(tn_site_is_library_object(""));
    assert_false(tn_site_is_library_object(NULL));
    assert_true(tn_site_is_runtime_module("/lib/x86_64-linux-gnu/libc.so.6"));
    assert_false(tn_site_is_runtime_module("/usr/bin/libc-tool"));
}

static void long_names_are_cut(void **state)
{
    (void)state;
    struct tn_site_rules *rules;
    assert_int_equal(tn_site_rules_open(".", &rules, NULL), 0);
    char name[4 * TN_SITE_VIA_BYTES];
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    struct tn_site_class class;
    struct tn_site_source source = {name, "/src/a.c", 1, APP, 0};
    tn_site_classify(rules, &source, &class);
    assert_int_equal(class.kind, TN_SITE_WRAPPER);
    assert_int_equal(strlen(class.via), TN_SITE_VIA_BYTES - 1);
    tn_site_rules_close(rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stacks_are_attributed),
        cmocka_unit_test(sources_are_told),
        cmocka_unit_test(named_wrappers_are_skipped),
        cmocka_unit_test(bad_expression_is_refused),
        cmocka_unit_test(tables_have_no_name_twice),
        cmocka_unit_test(long_names_are_cut),
        cmocka_unit_test(library_objects_are_told_from_blocks_handed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
