// SPDX-License-Identifier: MIT
/* Vectors that grow element by element: the library copies from block to block, without realloc.
 *
 * expect {"kind": "presize", "sites": ["@push"], "evidence": {"chains": "=VECTORS", "growth_steps":
 *         "=VECTORS * 7", "final_bytes": "=ELEMENTS * 4"}}
 */
#include <vector>

#define VECTORS  80
#define ELEMENTS 128

static std::vector<int> kept[9];

static void fill(std::vector<int> &vector)
{
    for (int i = 0; i < ELEMENTS; i++)
        vector.push_back(i); // @push
}

int main()
{
    for (int i = 0; i < VECTORS; i++) {
        std::vector<int> vector;
        fill(vector);
        kept[i % 9].swap(vector);
    }
    return 0;
}
