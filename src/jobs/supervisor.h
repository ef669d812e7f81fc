// Keeps workers: gives each the job whose turn it is, hears how far it is, replaces what crashes or hangs.
//
// It runs on the thread that calls ta_supervisor_run(), which must be the one that lives as long as the
// process: workers end with the thread that made them (PR_SET_PDEATHSIG).
#ifndef TA_JOBS_SUPERVISOR_H
#define TA_JOBS_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

#include "jobs/box_job.h"
#include "jobs/jobs.h"
#include "jobs/limits.h"

struct ta_alerts;
struct ta_log;
struct ta_supervisor;

struct ta_supervisor_config {
    int workers;                    // that work at once at first, 1..
    char *const *command;           // what a worker is: argv, NULL-terminated; its socket is TA_WORKER_FD
    int nice;                       // added to the workers' niceness, 0..19
    struct ta_limits_config limits; // of each
    int silence_ms;                 // a worker at work that says nothing for so long is hung
    int stall_ms;                   // so is one that does nothing (jobs/standstill.h) for so long; 0: never
    int stop_ms;                    // how long a worker may take to stop its job before it is killed
    int backoff_ms;                 // before the second attempt; doubled for each further one, with jitter
    int attempts;                   // that may crash before the job has failed
    int idle_ms;                    // a worker without a job ends after so long
    bool ready;  // as many as work at once start with the service, for any job within the roots
    int beat_ms; // `beat` is called at least so often while all goes well; 0: never
    void (*beat)(void *priv);
    void *priv;
    struct ta_alerts *alerts; // hears of runs and of how fast the queue is; NULL: nobody does
    const char *downloads;    // the folder for films of addresses, one below it for each job
    bool private_downloads;   // also from machines that are not public
    const char *records;      // the file that gets a record of each run; NULL: none is kept
    bool open;                // workers may do what this process may: for those that only stand in
    struct ta_box_rules rules;
};
// The values of the program for this machine; command is the caller's.
struct ta_supervisor_config ta_supervisor_defaults(void);

// 0 or TA_ERR_*. `config` is copied, but for the command.
int ta_supervisor_create(struct ta_supervisor **out, struct ta_jobs *jobs,
                         const struct ta_supervisor_config *config, struct ta_log *log);
void ta_supervisor_destroy(struct ta_supervisor **s); // after run() has returned
// Until ta_supervisor_stop(). 0 or TA_ERR_*.
int ta_supervisor_run(struct ta_supervisor *s);
// Any thread, and signal handlers. `drain`: what runs is finished and nothing is begun; else jobs are
// stopped, their work kept and queued again. A second call that does not drain does not wait for jobs any
// more.
void ta_supervisor_stop(struct ta_supervisor *s, bool drain);

// Is it stopping, or draining? Any thread.
bool ta_supervisor_is_stopping(struct ta_supervisor *s);
// Are limits kept by control groups? Any thread.
bool ta_supervisor_has_groups(const struct ta_supervisor *s);
// How many workers there are, and how many are at work. Any thread.
void ta_supervisor_counts(struct ta_supervisor *s, int *workers, int *busy);
// How many may work at once, and how many that may be at most here: those of the configuration, or one for
// each core. Any thread.
void ta_supervisor_limits(struct ta_supervisor *s, int *at_once, int *most);
// From now on until it ends: `at_once` in 1..most. Those at work beyond it go on to the end of their jobs.
// Any thread.
void ta_supervisor_set_at_once(struct ta_supervisor *s, int at_once);

#endif
