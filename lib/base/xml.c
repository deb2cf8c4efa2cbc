/* SPDX-License-Identifier: MIT */
/* Text from outside in XML and HTML: names of files may hold any byte, and what is no character of XML 1.0
 * would make the whole document none. */
#include "tenure/base.h"

#include <string.h>

/* Bytes of one character of XML 1.0 at text, if it is a valid one; 0: it is not. */
static size_t character_bytes(const unsigned char *text)
{
    if (text[0] < 0x80)
        return text[0] >= 0x20 || text[0] == '\t' || text[0] == '\n' ? 1 : 0;
    size_t length = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
    uint32_t code = text[0] & (0x7fu >> length);
    if (text[0] < 0xc2 || text[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (text[i] & 0x3f);
    }
    bool is_shortest = length == 2 || code >= (length == 3 ? 0x800u : 0x10000u);
    bool is_allowed =
        code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) && code != 0xfffe && code != 0xffff;
    return is_shortest && is_allowed ? length : 0;
}

int tn_buffer_append_xml(struct tn_buffer *out, const char *text)
{
    int r = 0;
    while (*text != '\0' && r == 0) {
        size_t length = character_bytes((const unsigned char *)text);
        const char *entity = *text == '&'    ? "&amp;"
                             : *text == '<'  ? "&lt;"
                             : *text == '>'  ? "&gt;"
                             : *text == '"'  ? "&quot;"
                             : *text == '\n' ? "&#10;"
                             : *text == '\t' ? "&#9;"
                             : length == 0   ? "\xef\xbf\xbd"
                                             : NULL;
        r = entity != NULL ? tn_buffer_append(out, entity, strlen(entity))
                           : tn_buffer_append(out, text, length);
        text += length != 0 ? length : 1;
    }
    return r;
}
