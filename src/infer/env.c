#include <stdlib.h>

#include <terminalai/env.h>

#include "base/env.h"
#include "base/mem.h"
#include "base/thread.h"
#include "base/tuning.h"
#include "infer/sessions.h"

// What is handed out is the first member; the rest is what it points at.
struct owner {
    struct ta_env env;
    struct ta_tuning tuning;
};

// Networks that nobody uses may fill a quarter of the machine.
enum { IDLE_SHARE = 4 };

int ta_env_create(struct ta_env **out, const char *tuning, struct ta_log *log)
{
    struct owner *o = ta_xcalloc(1, sizeof *o);
    if (tuning)
        ta_tuning_load(&o->tuning, tuning, log);
    else
        ta_tuning_defaults(&o->tuning);
    o->env.tuning = &o->tuning;
    o->env.log = log;
    size_t idle = o->tuning.audio_model_preload ? (size_t)(ta_machine_memory_bytes() / IDLE_SHARE) : 0;
    int err = ta_sessions_create(&o->env.sessions, idle);
    if (err >= 0)
        err = ta_pool_create(&o->env.pool, ta_cpu_count());
    *out = &o->env;
    if (err < 0)
        ta_env_destroy(out);
    return err;
}

void ta_env_destroy(struct ta_env **env)
{
    if (!*env)
        return;
    ta_pool_destroy(&(*env)->pool);
    ta_sessions_destroy(&(*env)->sessions);
    free((struct owner *)*env);
    *env = NULL;
}
