// The table of options that the tests set. Include after cmocka.h.
#ifndef TA_TESTS_UNIT_OPT_KIT_H
#define TA_TESTS_UNIT_OPT_KIT_H

#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <terminalai/error.h>
#include "base/opt.h"
#include "base/tree.h"
#include "capture.h"

struct values {
    bool audio, overwrite;
    int64_t crf, jobs, low, free_int, memory, budget;
    double strength, gain;
    struct ta_floats noise, any;
    char *title, *output;
    int quality, scan;
    struct ta_time at, start;
    struct ta_range range;
    bool old;
    int64_t secret;
};

static const struct ta_choice qualities[] = {{"fast", "bwdif and hqdn3d"},
                                             {"good", "motion-compensated, about four times slower"},
                                             {"best", NULL},
                                             {NULL, NULL}};
static const struct ta_choice scans[] = {
    {"auto", NULL}, {"progressive", NULL}, {"interlaced", NULL}, {"telecine", NULL}, {NULL, NULL}};

static const struct ta_opt table[] = {
    {.name = "audio",
     .kind = &ta_opt_switch,
     TA_FIELD(struct values, audio, bool),
     .def = "on",
     .help = "restore sound"},
    {.name = "overwrite",
     .kind = &ta_opt_switch,
     TA_FIELD(struct values, overwrite, bool),
     .letter = 'y',
     .help = "replace an output that exists"},
    {.name = "crf",
     .kind = &ta_opt_int,
     TA_FIELD(struct values, crf, int64_t),
     .def = "18",
     .min = 0,
     .max = 51,
     .help = "quality, lower is better"},
    {.name = "jobs",
     .kind = &ta_opt_int,
     TA_FIELD(struct values, jobs, int64_t),
     .def = "1",
     .min = 1,
     .max = INFINITY,
     .letter = 'j',
     .help = "segments at the same time",
     .flags = TA_OPT_ADVANCED},
    {.name = "low", .kind = &ta_opt_int, TA_FIELD(struct values, low, int64_t), .min = -INFINITY, .max = -1},
    {.name = "free-int", .kind = &ta_opt_int, TA_FIELD(struct values, free_int, int64_t)},
    {.name = "memory",
     .kind = &ta_opt_bytes,
     TA_FIELD(struct values, memory, int64_t),
     .def = "2G",
     .min = 1024,
     .max = 1099511627776.0,
     .help = "limit"},
    {.name = "budget", .kind = &ta_opt_bytes, TA_FIELD(struct values, budget, int64_t)},
    {.name = "strength",
     .kind = &ta_opt_float,
     TA_FIELD(struct values, strength, double),
     .def = "0.4",
     .min = 0,
     .max = 1,
     .help = "share of grain removed"},
    {.name = "gain",
     .kind = &ta_opt_float,
     TA_FIELD(struct values, gain, double),
     .unit = "dB",
     .def = "0",
     .help = "louder or softer"},
    {.name = "noise",
     .kind = &ta_opt_floats,
     TA_FIELD(struct values, noise, struct ta_floats),
     .def = "3:2:3:2",
     .min = 0,
     .max = 100,
     .min_count = 2,
     .max_count = 4,
     .syntax = "LUMA:CHROMA[:LUMA:CHROMA]"},
    {.name = "any", .kind = &ta_opt_floats, TA_FIELD(struct values, any, struct ta_floats)},
    {.name = "title", .kind = &ta_opt_text, TA_FIELD(struct values, title, char *), .def = "Tape"},
    {.name = "output",
     .kind = &ta_opt_text,
     TA_FIELD(struct values, output, char *),
     .syntax = "FILE",
     .letter = 'o'},
    {.name = "quality",
     .kind = &ta_opt_choice,
     TA_FIELD(struct values, quality, int),
     .def = "good",
     .choices = qualities,
     .help = "how much work to put in"},
    {.name = "scan",
     .kind = &ta_opt_choice,
     TA_FIELD(struct values, scan, int),
     .choices = scans,
     .def = "auto",
     .help = "scan type of the source"},
    {.name = "at", .kind = &ta_opt_time, TA_FIELD(struct values, at, struct ta_time)},
    {.name = "start", .kind = &ta_opt_time, TA_FIELD(struct values, start, struct ta_time), .def = "1:30"},
    {.name = "range", .kind = &ta_opt_range, TA_FIELD(struct values, range, struct ta_range), .def = ""},
    {.name = "old",
     .kind = &ta_opt_switch,
     TA_FIELD(struct values, old, bool),
     .help = "use --quality",
     .flags = TA_OPT_DEPRECATED},
    {.name = "secret", .kind = &ta_opt_int, TA_FIELD(struct values, secret, int64_t), .flags = TA_OPT_HIDDEN},
    {.name = NULL},
};

static inline char *dump(const json_t *value)
{
    return json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
}

#endif
