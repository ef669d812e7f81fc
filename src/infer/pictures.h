// Networks that make larger pictures: what they take and by how much they enlarge.
#ifndef TA_INFER_PICTURES_H
#define TA_INFER_PICTURES_H

#include "infer/engine.h"

struct ta_model;

struct ta_network_use {
    int planes;        // 3: colour; 1: brightness alone
    int factor;        // 1 to 8
    int width, height; // the only size that it takes; 0: any
    int white;         // 1 or 255, for which grey stays grey in it; 0: neither
};

// Finds out by shapes, and by running it on a small grey picture (on the only size, if there is one, up to
// 1024 x 1024). TA_ERR_UNSUPPORTED after a message that says what was expected, when it is no such network.
int ta_network_find_use(struct ta_network *n, struct ta_network_use *use, struct ta_log *log);

// Is what was found what its manifest says? `listed`: the entry of this very file; NULL for a network that is
// in none, whose numbers must be known by what it makes of grey. TA_ERR_MISMATCH or UNSUPPORTED after a
// message that says what was expected.
int ta_network_use_check(const struct ta_network_use *use, const struct ta_model *listed, struct ta_log *log);

#endif
