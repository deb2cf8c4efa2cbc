/* SPDX-License-Identifier: MIT */

/* Where the session directory may lie, as both sides look for it (session.h). No libc: the shim calls this
 * while a program starts. */

#include "tenure/session.h"

#include <stddef.h>

/* Append text at *at; false if it does not fit. */
static bool append(char *path, size_t *at, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*at + 1 >= TN_SESSION_PLACE_BYTES)
            return false;
        path[(*at)++] = *text;
    }
    path[*at] = '\0';
    return true;
}

static bool append_number(char *path, size_t *at, uint32_t number)
{
    char digits[11];
    size_t first = sizeof(digits) - 1;
    digits[first] = '\0';
    do {
        digits[--first] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    return append(path, at, digits + first);
}

static bool append_variable(char *path, size_t *at, const char *value)
{
    return value != NULL && value[0] == '/' && append(path, at, value);
}

bool tn_session_place(uint32_t number, const struct tn_session_user *user, char *ret_path)
{
    size_t at = 0;
    switch (number) {
    case 0:
        return append_variable(ret_path, &at, user->runtime_dir) && append(ret_path, &at, "/tenure");
    case 1:
        return append(ret_path, &at, "/tmp/tenure-") && append_number(ret_path, &at, user->user_id);
    case 2:
        return append(ret_path, &at, "/run/user/") && append_number(ret_path, &at, user->user_id) &&
               append(ret_path, &at, "/tenure");
    default:
        return append_variable(ret_path, &at, user->home) && append(ret_path, &at, "/.tenure-session");
    }
}
