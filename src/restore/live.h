// run.json in the work folder: how far a run is, for other processes to look at. A help only: nothing is
// decided by it.
#ifndef TA_RESTORE_LIVE_H
#define TA_RESTORE_LIVE_H

#include <jansson.h>

#include <terminalai/plan.h>

#include "base/folder.h"

struct ta_live {
    const struct ta_folder *folder;
    double started; // wall clock, seconds since 1970
};

// For ta_meter.watch, with a struct ta_live as `priv`. Not synced; failures are of no matter.
void ta_live_write(void *priv, const struct ta_progress *progress);
// What was written last; NULL when there is nothing that can be read. To be dereferenced.
json_t *ta_live_read(const char *dir);

// Seconds since 1970.
double ta_wall_clock(void);

#endif
