// SPDX-License-Identifier: MIT
/* Strings too long for the object itself, built and dropped within one function.
 *
 * expect {"kind": "stack-buffer", "sites": ["@text"], "confidence": "consistent", "evidence":
 *         {"buffer_bytes": "=LENGTH + 1", "owner": {"function": "check"}, "frames_down": 0, "instances":
 *         "=CALLS", "exceptions": 0}}
 */
#include <string>

#define CALLS  220
#define LENGTH 59

static bool check(char letter)
{
    std::string text(LENGTH, letter); // @text
    return text[7] == letter;
}

int main()
{
    int sum = 0;
    for (int i = 0; i < CALLS; i++)
        sum += check(static_cast<char>('a' + i % 26));
    return sum == 0;
}
