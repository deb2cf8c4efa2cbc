/* SPDX-License-Identifier: MIT */
/* Chooses a processor's table by the machine that a file names. Called by code.c, when it opens a module, and
 * where a register is an argument. */
#include "processor.h"

static const struct tn_processor *const processors[] = {&tn_processor_x86_64, &tn_processor_aarch64};

const struct tn_processor *tn_processor_find(uint16_t machine)
{
    for (size_t i = 0; i < sizeof(processors) / sizeof(processors[0]); i++)
        if (processors[i]->machine == machine)
            return processors[i];
    return NULL;
}

unsigned tn_processor_argument(const struct tn_processor *processor, uint8_t reg)
{
    unsigned index = 0;
    while (index < processor->argument_count && processor->arguments[index] != reg)
        index++;
    return index;
}
