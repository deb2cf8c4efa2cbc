/* SPDX-License-Identifier: MIT */
/* The names of containers' functions (tenure/container.h). One table for types, one entry a name as it stands
 * behind "std::" and the inner namespaces; one for what functions inside of the library do for a program,
 * where its own call was inlined away. Names are those of libstdc++ 6 to 14 and libc++ 10 to 18. */
#include "container_names.h"

#include <stddef.h>

const struct tn_container_name tn_container_names[] = {
    {"vector", "std::vector", TN_FAMILY_VECTOR, 0},
    {"_Vector_base", "std::vector", TN_FAMILY_VECTOR, 0},                /* libstdc++ */
    {"_Bvector_base", "std::vector", TN_FAMILY_VECTOR, TN_ELEMENT_BOOL}, /* libstdc++ */
    {"__vector_base", "std::vector", TN_FAMILY_VECTOR, 0},               /* libc++ before 15 */
    {"__split_buffer", "std::vector", TN_FAMILY_VECTOR, 0}, /* libc++: also deque's table of blocks */
    {"deque", "std::deque", TN_FAMILY_DEQUE, 0},
    {"_Deque_base", "std::deque", TN_FAMILY_DEQUE, 0},  /* libstdc++ */
    {"__deque_base", "std::deque", TN_FAMILY_DEQUE, 0}, /* libc++ before 15 */
    {"list", "std::list", TN_FAMILY_LIST, 0},
    {"_List_base", "std::list", TN_FAMILY_LIST, 0}, /* libstdc++ */
    {"__list_imp", "std::list", TN_FAMILY_LIST, 0}, /* libc++ */
    {"forward_list", "std::forward_list", TN_FAMILY_FORWARD_LIST, 0},
    {"_Fwd_list_base", "std::forward_list", TN_FAMILY_FORWARD_LIST, 0},      /* libstdc++ */
    {"__forward_list_base", "std::forward_list", TN_FAMILY_FORWARD_LIST, 0}, /* libc++ */
    {"map", "std::map", TN_FAMILY_TREE, TN_ELEMENT_PAIR},
    {"multimap", "std::multimap", TN_FAMILY_TREE, TN_ELEMENT_PAIR},
    {"set", "std::set", TN_FAMILY_TREE, 0},
    {"multiset", "std::multiset", TN_FAMILY_TREE, 0},
    {"_Rb_tree", "std::map", TN_FAMILY_TREE, 1}, /* libstdc++ */
    {"__tree", "std::map", TN_FAMILY_TREE, 0},   /* libc++ */
    {"unordered_map", "std::unordered_map", TN_FAMILY_HASH, TN_ELEMENT_PAIR},
    {"unordered_multimap", "std::unordered_multimap", TN_FAMILY_HASH, TN_ELEMENT_PAIR},
    {"unordered_set", "std::unordered_set", TN_FAMILY_HASH, 0},
    {"unordered_multiset", "std::unordered_multiset", TN_FAMILY_HASH, 0},
    {"_Hashtable", "std::unordered_map", TN_FAMILY_HASH, 1},                     /* libstdc++ */
    {"_Map_base", "std::unordered_map", TN_FAMILY_HASH, 1},                      /* libstdc++: operator[] */
    {"_Insert_base", "std::unordered_map", TN_FAMILY_HASH, 1},                   /* libstdc++ */
    {"_Insert", "std::unordered_map", TN_FAMILY_HASH, 1},                        /* libstdc++ */
    {"_Hashtable_alloc", "std::unordered_map", TN_FAMILY_HASH, TN_ELEMENT_NONE}, /* libstdc++ */
    {"__hash_table", "std::unordered_map", TN_FAMILY_HASH, 0},                   /* libc++ */
    {"string", "std::string", TN_FAMILY_STRING, TN_ELEMENT_CHAR},
    {"basic_string", "std::string", TN_FAMILY_STRING, 0},
    {"to_string", "std::string", TN_FAMILY_STRING, TN_ELEMENT_CHAR},
    {"operator+", "std::string", TN_FAMILY_STRING, TN_ELEMENT_CHAR},
    {"getline", "std::string", TN_FAMILY_STRING, TN_ELEMENT_CHAR},
    {"basic_stringbuf", "std::stringbuf", TN_FAMILY_STREAM, 0},
    {"basic_ostringstream", "std::ostringstream", TN_FAMILY_STREAM, 0},
    {"basic_istringstream", "std::istringstream", TN_FAMILY_STREAM, 0},
    {"basic_stringstream", "std::stringstream", TN_FAMILY_STREAM, 0},
    {"shared_ptr", "std::shared_ptr", TN_FAMILY_SHARED, 0},
    {"make_shared", "std::shared_ptr", TN_FAMILY_SHARED, 0},
    {"allocate_shared", "std::shared_ptr", TN_FAMILY_SHARED, 0},
    {"__shared_ptr", "std::shared_ptr", TN_FAMILY_SHARED, 0},                 /* libstdc++ */
    {"__shared_count", "std::shared_ptr", TN_FAMILY_SHARED, TN_ELEMENT_LAST}, /* libstdc++ */
    {"_Sp_counted_ptr", "std::shared_ptr", TN_FAMILY_SHARED, 0},              /* libstdc++ */
    {"_Sp_counted_deleter", "std::shared_ptr", TN_FAMILY_SHARED, 0},          /* libstdc++ */
    {"_Sp_counted_ptr_inplace", "std::shared_ptr", TN_FAMILY_SHARED, 0},      /* libstdc++ */
    {"__shared_ptr_emplace", "std::shared_ptr", TN_FAMILY_SHARED, 0},         /* libc++ */
    {"__shared_ptr_pointer", "std::shared_ptr", TN_FAMILY_SHARED, 0},         /* libc++ */
    {"make_unique", "std::unique_ptr", TN_FAMILY_UNIQUE, 0},
    {"function", "std::function", TN_FAMILY_FUNCTION, TN_ELEMENT_LAST},
    {"_Function_handler", "std::function", TN_FAMILY_FUNCTION, 1}, /* libstdc++ */
    {"_Function_base", "std::function", TN_FAMILY_FUNCTION,
     TN_ELEMENT_LAST},                                        /* libstdc++: _Base_manager<callable> */
    {"__func", "std::function", TN_FAMILY_FUNCTION, 0},       /* libc++ */
    {"__alloc_func", "std::function", TN_FAMILY_FUNCTION, 0}, /* libc++ */
    {"__value_func", "std::function", TN_FAMILY_FUNCTION, TN_ELEMENT_LAST}, /* libc++ */
    {"any", "std::any", TN_FAMILY_ANY, TN_ELEMENT_NONE},
    {"_LargeHandler", "std::any", TN_FAMILY_ANY, 0}, /* libc++ */
    {"queue", "std::queue", TN_FAMILY_ADAPTER, 0},
    {"stack", "std::stack", TN_FAMILY_ADAPTER, 0},
    {"priority_queue", "std::priority_queue", TN_FAMILY_ADAPTER, 0},
    {NULL, NULL, TN_FAMILY_NONE, 0},
};

