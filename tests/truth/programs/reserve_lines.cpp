// SPDX-License-Identifier: MIT
/* Containers that grow at several lines are one growing buffer each: what is to be reserved is told once, in elements.
 * Near misses: a vector that is given other contents that are larger, and one that shrinks.
 *
 * expect {"kind": "presize", "sites": ["@first", "@second", "@third"], "evidence": {"chains": "=VECTORS",
 *         "growth_steps": "=VECTORS * 6", "final_bytes": "=64 * STEP_BYTES", "made_by": "std::vector"}}
 * expect {"kind": "presize", "sites": ["@letter"], "evidence": {"chains": "=VECTORS", "growth_steps": "=VECTORS",
 *         "outgrown_texts": "=VECTORS", "made_by": "std::string"}}
 * allow {"kind": "stack-buffer", "sites": ["@first"]}
 * allow {"kind": "stack-buffer", "sites": ["@letter"]}
 * allow {"kind": "stack-buffer", "sites": ["@given"]}
 * allow {"kind": "stack-buffer", "sites": ["@other"]}
 * allow {"kind": "stack-buffer", "sites": ["@shrunk"]}
 * allow {"kind": "stack-buffer", "sites": ["@fits"]}
 * never {"kind": "presize", "sites": ["@given"]}
 * never {"kind": "presize", "sites": ["@other"]}
 * never {"kind": "presize", "sites": ["@shrunk"]}
 */
#include <string>
#include <vector>

#define VECTORS    60
#define STEP_BYTES 8

struct step {
    int from, to;
};

static std::vector<step> kept[7];
static std::vector<int> numbers;

__attribute__((noinline)) static void fill(std::vector<step> &steps, int from)
{
    for (int i = 0; i < 20; i++) {
        steps.push_back({from, i}); // @first
        steps.push_back({i, from}); // @second
        if (i % 4 != 0)
            steps.push_back({i, i}); // @third
    }
}

__attribute__((noinline)) static std::size_t spell(int seed)
{
    std::string text;
    for (int i = 0; i < 50; i++)
        text += static_cast<char>('a' + (seed + i) % 26); // @letter
    return text.size();
}

__attribute__((noinline)) static void give(int seed)
{
    std::vector<int> few(static_cast<std::size_t>(10 + seed % 2), seed); // @given
    numbers = few;
    std::vector<int> many(static_cast<std::size_t>(40 + seed % 2), seed); // @other
    numbers = many;
}

__attribute__((noinline)) static int shrink(int seed)
{
    std::vector<int> list(200, seed); // @shrunk
    list.resize(20);
    list.shrink_to_fit(); // @fits
    return list[3];
}

int main()
{
    std::size_t sum = 0;
    for (int i = 0; i < VECTORS; i++) {
        std::vector<step> steps;
        fill(steps, i);
        kept[i % 7].swap(steps);
        sum += spell(i);
        give(i);
        sum += static_cast<std::size_t>(shrink(i));
    }
    return sum == 0;
}
