// SPDX-License-Identifier: MIT
/* A tree is printed by a function that calls itself, and collects names in a vector meanwhile: one vector that is used
 * again would be filled by the deeper call, so that each depth needs its own. Near miss: a vector in a function that
 * is called at each depth, but is over before the next one.
 *
 * expect {"kind": "stack-buffer", "sites": ["@names"], "confidence": "conditional", "condition": {"kind": "recursion",
 *         "sites": []}}
 * expect {"kind": "stack-buffer", "sites": ["@numbers"], "confidence": "consistent", "condition": null}
 * allow {"kind": "pool"}
 * allow {"kind": "presize"}
 * allow {"kind": "preallocate"}
 * allow {"kind": "arena"}
 */
#include <vector>

static volatile long sum;

__attribute__((noinline)) static void add_up(int depth)
{
    std::vector<long> numbers(6, depth); // @numbers
    for (long number : numbers)
        sum = sum + number;
}

__attribute__((noinline)) static void print(int depth)
{
    std::vector<int> names(4, depth); // @names
    add_up(depth);
    for (int name : names)
        if (name > 0)
            print(depth - 1);
    sum = sum + (long)names.size();
}

int main()
{
    print(4);
    return 0;
}
