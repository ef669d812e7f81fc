// One entry of a manifest, for whoever holds some.
#ifndef TA_INFER_MODEL_ENTRY_H
#define TA_INFER_MODEL_ENTRY_H

#include "infer/models.h"

void ta_model_release(struct ta_model *m); // what it points at

#endif
