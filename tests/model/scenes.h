/* SPDX-License-Identifier: MIT */
#ifndef TENURE_MODEL_SCENES_H
#define TENURE_MODEL_SCENES_H

/* What the model's programs have in common: to explore a scene, and to show that a planted fault is found. */

#include "model.h"

/* Explore; print the figures. The program fails if anything is wrong. */
void scene_must_hold(const struct model_scene *scene);

/* Explore with a fault (one of no kind where the scene itself has it); the program fails if nothing is found
 * to be wrong. */
void scene_must_break(const struct model_scene *scene, const struct model_fault *fault);

/* Exit status. */
int scene_end(void);

#endif
