// Which files one call of `restore` makes of which: operands that are files or folders, and where the outputs
// go.
#ifndef TA_CLI_BATCH_H
#define TA_CLI_BATCH_H

#include <stdbool.h>

struct ta_log;

struct ta_batch_item {
    char *input;  // a path, or the name of several files (media/parts/name.h)
    char *output; // NULL: the default name beside the input; "-": standard output
};

struct ta_batch {
    struct ta_batch_item *items;
    int count;
    int empty_folders; // operands that were folders without video files; said in the log
};

struct ta_batch_wish {
    const char *output;         // -o; NULL when not given
    const char *extension;      // of outputs that get their name here
    struct ta_options *options; // NULL: the extension alone counts; else they and each input say which
    bool recursive;
    bool look;      // nothing is to be made: no folders
    bool elsewhere; // another reads the inputs, which need not be here
    bool join;      // all inputs, in the order given, are one film
};

// Fills `out`. Creates the output folder when it is missing (its parent must exist). Folders are searched for
// names that video files have; what looks like an output of an earlier call ("x.restored.mp4") is left out,
// and so is all else, which is named. Of several operands each must lead to something. Inputs that would get
// the same output are told apart by their extension, then by their folder. Returns 0; TA_ERR_USAGE when the
// wishes contradict each other (a single file as the output of several inputs, an input given twice); another
// TA_ERR_* when a folder can't be read or made. All are logged.
int ta_batch_collect(struct ta_batch *out, char *const *operands, int count, const struct ta_batch_wish *wish,
                     struct ta_log *log);
void ta_batch_release(struct ta_batch *batch);

// The one source of a call that shows something: the operand, or all of them as one film with `join`. *source
// is freed by the caller. Returns 0, or TA_ERR_USAGE (logged) when there are several and nobody said --join.
int ta_batch_one(char **source, char *const *operands, int count, bool join, struct ta_log *log);

// The files beside `path` that seem to go on with it, by their names: the name of all as one source, or NULL
// when it stands alone.
char *ta_batch_series(const char *path);

#endif
