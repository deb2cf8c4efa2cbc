/* SPDX-License-Identifier: MIT */
/* Replaces the marks of a template, from left to right; what a mark stands for is not looked at again, so
 * that names from a log cannot be marks. Called for code and sentences of findings. */
#include "tenure/template.h"

#include <string.h>

int tn_template_print(const char *template, tn_template_mark print_mark, const void *context,
                      struct tn_buffer *out)
{
    int r = 0;
    while (*template != '\0' && r == 0) {
        size_t length = strcspn(template, "@");
        r = tn_buffer_append(out, template, length);
        template += length;
        if (*template == '\0' || r < 0)
            break;
        r = print_mark(context, template[1], out);
        template += 2;
    }
    return r;
}
