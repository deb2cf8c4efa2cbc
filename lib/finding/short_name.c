/* SPDX-License-Identifier: MIT */
/* Names of functions as sentences bear them. A demangled C++ name has its parameters, template arguments and
 * marks of the ABI in it, and can be of any length; what tells one function of a file from another is the
 * path of scopes. Full names stay in JSON and in the log. */
#include "tenure/brackets.h"
#include "tenure/finding.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#define ARGUMENTS_MAX 24u /* characters of template arguments that are still read at a glance */

/* What is being read, and what is written so far. */
struct shortening {
    const char *at; /* the next character of the name */
    char *text;     /* always ended by 0 */
    size_t length;  /* in text, without the 0 */
    size_t text_bytes;
};

static void put(struct shortening *to, const char *text, size_t length)
{
    size_t room = to->text_bytes - 1 - to->length;
    length = length < room ? length : room;
    memcpy(to->text + to->length, text, length);
    to->length += length;
    to->text[to->length] = '\0';
}

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* Whether an argument is what the standard library fills in by itself. */
static bool is_default(const char *argument)
{
    static const char *const names[] = {"std::allocator<", "std::char_traits<",    "std::less<", "std::hash<",
                                        "std::equal_to<",  "std::default_delete<", NULL};
    for (size_t i = 0; names[i] != NULL; i++)
        if (starts(argument, names[i]))
            return true;
    return false;
}

/* Template arguments, from "<": those of the library's own choice are left out, arguments of arguments are
 * "...", and so is all of it where it is long. */
static void put_arguments(struct shortening *to)
{
    char arguments[ARGUMENTS_MAX + 1] = "";
    struct shortening list = {.text = arguments, .text_bytes = sizeof(arguments)};
    const char *end = tn_brackets_skip(to->at);
    bool is_long = false;
    for (const char *c = to->at + 1; c < end && *c != '>';) {
        const char *next = tn_brackets_skip_argument(c);
        if (!is_default(c)) {
            const char *inner = memchr(c, '<', (size_t)(next - c));
            size_t length = (size_t)((inner != NULL ? inner : next) - c);
            is_long = is_long || list.length + length + 7 > ARGUMENTS_MAX;
            put(&list, ", ", list.length != 0 ? 2 : 0);
            put(&list, c, length);
            put(&list, "<...>", inner != NULL ? 5 : 0);
        }
        c = next + (*next == ',');
        while (*c == ' ')
            c++;
    }
    put(to, "<", 1);
    put(to, is_long ? "..." : arguments, is_long ? 3 : list.length);
    put(to, ">", 1);
    to->at = end;
}

const char *tn_function_short_name(const char *name, char *ret_text, size_t text_bytes)
{
    struct shortening to = {.at = name, .text = ret_text, .text_bytes = text_bytes};
    ret_text[0] = '\0';
    while (*to.at != '\0') {
        const char *begin = to.at;
        if (starts(to.at, "operator") && (to.at == name || !isalnum((unsigned char)to.at[-1]))) {
            to.at = tn_brackets_skip_operator(to.at + strlen("operator"));
            put(&to, begin, (size_t)(to.at - begin));
        } else if (starts(to.at, "(anonymous namespace)")) {
            to.at += strlen("(anonymous namespace)");
            put(&to, begin, (size_t)(to.at - begin));
        } else if (*to.at == '(' || starts(to.at, "[abi:")) {
            to.at = tn_brackets_skip(to.at);
            if (starts(to.at, " const"))
                to.at += strlen(" const");
        } else if (*to.at == '<' && to.at != name) {
            put_arguments(&to);
        } else {
            put(&to, to.at++, 1);
        }
    }
    return ret_text[0] != '\0' ? ret_text : name;
}
