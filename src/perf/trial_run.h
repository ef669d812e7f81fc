// Running this program again for a trial, with a tuning file of its own.
#ifndef TA_PERF_TRIAL_RUN_H
#define TA_PERF_TRIAL_RUN_H

#include <sys/types.h>

#include "perf/patch.h"

struct ta_trial_took {
    double wall, cpu; // seconds; cpu of the program and those that it waited for
};

// Starts it with `args` (without its name; NULL-terminated): everything applied, but for the switch `without`
// (NULL: nothing). Standard output goes to DIR/output, messages to DIR/messages. The process, or TA_ERR_*
// after a message.
pid_t ta_trial_start(const struct ta_trial *t, const char *without, const char *const *args);
// The same, waited for. When it fails, TA_ERR_* after a message with the last thing that it said: its own
// where it was run with --json, else TA_ERR_INTERNAL. TA_ERR_CANCELED without a message when it was
// interrupted.
int ta_trial_program(const struct ta_trial *t, const char *without, const char *const *args,
                     struct ta_trial_took *took);
// The same with a tuning file of these words, kept in the trial's folder under this name.
int ta_trial_program_tuned(const struct ta_trial *t, const char *name, const char *tuning,
                           const char *const *args, struct ta_trial_took *took);
// A path in the trial's folder; to be freed.
char *ta_trial_path(const struct ta_trial *t, const char *name);
// A moving picture without sound, small or not, as .y4m in the trial's folder.
int ta_trial_make_film(const struct ta_trial *t, const char *name, int width, int height, int frames);

// The patches' trials (trials.c, trial_service.c).
int ta_trial_film_prepare(struct ta_trial *t);
int ta_trial_film(struct ta_trial *t, bool applied, struct ta_trial_run *out);
int ta_trial_networks_prepare(struct ta_trial *t);
int ta_trial_networks(struct ta_trial *t, bool applied, struct ta_trial_run *out);
int ta_trial_reports_prepare(struct ta_trial *t);
int ta_trial_reports(struct ta_trial *t, bool applied, struct ta_trial_run *out);
int ta_trial_texts(struct ta_trial *t, bool applied, struct ta_trial_run *out);
int ta_trial_readers(struct ta_trial *t, bool applied, struct ta_trial_run *out);
int ta_trial_pages_prepare(struct ta_trial *t);
int ta_trial_pages(struct ta_trial *t, bool applied, struct ta_trial_run *out);
void ta_trial_pages_finish(struct ta_trial *t);

#endif
