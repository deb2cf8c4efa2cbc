// SPDX-License-Identifier: MIT
/* An object that a smart pointer holds within one function.
 *
 * expect {"kind": "stack-buffer", "sites": ["@reading"], "confidence": "consistent", "evidence":
 *         {"buffer_bytes": "=READING_BYTES", "owner": {"function": "measure"}, "frames_down": 0,
 *         "instances": "=CALLS", "exceptions": 0}}
 */
#include <memory>

#define CALLS         130
#define READING_BYTES 88

struct reading {
    char bytes[READING_BYTES];
};

static int measure(int value)
{
    auto reading = std::make_unique<struct reading>(); // @reading
    reading->bytes[5] = static_cast<char>(value);
    return reading->bytes[5];
}

int main()
{
    int sum = 0;
    for (int i = 0; i < CALLS; i++)
        sum += measure(i);
    return sum == 0;
}
