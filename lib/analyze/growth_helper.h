/* SPDX-License-Identifier: MIT */
#ifndef TN_ANALYZE_GROWTH_HELPER_H
#define TN_ANALYZE_GROWTH_HELPER_H

#include "tenure/source_frames.h"

/* Whether the innermost function that two return addresses have in common is one by which a container of the
 * C++ library grows: it takes a larger block, moves what it has, and releases the old one. Not where it is
 * given other contents (operator=, assign), which only happen to be larger.
 *
 * birth, release  rows of frames of one physical function, from where it called */
bool tn_growth_helper_made(const struct tn_source_frames *frames, uint32_t birth, uint32_t release);

#endif
