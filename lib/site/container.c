/* SPDX-License-Identifier: MIT */
/* Reads names of functions of the C++ standard library by the tables of container_names.c. A stack has the
 * innermost container first: names of one family with one type of elements, one after the other, are parts of
 * one call, and the outermost public name among them is what the program asked for. Called by lib/finish. */
#include "tenure/container.h"

#include "container_names.h"
#include "tables.h"

#include "tenure/brackets.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* A function's name, taken apart. Pointers into it. */
struct parts {
    const struct tn_container_name *entry;
    const char *class_arguments; /* at the bracket; NULL: none */
    const char *last_arguments;  /* of the last name that has some; NULL: none */
    const char *member;          /* the last name behind the class; NULL: none */
    int member_length;
    bool is_nested; /* more than one name follows the class */
};

static size_t identifier_length(const char *text)
{
    size_t n = 0;
    while (isalnum((unsigned char)text[n]) || text[n] == '_')
        n++;
    return n;
}

static bool is_inner_namespace(const char *text, size_t length)
{
    static const char *const more[] = {"pmr", "__function", "__any_imp", NULL};
    const char *const *const lists[] = {tn_site_std_inner_namespaces, more};
    for (size_t i = 0; i < 2; i++)
        for (const char *const *name = lists[i]; *name != NULL; name++)
            if (strlen(*name) == length && memcmp(*name, text, length) == 0)
                return true;
    return false;
}

/* What follows "std::" and inner namespaces; NULL for other names. */
static const char *skip_namespaces(const char *function)
{
    if (strncmp(function, "std::", 5) != 0)
        return NULL;
    const char *rest = function + 5;
    for (;;) {
        size_t length = identifier_length(rest);
        if (strncmp(rest + length, "::", 2) != 0 || !is_inner_namespace(rest, length))
            return rest;
        rest += length + 2;
    }
}

static const struct tn_container_name *find_entry(const char *rest)
{
    for (const struct tn_container_name *entry = tn_container_names; entry->name != NULL; entry++) {
        size_t length = strlen(entry->name);
        if (strncmp(rest, entry->name, length) == 0 && identifier_length(rest + length) == 0 &&
            rest[length] != '=')
            return entry;
    }
    return NULL;
}

/* Behind the arguments and marks of the ABI at text. ret_arguments: where they begin, if there are any. */
static const char *skip_arguments(const char *text, const char **ret_arguments)
{
    const char *at = *text == ' ' ? text + 1 : text;
    if (*at == '<') {
        *ret_arguments = at;
        text = tn_brackets_skip(at);
    }
    while (strncmp(text, "[abi:", 5) == 0)
        text = tn_brackets_skip(text);
    return text;
}

static const char *skip_member(const char *text)
{
    if (strncmp(text, "operator", 8) == 0) {
        const char *end = tn_brackets_skip_operator(text + 8);
        return end + strcspn(end, "(<");
    }
    text += *text == '~';
    return text + identifier_length(text);
}

static bool take_apart(const char *function, struct parts *ret_parts)
{
    const char *rest = skip_namespaces(function);
    *ret_parts = (struct parts){.entry = rest != NULL ? find_entry(rest) : NULL};
    if (ret_parts->entry == NULL)
        return false;
    const char *at = skip_arguments(rest + strlen(ret_parts->entry->name), &ret_parts->class_arguments);
    ret_parts->last_arguments = ret_parts->class_arguments;
    while (strncmp(at, "::", 2) == 0) {
        ret_parts->is_nested = ret_parts->member != NULL;
        ret_parts->member = at + 2;
        at = skip_member(at + 2);
        ret_parts->member_length = (int)(at - ret_parts->member);
        at = skip_arguments(at, &ret_parts->last_arguments);
    }
    return true;
}

