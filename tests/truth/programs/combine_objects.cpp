// SPDX-License-Identifier: MIT
/* An object with a string and another object of its own, made and destroyed as one.
 *
 * expect {"kind": "combine", "sites": ["@account", "@name", "@limits"], "evidence": {"relation": "equal",
 *         "groups": "=ACCOUNTS", "exceptions": 0, "members": [{"site": "@account", "size_bytes":
 *         "=ACCOUNT_BYTES", "per_group": 1}, {"site": "@name", "size_bytes": "=NAME_LENGTH + 1",
 *         "per_group": 1}, {"site": "@limits", "size_bytes": "=LIMITS_BYTES", "per_group": 1}],
 *         "combined_bytes": "=ACCOUNT_BYTES + NAME_LENGTH + 1 + LIMITS_BYTES"}}
 */
#include <memory>
#include <string>

#define ACCOUNTS      260
#define AT_ONCE       13
#define ACCOUNT_BYTES 80
#define NAME_LENGTH   39
#define LIMITS_BYTES  64

struct limits {
    long values[8];
};

struct account {
    std::string name;
    std::unique_ptr<limits> bounds;
    char rest[ACCOUNT_BYTES - sizeof(std::string) - sizeof(std::unique_ptr<limits>)];

    account()
        : name(NAME_LENGTH, 'x'), // @name
          bounds(new limits),     // @limits
          rest{}
    {
    }
};

static std::unique_ptr<account> accounts[AT_ONCE];

static void close(int slot)
{
    accounts[slot].reset();
}

static void open(int slot)
{
    accounts[slot].reset(new account()); // @account
}

int main()
{
    for (int i = 0; i < ACCOUNTS; i++) {
        close(i % AT_ONCE);
        open(i % AT_ONCE);
    }
    return 0;
}
