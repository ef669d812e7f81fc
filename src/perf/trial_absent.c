// Without queue and service in the build their patches can't be tried.
#include <terminalai/error.h>

#include "base/log.h"
#include "perf/trial_run.h"

static int absent(const struct ta_trial *t)
{
    ta_error(
        t->log,
        "the program was built without queue and service, so that this can't be tried; build with SQLite, "
        "libmicrohttpd and libcurl");
    return TA_ERR_UNSUPPORTED;
}

int ta_trial_readers(struct ta_trial *t, bool applied, struct ta_trial_run *out)
{
    (void)applied;
    (void)out;
    return absent(t);
}

int ta_trial_pages_prepare(struct ta_trial *t)
{
    return absent(t);
}

int ta_trial_pages(struct ta_trial *t, bool applied, struct ta_trial_run *out)
{
    (void)applied;
    (void)out;
    return absent(t);
}

void ta_trial_pages_finish(struct ta_trial *t)
{
    (void)t;
}
