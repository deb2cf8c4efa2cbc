/* SPDX-License-Identifier: MIT */
/* Blocks whose address goes into C++ objects: a slice in a result that the caller gave, and a container that it
 * gave, outlive the call; a container, a holder and a slice of the call's own do not.
 *
 * expect {"kind": "stack-buffer", "sites": ["@result"], "confidence": "conditional", "condition": {"kind":
 *         "address-stored", "sites": ["@result_store"]}}
 * expect {"kind": "stack-buffer", "sites": ["@given"], "confidence": "conditional", "condition": {"kind":
 *         "address-stored"}}
 * expect {"kind": "stack-buffer", "sites": ["@member"], "confidence": "conditional", "condition": {"kind":
 *         "address-stored", "sites": ["@member_store"]}}
 * expect {"kind": "stack-buffer", "sites": ["@own"], "confidence": "consistent", "condition": null}
 * expect {"kind": "stack-buffer", "sites": ["@slice"], "confidence": "consistent", "condition": null}
 * expect {"kind": "stack-buffer", "sites": ["@filled"], "confidence": "consistent", "condition": null}
 * allow {"kind": "stack-buffer", "sites": ["@room"]}
 * allow {"kind": "permanent"}
 */
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

static const int rounds = 200;
static volatile long written;

struct slice {
    char *data;
    std::size_t size;
    slice(char *data_, std::size_t size_) : data(data_), size(size_)
    {
    }
};

struct result {
    long number;
    slice data;
    result() : number(0), data(nullptr, 0)
    {
    }
};

/* The result of the caller refers to it. */
__attribute__((noinline)) static void answer(result *out, long number)
{
    char *text = static_cast<char *>(std::malloc(24)); /* @result */
    std::snprintf(text, 24, "%ld", number);
    out->number = number;
    out->data = slice(text, 24); /* @result_store */
    written += out->data.data[0];
    std::free(text);
    written++;
}

/* A container of the caller's does. */
__attribute__((noinline)) static void collect(std::vector<char *> &all, long number)
{
    char *text = static_cast<char *>(std::malloc(32)); /* @given */
    text[0] = static_cast<char>(number);
    all.push_back(text);
    written += all.back()[0];
    all.pop_back();
    std::free(text);
    written++;
}

/* The object itself does, in a method. */
class session {
  public:
    session() : pending(nullptr)
    {
    }
    __attribute__((noinline)) void handle(long number)
    {
        char *text = static_cast<char *>(std::malloc(40)); /* @member */
        text[0] = static_cast<char>(number);
        pending = text; /* @member_store */
        flush();
        written++;
    }

  private:
    char *pending;
    __attribute__((noinline)) void flush()
    {
        written += pending[0];
        std::free(pending);
        pending = nullptr;
    }
};

/* A container of the call's own. */
__attribute__((noinline)) static void gather(long number)
{
    std::vector<char *> own;
    own.reserve(4);                                    /* @room */
    char *text = static_cast<char *>(std::malloc(48)); /* @own */
    text[0] = static_cast<char>(number);
    own.push_back(text);
    written += own.back()[0];
    std::free(own.back());
    written++;
}

/* A slice of the call's own, which a function is given. */
__attribute__((noinline)) static long sum(const slice &data)
{
    return data.data[0] + static_cast<long>(data.size);
}

__attribute__((noinline)) static void look(long number)
{
    slice data(static_cast<char *>(std::malloc(56)), 56); /* @slice */
    data.data[0] = static_cast<char>(number);
    written += sum(data);
    std::free(data.data);
    written++;
}

/* A function fills an object of the call's own. */
__attribute__((noinline)) static void fill(result &out)
{
    out.data = slice(static_cast<char *>(std::malloc(64)), 64); /* @filled */
    out.data.data[0] = 1;
}

__attribute__((noinline)) static void take(long number)
{
    result own;
    fill(own);
    written += own.data.data[0] + number;
    std::free(own.data.data);
    written++;
}

int main()
{
    std::vector<char *> *all = new std::vector<char *>;
    result *out = new result;
    session *one = new session;
    all->reserve(8);
    for (long i = 0; i < rounds; i++) {
        answer(out, i);
        collect(*all, i);
        one->handle(i);
        gather(i);
        look(i);
        take(i);
    }
    delete one;
    delete out;
    delete all;
    return written == 0;
}