/* The argument of a list at a position from 0. Returns its length; 0: there is none. */
static int argument_at(const char *arguments, int position, const char **ret_text)
{
    const char *at = arguments + 1;
    for (; position > 0 && *at != '\0' && *at != '>'; position--) {
        at = tn_brackets_skip_argument(at);
        if (*at != ',')
            return 0;
        at += 1 + strspn(at + 1, " ");
    }
    *ret_text = at;
    int length = (int)(tn_brackets_skip_argument(at) - at);
    while (length > 0 && at[length - 1] == ' ')
        length--;
    return length;
}

static bool ends_with_bracket(const char *text, int length)
{
    return length > 0 && text[length - 1] == '>';
}

/* Key and value, as the pair that a node holds. */
static void print_pair(const char *arguments, char *ret_element)
{
    const char *key, *value;
    int key_length = argument_at(arguments, 0, &key), value_length = argument_at(arguments, 1, &value);
    if (key_length == 0 || value_length == 0)
        return;
    snprintf(ret_element, TN_CONTAINER_ELEMENT_BYTES, "std::pair<%.*s const, %.*s%s>", key_length, key,
             value_length, value, ends_with_bracket(value, value_length) ? " " : "");
}

/* Take out of a type what the two libraries write differently. */
static void remove_all(char *text, const char *what)
{
    size_t length = strlen(what);
    for (char *at = text; (at = strstr(at, what)) != NULL;)
        memmove(at, at + length, strlen(at + length) + 1);
}

/* "const T&" is a T, and so is what the T* of a shared pointer's counters points to. */
static void strip_reference(char *element)
{
    if (strncmp(element, "const ", 6) == 0)
        memmove(element, element + 6, strlen(element + 6) + 1);
    size_t length = strlen(element);
    while (length > 0 && strchr("&* ", element[length - 1]) != NULL)
        element[--length] = '\0';
    if (length > 6 && strcmp(element + length - 6, " const") == 0)
        element[length - 6] = '\0';
}

static void print_element(const struct parts *parts, char *ret_element)
{
    int position = parts->entry->element;
    bool has_own = parts->last_arguments != parts->class_arguments;
    const char *arguments = parts->class_arguments;
    if (position == TN_ELEMENT_LAST)
        arguments = has_own ? parts->last_arguments : NULL;
    const char *text;
    ret_element[0] = '\0';
    if (position == TN_ELEMENT_BOOL || position == TN_ELEMENT_CHAR)
        snprintf(ret_element, TN_CONTAINER_ELEMENT_BYTES, position == TN_ELEMENT_BOOL ? "bool" : "char");
    if (arguments == NULL || (position < 0 && position != TN_ELEMENT_PAIR && position != TN_ELEMENT_LAST))
        return;
    if (position == TN_ELEMENT_PAIR) {
        print_pair(arguments, ret_element);
    } else {
        int length = argument_at(arguments, position > 0 ? position : 0, &text);
        bool is_pair = length > 0 && (strncmp(text, "std::__1::__value_type<", 23) == 0 ||
                                      strncmp(text, "std::__1::__hash_value_type<", 28) == 0);
        if (is_pair)
            print_pair(strchr(text, '<'), ret_element);
        else
            snprintf(ret_element, TN_CONTAINER_ELEMENT_BYTES, "%.*s", length, length > 0 ? text : "");
    }
    remove_all(ret_element, "__1::");
    remove_all(ret_element, "__cxx11::");
    if (position == TN_ELEMENT_LAST)
        strip_reference(ret_element);
}

/* What a program called, where only a function inside of the library shows. */
static const char *inner_operation(const char *member, size_t length)
{
    for (const struct tn_container_operation *entry = tn_container_operations; entry->name != NULL; entry++)
        if (strlen(entry->name) == length && memcmp(entry->name, member, length) == 0)
            return entry->operation;
    return "";
}

static bool is_constructor(const struct parts *parts)
{
    const char *class = strcmp(parts->entry->name, "string") == 0 ? "basic_string" : parts->entry->name;
    return strlen(class) == (size_t)parts->member_length &&
           memcmp(class, parts->member, (size_t)parts->member_length) == 0;
}

