// The analyser's rules, one row each, and what they find in facts.
#ifndef TA_PERF_RULES_H
#define TA_PERF_RULES_H

#include "perf/facts.h"

struct ta_buf;

enum ta_weight { TA_WEIGHT_LOW, TA_WEIGHT_MEDIUM, TA_WEIGHT_HIGH, TA_WEIGHT_CRITICAL, TA_WEIGHT_COUNT };
extern const char *const ta_weight_names[]; // "low" ..., NULL at the end

enum ta_rule_place {
    TA_PLACE_ANY,
    TA_PLACE_LOOP,   // in a loop of more than a few rounds
    TA_PLACE_FRAME,  // for each frame: in a loop of frames, in a function for one frame, or called from there
    TA_PLACE_PIXELS, // for each row, pixel or sample, in two loops
    TA_PLACE_LOCK,   // while a lock is held
};

struct ta_judged;

struct ta_rule {
    const char *id; // what suppressions and --only name
    enum ta_weight severity;
    const char *category; // cpu, memory, io, threading, gpu
    const char *what;     // "takes memory for each frame"; behind the name of what does it
    const char *why;      // what it costs
    const char *advice;   // what to do
    enum ta_site_kind kind;
    unsigned does; // any of them; 0: all of its kind
    enum ta_rule_place place;
    unsigned without; // TA_SITE_*: a site with any of them is none
    unsigned with;    // a site needs all of them
    bool through;     // LOCK and LOOP: also what a called function of the project does
    // NULL, or what else it takes.
    bool (*fits)(const struct ta_judged *j);
};
extern const struct ta_rule ta_rules[]; // the last has no id
const struct ta_rule *ta_rule_find(const char *id);

struct ta_finding {
    const struct ta_rule *rule;
    enum ta_weight severity;
    char *file, *function, *message;
    int line, column, function_line;
    char *reason;    // why it is let be; NULL: it is not
    bool unreasoned; // somebody wrote that it may be, and not why
};

struct ta_findings {
    struct ta_finding *items;
    int count;
    size_t room;
};

// All facts judged together, sorted by file, line and rule, each place once a rule. `only` (NULL: all) names
// rules, NULL-terminated.
void ta_rules_judge(const struct ta_facts *facts, int count, const char *const *only,
                    struct ta_findings *out);
void ta_findings_release(struct ta_findings *f);

// "perf-ok(RULE): why" in a comment on the line of a finding, or on its own lines above, lets it be. Reads
// the files.
void ta_findings_suppress(struct ta_findings *f);

#endif
