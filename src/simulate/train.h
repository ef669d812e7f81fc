// A steam train: painted in advance, with wheels, rods and smoke drawn for each moment.
#ifndef TA_SIMULATE_TRAIN_H
#define TA_SIMULATE_TRAIN_H

#include "draw/canvas.h"

struct ta_train;
struct ta_train *ta_train_create(int canvas_height);
void ta_train_destroy(struct ta_train **t);
// Its rear end at pixel `at` (rounded to half pixels), the top of the rail at `rail` units; the ground goes
// by at `ground` pixels a second.
void ta_train_draw(const struct ta_train *t, struct ta_canvas *c, double at, float rail, double seconds,
                   double ground);

#endif
