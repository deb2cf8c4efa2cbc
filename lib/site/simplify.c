/* SPDX-License-Identifier: MIT */
/* Turns names of skipped frames into what a reader calls them: "std::vector<int, ...>::push_back(int&&)"
 * becomes "std::vector". Template arguments, internal namespaces and prefixes go; a few aliases of tables.c
 * replace base classes. Called by site.c. */
#include "simplify.h"

#include "tables.h"

#include "tenure/brackets.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static size_t identifier_length(const char *text)
{
    size_t n = 0;
    while (isalnum((unsigned char)text[n]) || text[n] == '_')
        n++;
    return n;
}

static bool is_listed(const char *const *list, const char *text, size_t length)
{
    for (; *list != NULL; list++)
        if (strlen(*list) == length && memcmp(*list, text, length) == 0)
            return true;
    return false;
}

/* The entry whose name is the first whole word of text, or NULL. */
static const struct tn_site_name *find_alias(const struct tn_site_name *table, const char *text)
{
    for (; table->name != NULL; table++) {
        size_t length = strlen(table->name);
        if (strncmp(text, table->name, length) == 0 && identifier_length(text + length) == 0)
            return table;
    }
    return NULL;
}

/* libstdc++ builds map and set from one template; the key selector among its arguments tells them apart. */
static void print_container(const char *via, const char *rest, char *ret_via, size_t size_bytes)
{
    bool is_set = strstr(rest, "_Identity") != NULL;
    if (is_set && strcmp(via, "std::map") == 0)
        via = "std::set";
    if (is_set && strcmp(via, "std::unordered_map") == 0)
        via = "std::unordered_set";
    snprintf(ret_via, size_bytes, "%s", via);
}

/* "basic_ofstream<char, ...>" is std::ofstream to a reader. */
static const char *typedef_name(const char *name, const char **ret_wide)
{
    *ret_wide = "";
    if (strncmp(name, "basic_", 6) != 0)
        return name;
    if (strncmp(name + identifier_length(name), "<wchar_t", 8) == 0)
        *ret_wide = "w";
    return name + 6;
}

/* Length of the path before generic arguments or a trait. */
static size_t path_length(const char *text)
{
    size_t n = 0;
    for (;;) {
        n += identifier_length(text + n);
        if (strncmp(text + n, "::", 2) != 0 || identifier_length(text + n + 2) == 0)
            return n;
        n += 2;
    }
}

void tn_site_simplify_rust(const char *name, char *via, size_t size_bytes)
{
    static const char *const silent[] = {"alloc::alloc::", "alloc::raw_vec::", "core::", "hashbrown::", NULL};
    const char *path = name[0] == '<' ? name + 1 : name;
    via[0] = '\0';
    if (strncmp(path, "alloc::alloc::exchange_malloc", 29) == 0) {
        snprintf(via, size_bytes, "alloc::boxed::Box");
        return;
    }
    for (const char *const *start = silent; *start != NULL; start++)
        if (strncmp(path, *start, strlen(*start)) == 0)
            return;
    size_t length = path_length(path), last = length;
    while (last > 0 && path[last - 1] != ':')
        last--;
    /* Type::method: the type tells how; module::function: the function does */
    size_t type = last >= 2 ? last - 2 : 0;
    while (type > 0 && path[type - 1] != ':')
        type--;
    if (last >= 2 && isupper((unsigned char)path[type]))
        length = last - 2;
    snprintf(via, size_bytes, "%.*s", (int)length, path);
}

void tn_site_simplify_std(const char *name, char *via, size_t size_bytes)
{
    const char *rest = name + strlen("std::");
    const char *shown = "", *shown_separator = "";
    int shown_length = 0;
    for (;;) {
        size_t length = identifier_length(rest);
        if (strncmp(rest + length, "::", 2) != 0)
            break;
        if (is_listed(tn_site_std_namespaces, rest, length)) {
            shown = rest;
            shown_length = (int)length;
            shown_separator = "::";
        } else if (!is_listed(tn_site_std_inner_namespaces, rest, length)) {
            break;
        }
        rest += length + 2;
    }
    via[0] = '\0';
    const struct tn_site_name *alias = find_alias(tn_site_std_aliases, rest);
    if (alias != NULL) {
        print_container(alias->via, rest, via, size_bytes);
        return;
    }
    size_t first_length = identifier_length(rest);
    if (shown_length == 0 && strncmp(rest + first_length, "::", 2) == 0 &&
        is_listed(tn_site_rust_modules, rest, first_length)) {
        tn_site_simplify_rust(name, via, size_bytes);
        return;
    }
    if (rest[0] == '_' || identifier_length(rest) == 0)
        return;
    if (strncmp(rest, "operator", 8) == 0 && identifier_length(rest) == 8) {
        size_t symbol = (size_t)(tn_brackets_skip_operator(rest + 8) - rest);
        snprintf(via, size_bytes, "std::%.*s", (int)(symbol > 8 ? symbol : 8 + strcspn(rest + 8, "(< ")),
                 rest);
        return;
    }
    const char *wide;
    rest = typedef_name(rest, &wide);
    snprintf(via, size_bytes, "std::%.*s%s%s%.*s", shown_length, shown, shown_separator, wide,
             (int)identifier_length(rest), rest);
}

void tn_site_simplify_c(const char *name, char *via, size_t size_bytes)
{
    for (const char *const *prefix = tn_site_c_prefixes; *prefix != NULL; prefix++)
        if (strncmp(name, *prefix, strlen(*prefix)) == 0)
            name += strlen(*prefix);
    name += strspn(name, "_");
    const struct tn_site_name *alias = find_alias(tn_site_c_aliases, name);
    if (alias != NULL)
        snprintf(via, size_bytes, "%s", alias->via);
    else
        snprintf(via, size_bytes, "%.*s", (int)strcspn(name, "(<"), name);
}
