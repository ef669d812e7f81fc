// Options as clients send them, held against the tables.
#ifndef TA_SERVER_RECIPE_H
#define TA_SERVER_RECIPE_H

#include "base/mem.h"
#include "server/request.h"

struct ta_options;

// A set of options that a client wants.
struct ta_recipe {
    struct ta_options *options;
    json_t *texts; // each as it is kept with a job: a text by its name
    struct ta_log *log;
    struct ta_problems *problems;
};
// Of an object of texts, numbers and booleans (NULL: none). False after a refusal, the first thing that is
// wrong. To be released in any case.
bool ta_recipe_read(struct ta_request *r, const json_t *wanted, struct ta_recipe *out);
void ta_recipe_release(struct ta_recipe *recipe);

// Route: POST /api/v1/options/check.
void ta_recipe_check(struct ta_request *r);

#endif
