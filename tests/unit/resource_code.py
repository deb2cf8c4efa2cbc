# SPDX-License-Identifier: MIT
"""The C++ code that a report proposes for a pool compiles as C++17 and does what it says: as many blocks as were
asked for, more from the heap, and counted; and the use that its last lines show, in their place, works.

usage: resource_code.py PRINT_RESOURCE_CODE CXX..."""

import pathlib
import re
import subprocess
import sys
import tempfile

FLAGS = ["-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wno-unused-variable", "-pthread"]
NAME = "net_open_48"

MAIN = """
#include <cassert>
#include <cstring>
#include <map>
#include <memory>
#include <thread>
#include <vector>
@BEFORE
int main()
{
    std::pmr::memory_resource &pool = net_open_48;
    for (int round = 0; round < 3; round++) {
        std::vector<void *> taken;
        for (int i = 0; i < 7; i++) {
            taken.push_back(pool.allocate(48, 8));
            std::memset(taken.back(), i, 48);
        }
        assert(net_open_48.from_heap == static_cast<std::size_t>(2 * (round + 1)));
        for (int i = 0; i < 7; i++) {
            assert(static_cast<char *>(taken[i])[0] == i && static_cast<char *>(taken[i])[47] == i);
            assert(reinterpret_cast<std::size_t>(taken[i]) % 8 == 0);
        }
        for (void *memory : taken)
            pool.deallocate(memory, 48, 8);
    }
    net_open_48.from_heap = 0;
    void *large = pool.allocate(100, 8), *aligned = pool.allocate(32, 64);
    assert(net_open_48.from_heap == 2);
    pool.deallocate(large, 100, 8);
    pool.deallocate(aligned, 32, 64);
    net_open_48.from_heap = 0;
@USE
    assert(net_open_48.from_heap == 0);
}
"""

# What the last lines of the code show, filled in: text to put before main, and into it.
NODES = ("", """
    @LINE
    for (int i = 0; i < 5; i++)
        items[i] = i;
    items.erase(2);
    items[9] = 9;
""")
SHARED = ("struct T { int values[6]; T(int first) : values{first} {} };", """
    auto work = [](int number) {
        for (int i = 0; i < 5000; i++) {
            auto one = @LINE
            assert(one->values[0] == number);
        }
    };
    std::thread first(work, 1), second(work, 2);
    first.join();
    second.join();
""")
NEW = ("class T {\npublic:\n    int values[12];\n@LINE\n};", """
    {
        std::vector<std::unique_ptr<T>> items;
        for (int i = 0; i < 5; i++)
            items.push_back(std::make_unique<T>());
    }
    delete new T;
""")
CASES = {
    "nodes": (NODES, lambda line: line.replace("<...>", "<int, long>")),
    "shared": (SHARED, lambda line: line.replace("arguments...", "number")),
    "new": (NEW, lambda line: line.replace("in the class:", "")),
}


def main():
    printer, compiler = sys.argv[1], sys.argv[2:]
    with tempfile.TemporaryDirectory() as folder:
        for case, ((before, use), complete) in CASES.items():
            code = subprocess.run([printer, case], check=True, capture_output=True, text=True).stdout
            # the pool serves exactly what the report counts; a shared block keeps its allocator, too
            assert f"bytes[{56 if case == 'shared' else 48}]" in code, code
            shown = "\n".join(complete(line.removeprefix("// ")) for line in re.findall("^// .*$", code, re.M)[1:])
            text = MAIN.replace("@BEFORE", before).replace("@USE", use).replace("@LINE", shown)
            source = pathlib.Path(folder) / f"{case}.cpp"
            source.write_text(code + text)
            subprocess.run([*compiler, *FLAGS, "-o", source.with_suffix(""), source], check=True)
            subprocess.run([source.with_suffix("")], check=True)
            print(f"{case}: compiled and run, {len(code.splitlines())} lines")


main()
