// What the table of rules asks of a site that is judged.
#ifndef TA_PERF_RULES_PARTS_H
#define TA_PERF_RULES_PARTS_H

#include "perf/rules.h"

struct ta_judged {
    const struct ta_function *function;
    const struct ta_site *site;
    const struct ta_loop *loop; // the innermost; NULL
    bool frame;                 // it happens for each frame
    bool indirect;              // that is known by way of calls alone
};

#endif
