/* SPDX-License-Identifier: MIT */
/* Steps through demangled C++ names (tenure/brackets.h): one pass, without recursion, since names come from
 * files that may be damaged. Called by lib/finding for short names, by lib/site for containers. */
#include "tenure/brackets.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

static int starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

const char *tn_brackets_skip_operator(const char *text)
{
    static const char *const symbols[] = {"()", "<=>", "->*", "->", "<<=", ">>=", "<<",
                                          ">>", "<=",  ">=",  "<",  ">",   NULL};
    for (size_t i = 0; symbols[i] != NULL; i++)
        if (starts(text, symbols[i]))
            return text + strlen(symbols[i]);
    return text;
}

const char *tn_brackets_skip(const char *text)
{
    int depth = 0;
    for (const char *c = text; *c != '\0'; c++) {
        if (starts(c, "operator") && (c == text || !isalnum((unsigned char)c[-1]))) {
            c = tn_brackets_skip_operator(c + strlen("operator")) - 1;
            continue;
        }
        depth += strchr("(<[{", *c) != NULL;
        depth -= strchr(")]}", *c) != NULL || (*c == '>' && c[-1] != '-');
        if (depth == 0)
            return c + 1;
    }
    return text + strlen(text);
}

const char *tn_brackets_skip_argument(const char *text)
{
    while (*text != '\0' && *text != ',' && *text != '>')
        text = strchr("(<[{", *text) != NULL ? tn_brackets_skip(text) : text + 1;
    return text;
}
