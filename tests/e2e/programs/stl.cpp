// SPDX-License-Identifier: MIT
// Ordinary C++: containers, strings, exceptions through many frames, threads, virtual calls, lambdas. Built
// with optimisation, as programs are that people record.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace {

struct Shape {
    virtual ~Shape() = default;
    virtual std::string name() const = 0;
};
struct Circle : Shape {
    std::string name() const override
    {
        return "a circle whose name is too long for the small buffer";
    }
};
struct Square : Shape {
    std::string name() const override
    {
        return "a square, equally long in its name as the circle was";
    }
};

int parse(const std::string &text, int depth)
{
    if (depth > 0)
        return parse(text + "x", depth - 1) + 1;
    throw std::runtime_error("no number: " + text);
}

std::size_t words(int rounds)
{
    std::unordered_map<std::string, std::vector<int>> index;
    std::map<int, std::set<std::string>> sorted;
    for (int i = 0; i < rounds; i++) {
        std::string word = "word number " + std::to_string(i % 97) + " of the list";
        index[word].push_back(i);
        sorted[i % 13].insert(word);
    }
    std::size_t sum = 0;
    for (auto &entry : index)
        sum += entry.second.size() * entry.first.size();
    for (auto &entry : sorted)
        sum += entry.second.size();
    return sum;
}

std::size_t shapes(int rounds)
{
    std::vector<std::unique_ptr<Shape>> all;
    for (int i = 0; i < rounds; i++) {
        if (i % 2)
            all.push_back(std::make_unique<Circle>());
        else
            all.push_back(std::make_unique<Square>());
    }
    std::vector<std::string> names;
    std::transform(all.begin(), all.end(), std::back_inserter(names),
                   [](const auto &s) { return s->name(); });
    std::stable_sort(names.begin(), names.end());
    return names.front().size();
}

std::size_t failures(int rounds)
{
    std::size_t sum = 0;
    for (int i = 0; i < rounds; i++) {
        try {
            parse("text", 5 + i % 7);
        } catch (const std::exception &e) {
            sum += std::string(e.what()).size();
        }
    }
    return sum;
}

} // namespace

int main()
{
    std::mutex mutex;
    std::size_t total = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; i++)
        threads.emplace_back([&, i] {
            std::function<std::size_t()> work = [i] { return words(500 + i) + shapes(200) + failures(50); };
            std::size_t mine = work();
            std::lock_guard<std::mutex> guard(mutex);
            total += mine;
        });
    for (auto &thread : threads)
        thread.join();
    std::printf("%zu\n", total);
    return 0;
}