const struct tn_container_operation tn_container_operations[] = {
    {"_M_realloc_insert", "push_back"},           /* libstdc++: also of emplace_back and insert */
    {"_M_realloc_append", "push_back"},           /* libstdc++ from 14 */
    {"__push_back_slow_path", "push_back"},       /* libc++ */
    {"__emplace_back_slow_path", "emplace_back"}, /* libc++ */
    {"_M_default_append", "resize"},              /* libstdc++ */
    {"_M_fill_assign", "assign"},                 /* libstdc++ */
    {"_M_assign_aux", "assign"},                  /* libstdc++ */
    {"_M_range_insert", "insert"},                /* libstdc++ */
    {"_M_fill_insert", "insert"},                 /* libstdc++ */
    {"_M_append", "append"},                      /* libstdc++ */
    {"_M_assign", "operator="},                   /* libstdc++ */
    {"_M_replace", "replace"},                    /* libstdc++ */
    {"_M_replace_aux", "append"},        /* libstdc++: count characters; also of resize and replace */
    {"_M_construct", "constructor"},     /* libstdc++ */
    {"_M_push_back_aux", "push_back"},   /* libstdc++: deque */
    {"_M_push_front_aux", "push_front"}, /* libstdc++: deque */
    {"__init", "constructor"},           /* libc++ */
    {"__init_copy_ctor_external", "constructor"}, /* libc++ */
    {"__grow_by_and_replace", "append"},          /* libc++ */
    {"__append", "resize"},                       /* libc++ */
    {"__assign_external", "assign"},              /* libc++ */
    {"_M_create", "constructor"},                 /* libstdc++: of a callable that std::function keeps */
    {NULL, NULL},
};
