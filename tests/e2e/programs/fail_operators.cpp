/* SPDX-License-Identifier: MIT */
/* Asks by each form of operator new; with an argument, through a handler that is there for the first
 * attempts. */
#include <cstdio>
#include <memory>
#include <new>

static int attempts;

static void make_room()
{
    if (++attempts == 3)
        std::set_new_handler(nullptr);
}

int main(int argc, char **argv)
{
    static char buffer[BUFSIZ];
    int status = 0;
    setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
    if (argc > 1 && argv[1] != nullptr)
        std::set_new_handler(make_room);
    try {
        delete new int(1); /* @caught */
    } catch (const std::bad_alloc &) {
        status = 4;
    }
    int *numbers = new (std::nothrow) int[50]; /* @nothrow */
    if (numbers == nullptr)
        status = 5;
    delete[] numbers;
    try {
        delete[] new char[30]; /* @array */
    } catch (const std::bad_alloc &) {
        status = 6;
    }
    delete new double(2); /* @uncaught */
    puts("done");
    return status;
}
