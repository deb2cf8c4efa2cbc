// SPDX-License-Identifier: MIT
/* Blocks that types of the standard library make, all gone before their function returns: what to change depends on
 * the type. Near misses: a text that the other branch keeps, and what a regular expression does inside of itself.
 *
 * expect {"kind": "stack-buffer", "sites": ["@sequence"], "confidence": "consistent", "evidence": {"made_by":
 *         "std::vector", "instances": "=CALLS", "exceptions": 0, "owner": {"function": "average"}}}
 * expect {"kind": "stack-buffer", "sites": ["@nodes"], "confidence": "consistent", "evidence": {"made_by":
 *         "std::list", "instances": "=CALLS * NODES", "exceptions": 0, "owner": {"function": "reversed"}}}
 * expect {"kind": "stack-buffer", "sites": ["@callable"], "evidence": {"made_by": "std::function", "instances":
 *         "=CALLS", "exceptions": 0, "owner": {"function": "apply"}}}
 * expect {"kind": "stack-buffer", "sites": ["@shared"], "evidence": {"made_by": "std::shared_ptr", "instances":
 *         "=CALLS", "exceptions": 0, "owner": {"function": "measure"}}}
 * expect {"kind": "stack-buffer", "sites": ["@inner"], "confidence": "consistent", "evidence": {"made_by":
 *         "std::string", "instances": "=CALLS", "exceptions": 0, "owner": {"function": "join"}}}
 * allow {"kind": "permanent", "sites": ["@parts"]}
 * never {"kind": "stack-buffer", "sites": ["@kept"]}
 * never {"kind": "fixed-maximum", "sites": ["@kept"]}
 */
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#define CALLS 210
#define NODES 6

static std::string last;

__attribute__((noinline)) static int average(int from)
{
    std::vector<int> values(40, from); // @sequence
    return values[3] / 2;
}

__attribute__((noinline)) static long reversed(int from)
{
    std::list<long> values;
    for (int i = 0; i < NODES; i++)
        values.push_front(from + i); // @nodes
    return values.front();
}

__attribute__((noinline)) static int call(const std::function<int()> &function)
{
    return function();
}

__attribute__((noinline)) static int apply(int a)
{
    long b = a, c = a, d = a;
    return call([=] { return static_cast<int>(b + c + d); }); // @callable
}

struct reading {
    int values[20];
};

__attribute__((noinline)) static int measure(int a)
{
    auto one = std::make_shared<reading>(); // @shared
    one->values[4] = a;
    return one->values[4];
}

/* The vector's own memory was reserved by the caller: what is made here is the text. */
__attribute__((noinline)) static std::size_t join(std::vector<std::string> &parts, char letter)
{
    parts.emplace_back(50, letter); // @inner
    std::size_t length = parts.back().size();
    parts.clear();
    return length;
}

__attribute__((noinline)) static bool keep(char letter, bool is_last)
{
    std::string text(70, letter); // @kept
    bool is_same = text[3] == letter;
    if (is_last)
        last = std::move(text);
    return is_same;
}

int main()
{
    long sum = 0;
    std::vector<std::string> parts;
    parts.reserve(4); // @parts
    for (int i = 0; i < CALLS; i++) {
        sum += average(i) + reversed(i) + apply(i) + measure(i);
        sum += static_cast<long>(join(parts, static_cast<char>('a' + i % 26)));
        sum += keep(static_cast<char>('a' + i % 26), i % 50 == 7);
    }
    return sum == 0;
}
