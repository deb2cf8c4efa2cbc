/* SPDX-License-Identifier: MIT */
#ifndef TN_KINDS_RESOURCE_CODE_H
#define TN_KINDS_RESOURCE_CODE_H

#include "tenure/cplusplus.h"

/* Set the code of a finding: a std::pmr::memory_resource with the scene's blocks in static memory, which
 * takes more from the heap and counts it, and a line that shows its use. C++17. Returns 0 or -ENOMEM. */
int tn_cplusplus_pool_code(const struct tn_cplusplus_scene *scene, struct tn_finding *finding);

#endif
