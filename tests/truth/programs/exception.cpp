// SPDX-License-Identifier: MIT
/* An exception leaves frames behind. The block that the lost function has asked for is released where the
 * exception is caught. The exception itself is a block too, which no buffer can replace.
 *
 * expect {"kind": "stack-buffer", "sites": ["@draft"], "confidence": "consistent", "evidence":
 *         {"buffer_bytes": "=DRAFT_BYTES", "owner": {"function": "attempt"}, "frames_down": 2, "instances":
 *         "=ROUNDS", "exceptions": 0}}
 * never {"kind": "stack-buffer", "sites": ["@thrown"]}
 */
#include <cstdlib>

#define ROUNDS      120
#define DRAFT_BYTES 44

struct failure {
    int value;
};

static char *draft;

static void parse(int value)
{
    draft = static_cast<char *>(malloc(DRAFT_BYTES)); // @draft
    draft[0] = static_cast<char>(value);
    throw failure{value}; // @thrown
}

static void read_all(int value)
{
    parse(value);
    draft[0]++;
}

static int attempt(int value)
{
    int caught = 0;
    try {
        read_all(value);
    } catch (const failure &failure) {
        caught = failure.value;
    }
    free(draft);
    return caught;
}

int main()
{
    int sum = 0;
    for (int i = 0; i < ROUNDS; i++)
        sum += attempt(i);
    return sum == 0;
}
