#include "jobs/left.h"

#include <string.h>

#include <jansson.h>

#include "base/tree.h"
#include "jobs/job.h"
#include "jobs/store.h"

static const char reading[] = "it can't be read who works on a file", writing[] = "it can't be written";

struct search {
    const char *place; // the folder for work that is asked for; "": beside the output
    bool found;
};

static void note_row(void *priv, const struct ta_row *row)
{
    (void)row;
    ((struct search *)priv)->found = true;
}

static void note_same_place(void *priv, const struct ta_row *row)
{
    struct search *s = priv;
    json_t *options = ta_job_object(ta_row_text(row, 0));
    s->found = s->found || !strcmp(ta_json_member_text(options, "work-dir"), s->place);
    json_decref(options);
}

// Has a worker ever had it, or an earlier job whose work it was to go on with?
static int was_begun(struct ta_store *store, const struct ta_job *job, struct search *s)
{
    int err = ta_store_each(store, reading,
                            "SELECT 1 FROM changes WHERE job=?1 AND state='planning' UNION ALL"
                            " SELECT 1 FROM left_work WHERE output=?2 AND place=?3 LIMIT 1",
                            note_row, s, "iss", job->id, job->output, s->place);
    return err;
}

int ta_left_on_remove(struct ta_store *store, const struct ta_job *job, bool *alone)
{
    json_t *options = ta_job_object(job->options);
    const char *place = ta_json_member_text(options, "work-dir");
    struct search begun = {.place = place}, other = {.place = place};
    int err = was_begun(store, job, &begun);
    if (err >= 0 && begun.found)
        err = ta_store_each(store, reading,
                            "SELECT options FROM jobs WHERE output=?1 AND id!=?2 AND state!='done'",
                            note_same_place, &other, "si", job->output, job->id);
    if (err >= 0 && begun.found)
        err = ta_store_do(store, writing,
                          other.found ? "INSERT OR IGNORE INTO left_work(output, place) VALUES(?1,?2)"
                                      : "DELETE FROM left_work WHERE output=?1 AND place=?2",
                          "ss", job->output, place);
    *alone = err >= 0 && begun.found && !other.found;
    json_decref(options);
    return err;
}

int ta_left_on_done(struct ta_store *store, const struct ta_job *job)
{
    return ta_store_do(store, writing, "DELETE FROM left_work WHERE output=?1", "s", job->output);
}
