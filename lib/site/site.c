/* SPDX-License-Identifier: MIT */
/* Classifies frames by the tables and by the user's expression: program, runtime, or wrapper. Names decide
 * before modules: a C++ template instantiated in the program still belongs to the runtime. Called by
 * stack_trie.c, and by analyses for single frames. */
#include "simplify.h"
#include "stack_trie.h"
#include "tables.h"

#include "tenure/brackets.h"

#include <errno.h>
#include <inttypes.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tn_site_rules {
    regex_t wrapper; /* valid if has_wrapper */
    bool has_wrapper;
    char **wrappers; /* owned; added by tn_site_rules_add_wrapper, matched exactly */
    size_t wrapper_count;
};

int tn_site_rules_open(const char *wrapper_regex, struct tn_site_rules **ret_rules, struct tn_error *error)
{
    struct tn_site_rules *rules = calloc(1, sizeof(*rules));
    if (rules == NULL)
        return tn_error_set(error, -ENOMEM, "rules for sites: out of memory");
    if (wrapper_regex != NULL) {
        int code = regcomp(&rules->wrapper, wrapper_regex, REG_EXTENDED | REG_NOSUB);
        if (code != 0) {
            char reason[128];
            regerror(code, &rules->wrapper, reason, sizeof(reason));
            free(rules);
            return tn_error_set(error, -EINVAL, "wrapper expression \"%s\": %s", wrapper_regex, reason);
        }
        rules->has_wrapper = true;
    }
    *ret_rules = rules;
    return 0;
}

int tn_site_rules_add_wrapper(struct tn_site_rules *rules, const char *function)
{
    char **wrappers = realloc(rules->wrappers, (rules->wrapper_count + 1) * sizeof(wrappers[0]));
    if (wrappers == NULL)
        return -ENOMEM;
    rules->wrappers = wrappers;
    wrappers[rules->wrapper_count] = strdup(function);
    if (wrappers[rules->wrapper_count] == NULL)
        return -ENOMEM;
    rules->wrapper_count++;
    return 0;
}

