// Whether two plans make the same pictures, and if not, what a person would say differs.
#ifndef TA_PLAN_DIFF_H
#define TA_PLAN_DIFF_H

#include <jansson.h>

struct ta_buf;

// SHA-256 of the plan without what has no influence on its segments: where files lie (the source is known by
// its fingerprint) and where the values of options came from.
void ta_plan_identity(const char *json, char out[65]);

// The options whose values differ between two recipes ("--crf: 18 -> 20"). Options that the one before does
// not know, and that are as their defaults say, do not.
void ta_recipe_differences(const json_t *before, const json_t *now, struct ta_buf *out);

// Appends "--crf: 18 -> 20; the source has changed (...)". Options first; what follows from them is left out.
// The texts must be plans.
void ta_plan_differences(const char *old_json, const char *new_json, struct ta_buf *out);

#endif
