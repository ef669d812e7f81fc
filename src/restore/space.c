#include "base/words.h"
#include "restore/space.h"

#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/dir.h"
#include "base/path.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "plan/estimate.h"
#include "restore/work_files.h"

static const int64_t MIN_FREE_BYTES = 16 << 20; // left on the disk when a run stops by itself
static const double POOL_INTERVAL = 10;         // seconds between two looks at the other work folders

void ta_space_init(struct ta_space *s, const struct ta_work *work, const struct ta_run_opts *opts,
                   struct ta_log *log)
{
    *s = (struct ta_space){.work = work, .opts = opts, .log = log, .others_read = -2 * POOL_INTERVAL};
}

static int over_limit(struct ta_space *s, const char *what, int64_t bytes, const char *option, int64_t limit)
{
    char a[TA_BYTES_TEXT], b[TA_BYTES_TEXT];
    ta_error(s->log, "%s: %s %s, more than the %s that %s allows", s->work->plan->output, what,
             ta_bytes_text(bytes, a), ta_bytes_text(limit, b), option);
    return TA_ERR_NO_SPACE;
}

static int check_pool(struct ta_space *s, int64_t own)
{
    if (s->opts->max_work_size <= 0)
        return 0;
    double now = ta_clock_seconds();
    if (now - s->others_read >= POOL_INTERVAL) {
        char *root = ta_path_dir(s->work->dir);
        s->others = ta_work_pool_bytes(root, ta_path_name(s->work->dir));
        s->others_read = now;
        free(root);
    }
    return s->others + own <= s->opts->max_work_size
               ? 0
               : over_limit(s, "the work folders in its place take together", s->others + own,
                            "--max-work-size", s->opts->max_work_size);
}

int ta_space_check(struct ta_space *s, int64_t in_flight)
{
    int64_t used = ta_work_bytes(s->work) + in_flight;
    s->peak = TA_MAX(s->peak, used);
    if (s->opts->max_temp_size > 0 && used > s->opts->max_temp_size)
        return over_limit(s, "unfinished work takes", used, "--max-temp-size", s->opts->max_temp_size);
    int64_t room = ta_disk_free_bytes(s->work->dir);
    if (room < MIN_FREE_BYTES) {
        char a[TA_BYTES_TEXT], b[TA_BYTES_TEXT];
        ta_error(s->log, "%s: the disk is full: %s are free for %s, and %s of a disk are left alone",
                 s->work->plan->output, ta_bytes_text(room, a), s->work->dir,
                 ta_bytes_text(MIN_FREE_BYTES, b));
        return TA_ERR_NO_SPACE;
    }
    return check_pool(s, used);
}

static int64_t free_for_output(const struct ta_space *s)
{
    char *dir = ta_path_dir(s->work->plan->output);
    int64_t bytes = ta_disk_free_bytes(dir);
    free(dir);
    return bytes;
}

int ta_space_check_join(struct ta_space *s)
{
    int64_t used = ta_work_bytes(s->work), video = ta_work_video_bytes(s->work),
            needed = video + ta_estimate_other_streams(s->work->plan);
    char a[TA_BYTES_TEXT], b[TA_BYTES_TEXT];
    s->peak = TA_MAX(s->peak, used);
    if (!strcmp(s->work->plan->output, "-"))
        return 0;
    if (s->opts->max_temp_size > 0 && used + needed > s->opts->max_temp_size)
        return over_limit(s, "segments and the joined file need", used + needed, "--max-temp-size",
                          s->opts->max_temp_size);
    // The video alone is sure to be needed.
    if (free_for_output(s) < video) {
        ta_error(s->log, "%s: the disk is full: the joined file needs about %s, %s are free",
                 s->work->plan->output, ta_bytes_text(needed, a), ta_bytes_text(free_for_output(s), b));
        return TA_ERR_NO_SPACE;
    }
    return check_pool(s, used);
}

int ta_space_check_start(struct ta_space *s)
{
    struct ta_estimate e;
    char a[TA_BYTES_TEXT], b[TA_BYTES_TEXT];
    const struct ta_plan *p = s->work->plan;
    ta_plan_estimate(p, &e);
    // What is there already needs no room any more.
    int64_t done = ta_work_bytes(s->work),
            segments = TA_MAX(0, e.segment_bytes - ta_work_video_bytes(s->work));
    int64_t joined = strcmp(p->output, "-") ? e.output_bytes : 0;
    int64_t room = ta_disk_free_bytes(s->work->dir), needed = segments + joined;
    if (s->opts->max_temp_size > 0)
        room = TA_MIN(room, TA_MAX(0, s->opts->max_temp_size - done));
    if (needed <= room)
        return check_pool(s, done);
    if (e.exact && segments > room) {
        ta_error(s->log,
                 "%s: there is no space for it: segments and joined file need %s, %s may be used in %s",
                 p->output, ta_bytes_text(needed, a), ta_bytes_text(room, b), s->work->dir);
        return TA_ERR_NO_SPACE;
    }
    ta_problem_at(
        s->log, TA_PROBLEM_SPACE_SHORT,
        &(struct ta_problem_about){.file = s->work->dir,
                                   .args = json_pack("{s:I, s:I}", "needed_bytes", (json_int_t)needed,
                                                     "free_bytes", (json_int_t)room)},
        "%s: segments and joined file may need about %s, %s may be used: it stops, to go on later, "
        "when that is not enough",
        p->output, ta_bytes_text(needed, a), ta_bytes_text(room, b));
    return check_pool(s, done);
}