void tn_site_rules_close(struct tn_site_rules *rules)
{
    if (rules == NULL)
        return;
    for (size_t i = 0; i < rules->wrapper_count; i++)
        free(rules->wrappers[i]);
    free(rules->wrappers);
    if (rules->has_wrapper)
        regfree(&rules->wrapper);
    free(rules);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

bool tn_site_is_runtime_module(const char *path)
{
    const char *name = base_name(path);
    for (const struct tn_site_module *m = tn_site_runtime_modules; m->start != NULL; m++)
        if (strncmp(name, m->start, strlen(m->start)) == 0)
            return true;
    return false;
}

/* The entry with exactly this name, without parameters and template arguments, or NULL. */
static const struct tn_site_name *find_name(const struct tn_site_name *table, const char *function)
{
    for (; table->name != NULL; table++) {
        size_t length = strlen(table->name);
        if (strncmp(function, table->name, length) == 0 &&
            (function[length] == '\0' || function[length] == '(' || function[length] == '<'))
            return table;
    }
    return NULL;
}

static bool has_prefix(const struct tn_site_prefix *table, const char *function)
{
    for (; table->prefix != NULL; table++)
        if (strncmp(function, table->prefix, strlen(table->prefix)) == 0)
            return true;
    return false;
}

/* "Type::operator new(unsigned long)": a class with an allocator of its own. Length of the name before the
 * parameters; 0: it is none. */
static size_t class_operator_length(const char *function)
{
    static const char *const operators[] = {"::operator new", "::operator delete"};
    for (size_t i = 0; i < 2; i++) {
        const char *at = strstr(function, operators[i]);
        if (at == NULL)
            continue;
        size_t length = (size_t)(at - function) + strlen(operators[i]);
        if (strncmp(function + length, "[]", 2) == 0)
            length += 2;
        if (function[length] == '\0' || function[length] == '(')
            return length;
    }
    return 0;
}

/* Rust writes trait methods as "<Type as Trait>::method": the type is the owner, or the trait where the type
 * is only a parameter. */
static const char *rust_owner(const char *function)
{
    if (function[0] != '<')
        return function;
    const char *as = strstr(function, " as ");
    const char *path = strstr(function, "::");
    const char *owner = as != NULL && path > as ? as + 4 : function + 1;
    owner += strspn(owner, "&<[");
    return strncmp(owner, "mut ", 4) == 0 || strncmp(owner, "dyn ", 4) == 0 ? owner + 4 : owner;
}

static void set(struct tn_site_class *class, enum tn_site_kind kind, const char *via, size_t length)
{
    class->kind = kind;
    snprintf(class->via, sizeof(class->via), "%.*s", (int)length, via);
}

static void set_entry(struct tn_site_class *class, enum tn_site_kind kind, const struct tn_site_name *entry)
{
    const char *via = entry->via != NULL ? entry->via : entry->name;
    set(class, kind, via, strlen(via));
}

/* Length without parameters and template arguments, which say nothing about a wrapper. */
static size_t bare_length(const char *function)
{
    size_t length = strcspn(function, "(<");
    return length > 0 ? length : strlen(function);
}

void tn_site_class_wrapper(const char *function, struct tn_site_class *ret_class)
{
    set(ret_class, TN_SITE_WRAPPER, function, bare_length(function));
}

static bool is_added(const struct tn_site_rules *rules, const char *function)
{
    for (size_t i = 0; i < rules->wrapper_count; i++)
        if (strcmp(rules->wrappers[i], function) == 0)
            return true;
    return false;
}

/* "<Type as core::alloc::global::GlobalAlloc>::alloc": what a Rust program uses as its allocator. */
static bool is_rust_allocator(const char *function)
{
    static const char *const traits[] = {" as core::alloc::global::GlobalAlloc>::",
                                         " as core::alloc::Allocator>::"};
    for (size_t i = 0; function[0] == '<' && i < sizeof(traits) / sizeof(traits[0]); i++)
        if (strstr(function, traits[i]) != NULL)
            return true;
    return false;
}

static bool classify_by_name(const struct tn_site_rules *rules, const char *function,
                             struct tn_site_class *class)
{
    const struct tn_site_name *entry;
    if (is_added(rules, function) ||
        (rules->has_wrapper && regexec(&rules->wrapper, function, 0, NULL, 0) == 0))
        tn_site_class_wrapper(function, class);
    else if ((entry = find_name(tn_site_runtime_names, function)) != NULL)
        set_entry(class, TN_SITE_RUNTIME, entry);
    else if ((entry = find_name(tn_site_wrappers, function)) != NULL)
        set_entry(class, TN_SITE_WRAPPER, entry);
    else if (has_prefix(tn_site_wrapper_prefixes, function))
        set(class, TN_SITE_WRAPPER, function, bare_length(function));
    else if (class_operator_length(function) != 0)
        set(class, TN_SITE_WRAPPER, function, class_operator_length(function));
    else
        return false;
    return true;
}

static bool classify_by_library(const char *function, struct tn_site_class *class)
{
    if (is_rust_allocator(function)) {
        set(class, TN_SITE_RUNTIME, "", 0);
        return true;
    }
    const char *owner = rust_owner(function);
    if (!has_prefix(tn_site_runtime_prefixes, owner))
        return false;
    class->kind = TN_SITE_RUNTIME;
    if (strncmp(owner, "std::", 5) == 0)
        tn_site_simplify_std(owner, class->via, sizeof(class->via));
    else if (owner[0] != '_')
        tn_site_simplify_rust(owner, class->via, sizeof(class->via));
    return true;
}

void tn_site_library_via(const char *function, char *ret_via)
{
    struct tn_site_class class = {.kind = TN_SITE_PROGRAM};
    const struct tn_site_name *entry = find_name(tn_site_runtime_names, function);
    if (entry != NULL)
        set_entry(&class, TN_SITE_RUNTIME, entry);
    else
        classify_by_library(function, &class);
    memcpy(ret_via, class.via, TN_SITE_VIA_BYTES);
}

/* A function without a name can be named as a wrapper by what reports show of it: "module+0xoffset". */
static bool classify_by_offset(const struct tn_site_rules *rules, const char *module, uint64_t offset_bytes,
                               struct tn_site_class *class)
{
    char shown[TN_SITE_VIA_BYTES];
    if (!rules->has_wrapper)
        return false;
    snprintf(shown, sizeof(shown), "%s+0x%" PRIx64, base_name(module), offset_bytes);
    if (regexec(&rules->wrapper, shown, 0, NULL, 0) != 0)
        return false;
    set(class, TN_SITE_WRAPPER, shown, strlen(shown));
    return true;
}

/* Rust's own sources, as its compiler writes them: what a program instantiates of them is not its own. */
static bool is_library_file(const char *file)
{
    return file != NULL && strncmp(file, "/rustc/", 7) == 0 && strstr(file, "/library/") != NULL;
}

/* "Type::Type(Type const&)" or "Type::operator=(Type&&)", of a class without template arguments or with. */
static bool is_copying(const char *function)
{
    const char *open = strrchr(function, '('), *name = function;
    if (open == NULL || open[1] == ')' || function[0] == '(')
        return false;
    size_t length = (size_t)(open - function), scope = 0;
    for (size_t i = 0; i + 1 < length; i++) {
        if (name[i] == '<')
            i = (size_t)(tn_brackets_skip(name + i) - name) - 1;
        else if (name[i] == ':' && name[i + 1] == ':')
            scope = i;
    }
    return scope != 0 && strncmp(open + 1, function, scope) == 0 &&
           (strcmp(open + 1 + scope, " const&)") == 0 || strcmp(open + 1 + scope, "&&)") == 0);
}

/* A copy that the compiler wrote, member by member: the line to change is the one that copies. */
static bool is_implicit_copy(const struct tn_site_source *source)
{
    return source->line == 0 && source->file == NULL && source->function != NULL &&
           is_copying(source->function);
}

void tn_site_classify(const struct tn_site_rules *rules, const struct tn_site_source *source,
                      struct tn_site_class *ret_class)
{
    const char *function = source->function, *module = source->module;
    *ret_class = (struct tn_site_class){.kind = TN_SITE_PROGRAM};
    if (function != NULL &&
        (classify_by_name(rules, function, ret_class) || classify_by_library(function, ret_class)))
        return;
    if (function == NULL && module != NULL &&
        classify_by_offset(rules, module, source->offset_bytes, ret_class))
        return;
    bool is_runtime_module = module != NULL && tn_site_is_runtime_module(module);
    if (is_runtime_module || is_library_file(source->file) || is_implicit_copy(source))
        ret_class->kind = TN_SITE_RUNTIME;
    if (is_runtime_module && function != NULL)
        tn_site_simplify_c(function, ret_class->via, sizeof(ret_class->via));
}

bool tn_site_step(struct tn_site_search *search, const struct tn_site_class *frame)
{
    if (frame->kind == TN_SITE_PROGRAM)
        return true;
    if (frame->via[0] != '\0')
        search->via = frame->via;
    return false;
}
