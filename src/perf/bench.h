// The tables of the project, measured by one command: a table beside the sources names scripts, what each
// needs and how long it takes; their figures are kept with all that makes them comparable, and compared.
#ifndef TA_PERF_BENCH_H
#define TA_PERF_BENCH_H

#include <stdbool.h>

#include <jansson.h>

struct ta_buf;
struct ta_log;

struct ta_bench_config {
    const char *source;  // the folder of the sources
    const char *program; // this program's own file
    const char *assets;  // films and sounds for scripts that take some; NULL: none
    const char *output;  // written anew after each script, so that nothing measured is lost
    bool quick;          // as little as shows that all is there
    int repeats;         // runs of each script, in turns
    void (*tell)(void *priv, const char *text); // what is at work, and what is left out
    void *priv;
};

// The folder with bench/benches.json: `named`, or (NULL) the nearest above the program's file. A new text;
// NULL after a message that says what to do.
char *ta_bench_find_source(const char *program, const char *named, struct ta_log *log);

// The table of the folder: an array of rows {name, about, argv, full, quick, needs, peers, minutes, repeats}.
// NULL after a message when it can't be read or has what is no row.
json_t *ta_bench_table(const char *source, struct ta_log *log);
// Of the `needs` or `peers` of a row those that are not there, in words. A new array.
json_t *ta_bench_missing(const struct ta_bench_config *config, const json_t *row, const char *member);

// Runs the rows and keeps what they say, {version, kind, time, machine, quick, repeats, benches, values}. A
// script that can't run or fails is told and kept as such; the others go on. NULL after a message: nothing
// can be kept, or the user gave up (TA_ERR_CANCELED in *err). Blocks for as long as the scripts work.
json_t *ta_bench_run(const struct ta_bench_config *config, const json_t *rows, int *err, struct ta_log *log);
// One of before. TA_ERR_FORMAT after a message for what is none.
int ta_bench_load(const char *path, json_t **result, struct ta_log *log);
// Did any script of it fail?
bool ta_bench_failed(const json_t *result);

// Each value of `now` beside that of `before`: {worse, better, same, unknown, values: [{bench, name, unit,
// before, now, change, noise, verdict}], gone}. What differs by more than the repeats of both do among
// themselves is worse or better (Student's t, one side, one in a thousand); without repeats nothing is
// known, except of values that are the same each time. Values that were measured by another command or on
// another machine are not compared.
json_t *ta_bench_compare(const json_t *now, const json_t *before);
// That, for people. Appends.
void ta_bench_compare_text(const json_t *comparison, struct ta_buf *out);

// Puts each bench of `result` that has values between its marks in the text, or behind the last of it under
// a heading of its own. Appends the whole.
void ta_bench_document(const json_t *result, const char *text, struct ta_buf *out);

#endif
