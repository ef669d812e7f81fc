// The program with tasks of a second kind, "tally": a stand-in for what will be sound or neural work. One
// lists the checksums of the files that it needs, and counts ten samples for each.
//
// A tally takes as long as 25 frames do.
//
// TA_TALLY_HOLD: as long as a file of this name exists, a task that is half-way waits, and says so.
// TA_TALLY_SAMPLES: what it says it has counted instead.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "media/av.h"
#include "restore/task_kind.h"
#include "restore/work.h"

static int hold(const struct ta_task_run *t)
{
    const char *path = getenv("TA_TALLY_HOLD");
    while (path && access(path, F_OK) == 0) {
        if (ta_canceled(t->env->cancel))
            return TA_ERR_CANCELED;
        ta_task_tell(t, 0.5);
        usleep(5000); // timed wait: a test removes the file
    }
    return 0;
}

static int write_tally(const struct ta_task_run *t, const char *text)
{
    size_t size = strlen(text), half = size / 2;
    int fd = ta_folder_create(&t->work->folder, t->name, t->env->log);
    FILE *f = fd >= 0 ? fdopen(fd, "wb") : NULL;
    int err = f ? 0 : TA_ERR_IO;
    if (f && (fwrite(text, 1, half, f) != half || fflush(f)))
        err = TA_ERR_IO;
    if (err >= 0)
        err = hold(t);
    if (err >= 0 && fwrite(text + half, 1, size - half, f) != size - half)
        err = TA_ERR_IO;
    if (f && fclose(f) && err >= 0)
        err = TA_ERR_IO;
    return err;
}

static int run(const struct ta_task_run *t, struct ta_done *done)
{
    struct ta_task task = ta_plan_task(t->work->plan, t->number);
    struct ta_buf text = {0};
    int err = 0;
    ta_buf_printf(&text, "%s\n", task.stem);
    for (int i = 0; i < task.need_count && err >= 0; i++) {
        char *path = ta_work_task_path(t->work, task.needs[i]), sum[TA_SHA256_HEX];
        err = ta_sha256_file(path, sum, t->env->log);
        if (err >= 0)
            ta_buf_printf(&text, "%s %s\n", sum, ta_plan_task(t->work->plan, task.needs[i]).stem);
        free(path);
    }
    if (err >= 0)
        err = write_tally(t, ta_buf_text(&text));
    const char *samples = getenv("TA_TALLY_SAMPLES");
    done->bytes = (int64_t)text.size;
    ta_sha256_hex(ta_buf_text(&text), text.size, done->sha256);
    ta_counts_set(&done->counts, "samples", samples ? atoi(samples) : 10 * task.need_count);
    ta_counts_set(&done->counts, "files", task.need_count);
    ta_buf_release(&text);
    return err;
}

static bool fits(const struct ta_plan *plan, const struct ta_task *task, const struct ta_done *done)
{
    (void)plan;
    return ta_counts_get(&done->counts, "files") == task->need_count;
}

static double cost(const struct ta_plan *plan, const struct ta_task *task)
{
    (void)plan;
    (void)task;
    return 25;
}

static const struct ta_task_kind tally = {
    .name = "tally", .prefix = "tally", .suffix = "txt", .run = run, .fits = fits, .cost = cost};

const struct ta_task_kind *const ta_task_kinds[] = {&ta_task_video, &tally, NULL};
