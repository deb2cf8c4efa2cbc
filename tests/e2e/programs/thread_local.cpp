// SPDX-License-Identifier: MIT
// C++ objects of threads: made at first use, destroyed when the thread has all but gone.
#include "truth.h"

#include <thread>

namespace {

struct Holder {
    struct block own;
    Holder()
    {
        own = MALLOC(600);
    }
    ~Holder()
    {
        FREE(own);
        struct block late = MALLOC(601);
        FREE(late);
    }
};

thread_local Holder holder;
Holder of_program;

void run()
{
    REALLOC(holder.own, 602);
}

} // namespace

int main()
{
    for (int i = 0; i < 20; i++) {
        std::thread a(run), b(run);
        a.join();
        b.join();
    }
    run();
    return 0;
}
