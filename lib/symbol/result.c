/* SPDX-License-Identifier: MIT */
/* Whether a function gives anything back, by the type in its debug information. What lies in the return
 * register where a function of type void ends is left over. */
#include "symbol_file.h"

#include <dwarf.h>

int tn_symbol_gives_nothing(struct tn_symbol_file *file, uint64_t offset_bytes, bool *ret_gives_nothing)
{
    struct tn_symbol_unit *unit;
    Dwarf_Die *function = NULL;
    Dwarf_Attribute type;
    *ret_gives_nothing = false;
    int r = tn_symbol_find_unit(file, offset_bytes - 1, &unit);
    if (r < 0 || unit == NULL)
        return r;
    r = tn_symbol_find_function(unit, offset_bytes - 1 - unit->bias, &function);
    *ret_gives_nothing =
        r == 0 && function != NULL && dwarf_attr_integrate(function, DW_AT_type, &type) == NULL;
    return r;
}
