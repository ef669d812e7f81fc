// Problems inside the library: their kinds, lists and JSON. They are told through logs: ta_problem() in
// base/log.h.
#ifndef TA_BASE_PROBLEM_H
#define TA_BASE_PROBLEM_H

#include <stdbool.h>

#include <jansson.h>

#include <terminalai/problem.h>

#include "base/problem_list.h"

enum ta_problem_id {
#define TA_PROBLEM_ENUM(id, code, severity, meaning) TA_PROBLEM_##id,
    TA_PROBLEM_LIST(TA_PROBLEM_ENUM)
#undef TA_PROBLEM_ENUM
        TA_PROBLEM_COUNT
};

struct ta_problem_kind {
    const char *code;
    enum ta_severity severity;
    const char *meaning;
};
extern const struct ta_problem_kind ta_problem_kinds[TA_PROBLEM_COUNT];

// What is known besides the message; all may be NULL.
struct ta_problem_about {
    const char *advice, *file, *option, *stage;
    const int64_t *frame;
    json_t *args; // a new reference: the call takes it
};

// A problem of kind `id` with text of its own, which it owns.
struct ta_problem *ta_problem_create(enum ta_problem_id id, const struct ta_problem_about *about,
                                     const char *message);
void ta_problem_destroy(struct ta_problem **problem);

// {"code", "severity", "message", ...} as ta_problem_text() writes it, and back: a string is a plan's warning
// of before. NULL for what is neither.
json_t *ta_problem_to_json(const struct ta_problem *problem);
struct ta_problem *ta_problem_from_json(const json_t *json);

// Adds a copy, here and to the lists that `list` passes on to (ta_problems_pass_on). False when `list` has it
// already. `list` may be NULL: then true. An error may come without a code ("").
bool ta_problems_add(struct ta_problems *list, const struct ta_problem *problem);
// What is added to `list` is added to `to` too (may be NULL), which must outlive it.
void ta_problems_pass_on(struct ta_problems *list, struct ta_problems *to);
// The call that `list` belongs to has failed with `err`: errors without a code get that of the kind, the
// first one the advice (may be NULL). One that nobody told is added, "ABOUT: " and the kind's text.
void ta_problems_fail(struct ta_problems *list, int err, const char *about, const char *advice);
// An array of all; how many of a severity.
json_t *ta_problems_to_json(const struct ta_problems *list);
int64_t ta_problems_count_of(const struct ta_problems *list, enum ta_severity severity);

#endif
