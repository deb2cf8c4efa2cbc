/* SPDX-License-Identifier: MIT */
/* Memory resources to paste into a C++17 program. tests/unit/resource_code.py compiles and runs them. A free
 * block holds the link to the next one; blocks that were never used come from the end of the array; what is
 * not the resource's own came from the heap. */
#include "resource_code.h"

#include "tenure/base.h"
#include "tenure/template.h"

#include <inttypes.h>
#include <string.h>

/* For each maker: what a block is larger than the library's own, and how the resource is used. Marks: @N its
 * name,
 * @T the type without std::, @A the alignment. */
static const struct {
    uint64_t more_bytes;
    const char *use;
} uses[TN_MAKER_COUNT] = {
    [TN_MAKER_NEW] = {0,
                      "// in the class:\n"
                      "// static void *operator new(std::size_t bytes) { return @N.allocate(bytes, @A); }\n"
                      "// static void operator delete(void *memory, std::size_t bytes)\n"
                      "// { @N.deallocate(memory, bytes, @A); }\n"},
    [TN_MAKER_SEQUENCE] = {0, "// std::pmr::@T<...> items{&@N};\n"},
    [TN_MAKER_NODES] = {0, "// std::pmr::@T<...> items{&@N};\n"},
    [TN_MAKER_SHARED] =
        {8, "// std::allocate_shared<T>(std::pmr::polymorphic_allocator<T>{&@N}, arguments...);\n"},
};

static const char resource[] =
    "// C++17@X\n"
    "#include <cstddef>\n"
    "#include <functional>\n"
    "#include <memory_resource>\n"
    "@H"
    "class @N_resource final : public std::pmr::memory_resource {\n"
    "    union cell {\n"
    "        cell *next;\n"
    "        alignas(@A) std::byte bytes[@B];\n"
    "    };\n"
    "    cell slots[@C], *unused = nullptr;\n"
    "    std::size_t used = 0;\n"
    "@M"
    "    void *do_allocate(std::size_t bytes, std::size_t alignment) override\n"
    "    {\n"
    "@L"
    "        if (bytes <= @B && alignment <= @A && unused != nullptr) {\n"
    "            cell *taken = unused;\n"
    "            unused = taken->next;\n"
    "            return taken;\n"
    "        }\n"
    "        if (bytes <= @B && alignment <= @A && used < @C)\n"
    "            return &slots[used++];\n"
    "        from_heap++;\n"
    "        return std::pmr::new_delete_resource()->allocate(bytes, alignment);\n"
    "    }\n"
    "    void do_deallocate(void *memory, std::size_t bytes, std::size_t alignment) override\n"
    "    {\n"
    "        cell *given = static_cast<cell *>(memory);\n"
    "        if (std::less<>{}(given, slots) || !std::less<>{}(given, slots + @C))\n"
    "            return std::pmr::new_delete_resource()->deallocate(memory, bytes, alignment);\n"
    "@L"
    "        given->next = unused;\n"
    "        unused = given;\n"
    "    }\n"
    "    bool do_is_equal(const std::pmr::memory_resource &other) const noexcept override\n"
    "    {\n"
    "        return this == &other;\n"
    "    }\n"
    "public:\n"
    "    std::size_t from_heap = 0; // requests that found no block\n"
    "};\n"
    "static @N_resource @N;\n";

struct resource_filling {
    const struct tn_cplusplus_scene *scene;
    uint64_t block_bytes;
};

static int print_mark(const void *context, char mark, struct tn_buffer *out)
{
    const struct resource_filling *filling = context;
    const struct tn_cplusplus_scene *scene = filling->scene;
    const char *type = scene->made_by->type;
    switch (mark) {
    case 'N':
        return tn_buffer_print(out, "%s", scene->name);
    case 'T':
        return tn_buffer_print(out, "%s", strncmp(type, "std::", 5) == 0 ? type + 5 : type);
    case 'A':
        return tn_buffer_print(out, "%" PRIu64, scene->alignment_bytes);
    case 'B':
        return tn_buffer_print(out, "%" PRIu64, filling->block_bytes);
    case 'C':
        return tn_buffer_print(out, "%" PRIu64, scene->block_count);
    case 'H':
        return tn_buffer_print(out, "%s", scene->is_shared ? "#include <mutex>\n" : "");
    case 'M':
        return tn_buffer_print(out, "%s", scene->is_shared ? "    std::mutex mutex;\n" : "");
    case 'L':
        return tn_buffer_print(out, "%s",
                               scene->is_shared ? "        std::lock_guard<std::mutex> guard(mutex);\n" : "");
    default:
        return tn_buffer_print(out, "%s",
                               scene->is_shared ? "; for several threads"
                                                : "; for one thread, or under the caller's lock");
    }
}

int tn_cplusplus_pool_code(const struct tn_cplusplus_scene *scene, struct tn_finding *finding)
{
    enum tn_maker maker = scene->made_by->maker;
    struct resource_filling filling = {
        .scene = scene,
        .block_bytes = scene->block_bytes + uses[maker].more_bytes,
    };
    struct tn_buffer text = {0};
    int r = tn_template_print(resource, print_mark, &filling, &text);
    if (r == 0)
        r = tn_template_print(uses[maker].use, print_mark, &filling, &text);
    if (r == 0)
        r = tn_finding_set(&finding->code, "%.*s", (int)text.size_bytes, (const char *)text.data);
    tn_buffer_finish(&text);
    return r;
}
