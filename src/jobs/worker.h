// A worker: a process of its own that restores one job after the other for a service, so that a crash, a leak
// or a hostile file costs one attempt of one job.
#ifndef TA_JOBS_WORKER_H
#define TA_JOBS_WORKER_H

struct ta_env;

// The socket to the service, by number, in the worker.
enum { TA_WORKER_FD = 3 };

// Serves until the service hangs up. `env` keeps what is loaded from job to job; `config` is the file with
// options of all jobs (NULL: the user's own). 0 or TA_ERR_*.
int ta_worker_run(int fd, struct ta_env *env, const char *config);

#endif