static void print_operation(const struct parts *parts, struct tn_container *container)
{
    bool is_public_class = parts->entry->name[0] != '_';
    char *operation = container->operation;
    container->is_public = is_public_class && (parts->member == NULL || parts->member[0] != '_');
    if (parts->member == NULL)
        snprintf(operation, TN_CONTAINER_OPERATION_BYTES, "%s", is_public_class ? parts->entry->name : "");
    else if (is_constructor(parts))
        snprintf(operation, TN_CONTAINER_OPERATION_BYTES, "%s", is_public_class ? "constructor" : "");
    else if (container->is_public || (parts->member[0] != '_' && !parts->is_nested)) /* inherited */
        snprintf(operation, TN_CONTAINER_OPERATION_BYTES, "%.*s", parts->member_length, parts->member);
    else
        snprintf(operation, TN_CONTAINER_OPERATION_BYTES, "%s",
                 inner_operation(parts->member, (size_t)parts->member_length));
}

/* libstdc++ builds sets as maps whose key is the whole element; strings differ in their characters. */
static const char *type_of(const struct parts *parts, const char *element)
{
    static const char *const strings[][2] = {
        {"wchar_t", "std::wstring"}, {"char16_t", "std::u16string"}, {"char32_t", "std::u32string"}};
    const char *type = parts->entry->type;
    for (size_t i = 0; parts->entry->family == TN_FAMILY_STRING && i < 3; i++)
        if (strcmp(element, strings[i][0]) == 0)
            return strings[i][1];
    if (parts->entry->name[0] != '_' || parts->class_arguments == NULL)
        return type;
    bool is_set =
        strncmp(element, "std::pair<", 10) != 0 || strstr(parts->class_arguments, "_Identity") != NULL;
    if (is_set && parts->entry->family == TN_FAMILY_TREE)
        return "std::set";
    return is_set && parts->entry->family == TN_FAMILY_HASH && element[0] != '\0' ? "std::unordered_set"
                                                                                  : type;
}

bool tn_container_of_function(const char *function, struct tn_container *ret_container)
{
    struct parts parts;
    ret_container->type = NULL;
    ret_container->family = TN_FAMILY_NONE;
    if (!take_apart(function, &parts))
        return false;
    print_element(&parts, ret_container->element);
    print_operation(&parts, ret_container);
    ret_container->type = type_of(&parts, ret_container->element);
    ret_container->family = (int)parts.entry->family;
    return true;
}

/* Whether two names can be parts of one call: elements of elements are another container. */
static bool is_same(const struct tn_container *one, const struct tn_container *other)
{
    if (one->family != other->family)
        return false;
    if (one->family > TN_FAMILY_HASH || one->element[0] == '\0' || other->element[0] == '\0')
        return true;
    return strcmp(one->element, other->element) == 0;
}

static void merge(struct tn_container *target, const struct tn_container *outer)
{
    if (outer->is_public) {
        target->type = outer->type;
        target->is_public = true;
    }
    if (outer->is_public || (!target->is_public && outer->operation[0] != '\0'))
        memcpy(target->operation, outer->operation, sizeof(target->operation));
    if (target->element[0] == '\0')
        memcpy(target->element, outer->element, sizeof(target->element));
}

void tn_container_stack_add(struct tn_container_stack *stack, const struct tn_container *container)
{
    struct tn_container *target = stack->has_outer ? &stack->outer : &stack->inner;
    if (target->type == NULL) {
        *target = *container;
    } else if (is_same(target, container)) {
        merge(target, container);
    } else {
        stack->outer = *container;
        stack->has_outer = true;
    }
}

const struct tn_container *tn_container_stack_outer(const struct tn_container_stack *stack)
{
    return stack->has_outer ? &stack->outer : &stack->inner;
}
