#include "restore/advice.h"

#include <stdlib.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "restore/look.h"
#include "restore/work.h"

static const char begin_anew[] =
    "another version of the program or its libraries began this work: \"terminalai "
    "restore\" with --restart throws it away and begins anew";

static bool is_outdated(const char *dir)
{
    struct ta_look look;
    ta_look_init(&look, dir);
    bool outdated = look.outdated;
    ta_look_release(&look);
    return outdated;
}

static char *after_kept(const char *dir, int err)
{
    if (err == TA_ERR_MISMATCH)
        return ta_xprintf(
            "finished work is kept in %s, but it is of the source as it was: --restart begins anew "
            "with the source as it is now",
            dir);
    const char *first = err == TA_ERR_NO_SPACE   ? "make room, then "
                        : err == TA_ERR_CANCELED ? ""
                        : err == TA_ERR_EXISTS   ? "move the other file away or add --overwrite, then "
                                                 : "when the cause is mended, ";
    return ta_xprintf(
        "finished work is kept in %s: %sthe same command goes on from there, --restart begins anew", dir,
        first);
}

static char *after_nothing_kept(const char *dir, int err)
{
    switch (err) {
    case TA_ERR_NO_SPACE:
        return ta_xstrdup(
            "nothing was kept: make room, or set --work-dir to a folder on a larger disk, then give "
            "the same command again");
    case TA_ERR_MISMATCH:
        return is_outdated(dir) ? ta_xstrdup(begin_anew)
               : access(dir, F_OK) < 0
                   ? ta_xstrdup("nothing was kept: give the same command again")
                   : ta_xstrdup("\"terminalai resume OUTPUT\" goes on with the old settings, "
                                "--restart throws the old work away");
    case TA_ERR_ACCESS:
        return ta_xstrdup(
            "nothing was kept: write to a folder that lets you, with -o, and with --work-dir for "
            "unfinished work");
    case TA_ERR_NOT_FOUND:
    case TA_ERR_BUSY:
    case TA_ERR_EXISTS:
    case TA_ERR_INVALID:
    case TA_ERR_UNSUPPORTED:
    case TA_ERR_CLOSED:
        return ta_xstrdup(""); // the message says it
    case TA_ERR_CANCELED:
        return ta_xstrdup("nothing was kept: the same command begins anew");
    default:
        return ta_xstrdup("nothing was kept: when the cause is mended, the same command begins anew");
    }
}

char *ta_advice_after_run(const struct ta_plan *plan, const char *work_dir, bool resumable, int err)
{
    char *dir = ta_work_path(plan, work_dir);
    char *text = resumable ? after_kept(dir, err) : after_nothing_kept(dir, err);
    free(dir);
    return text;
}

const char *ta_advice_after_resuming(const char *dir, int err)
{
    return err == TA_ERR_MISMATCH && is_outdated(dir) ? begin_anew : "";
}

const char *ta_advice_after_planning(int err)
{
    return err == TA_ERR_IO || err == TA_ERR_NO_SPACE || err == TA_ERR_NOMEM
               ? "nothing was made yet: when the cause is mended, the same command begins anew"
               : "";
}
