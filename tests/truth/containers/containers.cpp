// SPDX-License-Identifier: MIT
/* Each line makes blocks by one call of the standard library; its comment tells which container, which
 * operation and which elements the log must name: several with "|", the outermost container behind "in".
 * "none": no container. */
#include <any>
#include <cstdlib>
#include <deque>
#include <forward_list>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <queue>
#include <set>
#include <sstream>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

struct record {
    int numbers[5];
    std::string text;
};

/* Names that only look like the library's. */
namespace net {
struct vector {
    int *items;
    explicit vector(std::size_t count)
    {
        items = new int[count]; // none
    }
    ~vector()
    {
        delete[] items;
    }
};
} // namespace net

#define EACH __attribute__((noinline)) static void

/* the comments are data */
// clang-format off
EACH vectors(std::vector<record> &records)
{
    record one{{}, "one"};
    records.push_back(one);                // std::vector push_back record
    records.emplace_back();                // std::vector emplace_back record
    records.insert(records.begin(), one);  // std::vector insert record
    records.resize(50);                    // std::vector resize record
    records.reserve(100);                  // std::vector reserve record
    std::vector<int> numbers(40);          // std::vector constructor int
    std::vector<int> copy(numbers);        // std::vector constructor int
    copy.assign(100, 4);                   // std::vector constructor int | std::vector assign int
    std::vector<std::vector<int>> rows(1); // std::vector constructor std::vector<int, std::allocator<int> >
    rows[0] = numbers;                     // std::vector operator= int
    std::vector<std::vector<int>> more(rows.begin(), rows.end()); // std::vector constructor std::vector<int, std::allocator<int> > | std::vector constructor int in std::vector constructor std::vector<int, std::allocator<int> >
}

EACH strings()
{
    std::string text(40, 'a');                    // std::string constructor char
    text.push_back('b');                          // std::string push_back char
    text.append(200, 'c');                        // std::string append char
    std::string part = text.substr(2, 40);        // std::string substr char
    std::wstring wide(50, L'c');                  // std::wstring constructor wchar_t
    std::string number = std::to_string(1ULL << 63) + std::string(40, ' '); // std::string to_string char | std::string operator+ char | std::string constructor char | std::string insert char | std::string append char
}

EACH nodes()
{
    std::list<record> list;
    list.push_back({});    // std::list push_back record
    list.emplace_front();  // std::list emplace_front record
    std::forward_list<int> forward;
    forward.push_front(3); // std::forward_list push_front int
    std::map<std::string, record> map;
    map["a"].numbers[0] = 1;              // std::map operator[] std::pair<std::string const, record>
    map.emplace("b", record());           // std::map emplace std::pair<std::string const, record>
    std::set<int> set;
    set.insert(3);                        // std::set insert int
    std::multimap<int, long> several;
    several.emplace(1, 2);                // std::multimap emplace std::pair<int const, long>
    std::multiset<int> same;
    same.insert(2);                       // std::multiset insert int
    std::map<int, std::set<int>> sets;
    sets[1].insert(4);                    // std::map operator[] std::pair<int const, std::set<int, std::less<int>, std::allocator<int> > > | std::set insert int
    std::pair<const std::string, record> entry{std::string(2, 'k'), record()};
    entry.second.text = "a text of more than twenty-two characters"; // std::string operator= char | std::string assign char | std::string replace char
    map.insert(entry); // std::map insert std::pair<std::string const, record> | std::string constructor char in std::map insert std::pair<std::string const, record>
}

EACH tables()
{
    std::unordered_map<std::string, int> map;
    map["a"] = 1;                         // std::unordered_map operator[] std::pair<std::string const, int>
    map.reserve(1000);                    // std::unordered_map reserve std::pair<std::string const, int>
    std::unordered_set<long> set;
    for (int i = 0; i < 100; i++)
        set.insert(i);                    // std::unordered_set insert long
    std::unordered_multimap<int, int> several;
    several.emplace(1, 2);                // std::unordered_multimap emplace std::pair<int const, int>
}

EACH queues()
{
    std::deque<int> deque;                // std::deque constructor int
    for (int i = 0; i < 4000; i++)
        deque.push_back(i);               // std::deque push_back int | std::vector - int* in std::deque push_back int
    std::queue<long> queue;               // std::deque constructor long in std::queue constructor long
    queue.push(3);                        // std::deque push_back long in std::queue push long | std::vector - long* in std::queue push long
}

EACH owners()
{
    auto shared = std::make_shared<record>();        // std::shared_ptr make_shared record
    record *plain = new record;                      // none
    std::shared_ptr<record> counted(plain);          // std::shared_ptr constructor record
    auto own = std::make_unique<record>();           // std::unique_ptr make_unique record
    net::vector mine(30);
    void *c = std::malloc(20);                       // none
    std::free(c);
}

__attribute__((noinline)) static int call(const std::function<int()> &function)
{
    return function();
}

EACH callables()
{
    long a = 1, b = 2, c = 3, d = 4;
    auto sum = [=] { return static_cast<int>(a + b + c + d); };
    call(sum); // std::function constructor callables()::*
    std::any any = record(); // std::any constructor *
}

EACH streams()
{
    std::ostringstream out;
    out << "a text that is long enough for a buffer"; // std::string * char in std::stringbuf overflow char
    std::string text = out.str(); // std::string * char in std::ostringstream str char
}

// clang-format on

int main()
{
    std::vector<record> records;
    vectors(records);
    strings();
    nodes();
    tables();
    queues();
    owners();
    callables();
    streams();
}
