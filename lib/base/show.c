/* SPDX-License-Identifier: MIT */

/* Text from outside on a terminal: names of programs, functions, files and threads may hold anything, also
 * sequences that move the cursor, change colours, or make a terminal answer. */

#include "tenure/base.h"

#include <string.h>

size_t tn_utf8_bytes(const char *text)
{
    const unsigned char *byte = (const unsigned char *)text;
    unsigned char c = byte[0];
    size_t length = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : 4;
    if (c >= 0x80 && (c < 0xc2 || c > 0xf4))
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((byte[i] & 0xc0) != 0x80)
            return 0;
    bool is_overlong = (c == 0xe0 && byte[1] < 0xa0) || (c == 0xf0 && byte[1] < 0x90);
    bool is_outside = (c == 0xed && byte[1] >= 0xa0) || (c == 0xf4 && byte[1] >= 0x90);
    return is_overlong || is_outside ? 0 : length;
}

size_t tn_steering_bytes(const char *text)
{
    const unsigned char *byte = (const unsigned char *)text;
    if (byte[0] >= 0x20 && byte[0] < 0x7f)
        return 0;
    if (byte[0] < 0x80)
        return byte[0] != 0;
    size_t length = tn_utf8_bytes(text);
    if (length == 0)
        return 1;
    bool is_c1 = byte[0] == 0xc2 && byte[1] < 0xa0;
    bool is_turn = byte[0] == 0xe2 && ((byte[1] == 0x80 && byte[2] >= 0xaa && byte[2] <= 0xae) ||
                                       (byte[1] == 0x81 && byte[2] >= 0xa6 && byte[2] <= 0xa9));
    return is_c1 || is_turn ? length : 0;
}

int tn_buffer_append_utf8(struct tn_buffer *buffer, const char *text)
{
    int replaced = 0, r = 0;
    while (*text != '\0' && r == 0) {
        size_t length = tn_utf8_bytes(text);
        r = length != 0 ? tn_buffer_append(buffer, text, length)
                        : tn_buffer_print(buffer, "\\x%02x", (unsigned char)*text);
        replaced += length == 0;
        text += length != 0 ? length : 1;
    }
    if (r == 0)
        r = tn_buffer_print(buffer, "%s", "");
    return r < 0 ? r : replaced;
}

/* Bytes at the start of text that are shown as they are. */
static size_t plain_bytes(const char *text, const char *kept)
{
    size_t length = 0;
    while (text[length] != '\0') {
        bool is_kept = strchr(kept, text[length]) != NULL;
        if (!is_kept && tn_steering_bytes(text + length) != 0)
            break;
        length += is_kept ? 1 : tn_utf8_bytes(text + length);
    }
    return length;
}

int tn_buffer_show(struct tn_buffer *buffer, const char *text, const char *kept)
{
    int r = 0;
    while (*text != '\0' && r == 0) {
        size_t length = plain_bytes(text, kept);
        r = tn_buffer_append(buffer, text, length);
        text += length;
        for (size_t steering = tn_steering_bytes(text); steering > 0 && r == 0; steering--)
            r = tn_buffer_print(buffer, "\\x%02x", (unsigned char)*text++);
    }
    return r < 0 ? r : tn_buffer_print(buffer, "%s", "");
}
