// How much disk a run takes, and whether it may take more.
#ifndef TA_RESTORE_SPACE_H
#define TA_RESTORE_SPACE_H

#include "recipe/options.h"
#include "restore/work.h"

struct ta_space {
    const struct ta_work *work;
    const struct ta_run_opts *opts;
    struct ta_log *log;
    int64_t peak;   // most bytes that tasks took so far, unfinished ones included
    int64_t others; // bytes of the other work folders beside this one
    double others_read;
};

void ta_space_init(struct ta_space *s, const struct ta_work *work, const struct ta_run_opts *opts,
                   struct ta_log *log);
// Before anything is made: refuses what is sure not to fit, warns of what probably does not.
int ta_space_check_start(struct ta_space *s);
// While tasks are made. in_flight: bytes of unfinished ones. TA_ERR_NO_SPACE when a limit is reached or
// the disk nearly full: told with the numbers.
int ta_space_check(struct ta_space *s, int64_t in_flight);
// All tasks are done: is there room for the joined file?
int ta_space_check_join(struct ta_space *s);

#endif
