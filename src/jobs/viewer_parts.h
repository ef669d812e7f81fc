// What viewer.c shares with the files of its kinds of questions.
#ifndef TA_JOBS_VIEWER_PARTS_H
#define TA_JOBS_VIEWER_PARTS_H

#include <terminalai/terminalai.h>

#include "base/env.h"
#include "base/mem.h"
#include "base/tree.h"
#include "show/picture.h"

enum { TA_VIEWER_PLANS = 8 };

struct ta_viewer {
    int fd;
    struct ta_env *env;
    const char *config;
    char *cache;
    struct ta_log *log;
    struct ta_problems *problems;
    const json_t *question;
    // What is asked for again: plans of one source, by what was asked.
    struct ta_survey *survey;
    char *surveyed; // the source with what tells that it has changed
    struct {
        char *key;
        struct ta_plan *plan;
    } plans[TA_VIEWER_PLANS];
    int next_plan; // to be replaced
    double told;   // seconds of the clock: last progress
    int kept;      // thumbnails since the folder was looked through
    // The answer.
    struct ta_buf out;
    const char *media;
    json_t *head;
};

// A member of the question; "" and 0 where there is none.
const char *ta_viewer_text(const struct ta_viewer *v, const char *name);
int64_t ta_viewer_number(const struct ta_viewer *v, const char *name);
// The options of the question over the configuration. To be destroyed.
int ta_viewer_options(struct ta_viewer *v, struct ta_options **out);
// The plan of what the question names; borrowed, until the next question.
int ta_viewer_plan(struct ta_viewer *v, struct ta_plan **out);
// The same of work that was begun or is finished, with its work folder (to be freed; NULL: it is finished).
int ta_viewer_work(struct ta_viewer *v, struct ta_plan **out, char **folder);
// Makes the answer JSON. Takes it.
void ta_viewer_reply(struct ta_viewer *v, json_t *answer);
void ta_viewer_head(struct ta_viewer *v, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// Calls for callbacks: progress goes to the service.
struct ta_callbacks ta_viewer_callbacks(struct ta_viewer *v);

// Kinds of questions: 0, or TA_ERR_* after a message. (viewer_kinds.c)
int ta_viewer_probe(struct ta_viewer *v);   // input
int ta_viewer_plans(struct ta_viewer *v);   // input, output, options, estimate
int ta_viewer_picture(struct ta_viewer *v); // input, options, side, frame, at, width, jpeg
int ta_viewer_made(struct ta_viewer *v);    // output, work_dir, side, frame, width, jpeg
int ta_viewer_report(struct ta_viewer *v);  // output, work_dir, part
int ta_viewer_glance(struct ta_viewer *v);  // input, place, width, to
int ta_viewer_excerpt(struct ta_viewer *v); // input, options, start, duration, layout, to
int ta_viewer_discard(struct ta_viewer *v); // output, work_dir
int ta_viewer_fetch(struct ta_viewer *v);   // name

#endif
