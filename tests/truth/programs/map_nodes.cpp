// SPDX-License-Identifier: MIT
/* Nodes of a map, erased in another order than they were made in: a pool of nodes. A node of libstdc++ has
 * four words before its value.
 *
 * expect {"kind": "pool", "sites": ["@insert"], "evidence": {"block_bytes": "=NODE_BYTES", "block_count":
 *         "=ENTRIES"}}
 */
#include <map>

#define ROUNDS     15
#define ENTRIES    61
#define NODE_BYTES 48

static std::map<int, long> entries;

static void learn(int key)
{
    entries[key] = key; // @insert
}

static void forget(int key)
{
    entries.erase(key);
}

int main()
{
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < ENTRIES; i++)
            learn(i * 7 % ENTRIES);
        for (int i = 0; i < ENTRIES; i++)
            forget(i * 11 % ENTRIES);
    }
    for (int i = 0; i < ENTRIES / 2; i++)
        learn(i);
    return 0;
}
