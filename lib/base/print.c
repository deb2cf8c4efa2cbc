/* SPDX-License-Identifier: MIT */

/* Quantities for people: counts, bytes and durations as reports and commands show them, and the sizes that
 * options take. Three digits are enough to compare, and keep columns narrow. */

#include "tenure/base.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NS_PER_S        1000000000.0
#define DURATION_NS_MAX (100.0 * 365 * 86400 * NS_PER_S)

const char *tn_print_count(char *text, uint64_t count)
{
    char digits[24];
    int n = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)count);
    char *out = text;
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            *out++ = ',';
        *out++ = digits[i];
    }
    *out = '\0';
    return text;
}

struct tn_quantity_text tn_count_text(uint64_t count)
{
    struct tn_quantity_text quantity;
    tn_print_count(quantity.text, count);
    return quantity;
}

const char *tn_print_bytes(char *text, uint64_t size_bytes)
{
    static const char units[][4] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (size_bytes < 1024) {
        tn_print_count(text, size_bytes);
        return strcat(text, " B");
    }
    double value = (double)size_bytes / 1024;
    size_t unit = 0;
    while (value >= 999.5 && unit < 5) {
        value /= 1024;
        unit++;
    }
    int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    snprintf(text, TN_QUANTITY_TEXT_BYTES, "%.*f %s", decimals, value, units[unit]);
    return text;
}

const char *tn_print_duration(char *text, uint64_t duration_ns)
{
    static const struct {
        double up_to, divisor;
        const char *unit;
    } scales[] = {{999.5, 1, "ns"}, {999.5e3, 1e3, "us"}, {999.5e6, 1e6, "ms"}, {120e9, 1e9, "s"}};
    double ns = (double)duration_ns;
    for (size_t i = 0; i < sizeof(scales) / sizeof(scales[0]); i++) {
        if (ns >= scales[i].up_to)
            continue;
        double value = ns / scales[i].divisor;
        int decimals = i == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
        snprintf(text, TN_QUANTITY_TEXT_BYTES, "%.*f %s", decimals, value, scales[i].unit);
        return text;
    }
    uint64_t seconds = (duration_ns + 500000000) / 1000000000;
    if (seconds < 7200)
        snprintf(text, TN_QUANTITY_TEXT_BYTES, "%u min %u s", (unsigned)(seconds / 60),
                 (unsigned)(seconds % 60));
    else
        snprintf(text, TN_QUANTITY_TEXT_BYTES, "%llu h %u min", (unsigned long long)(seconds / 3600),
                 (unsigned)(seconds / 60 % 60));
    return text;
}

int tn_parse_duration(const char *text, uint64_t *ret_ns)
{
    static const struct {
        char letter;
        double seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 7 * 86400}, {'y', 365 * 86400}};
    char *end = NULL;
    if (!isdigit((unsigned char)text[0]))
        return -EINVAL;
    double count = strtod(text, &end);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (end[0] != units[i].letter || end[1] != '\0')
            continue;
        double ns = count * units[i].seconds * NS_PER_S;
        if (!(ns >= 1) || ns > DURATION_NS_MAX)
            return -EINVAL;
        *ret_ns = (uint64_t)ns;
        return 0;
    }
    return -EINVAL;
}

int tn_parse_bytes(const char *text, uint64_t *ret_bytes)
{
    if (!isdigit((unsigned char)text[0]))
        return -EINVAL;
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0)
        return -EINVAL;
    unsigned shift = 0;
    if (*end != '\0') {
        switch (toupper((unsigned char)*end)) {
        case 'K':
            shift = 10;
            break;
        case 'M':
            shift = 20;
            break;
        case 'G':
            shift = 30;
            break;
        default:
            return -EINVAL;
        }
        end++;
        if (*end != '\0' && strcasecmp(end, "B") != 0 && strcasecmp(end, "iB") != 0)
            return -EINVAL;
    }
    if (value > UINT64_MAX >> shift)
        return -EINVAL;
    *ret_bytes = (uint64_t)value << shift;
    return 0;
}
