#include <stdlib.h>

#include <terminalai/env.h>

#include "audio/text.h"
#include "base/env.h"
#include "base/ledger.h"
#include "base/mem.h"
#include "base/thread.h"
#include "base/tuning.h"
#include "infer/runtimes.h"
#include "infer/sessions.h"
#include "recipe/engine_places.h"
#include "recipe/options.h"

// What is handed out is the first member; the rest is what it points at.
struct owner {
    struct ta_env env;
    struct ta_tuning tuning;
};

// Networks that nobody uses may fill a quarter of the machine.
enum { IDLE_SHARE = 4 };
// What they compute with, weights among it, may take half, as segments do that run at once.
enum { ENGINE_SHARE = 2 };

static void limit_memory(struct ta_runtimes *runtimes, int64_t wanted)
{
    int64_t bytes = wanted > 0 ? wanted : ta_machine_memory_bytes() / ENGINE_SHARE;
    ta_runtimes_limit_memory(runtimes, (size_t)bytes);
}

int ta_env_create(struct ta_env **out, const char *tuning, struct ta_log *log)
{
    struct owner *o = ta_xcalloc(1, sizeof *o);
    ta_tuning_load(&o->tuning, tuning, log);
    o->env.tuning = &o->tuning;
    o->env.log = log;
    size_t idle = o->tuning.audio_model_preload ? (size_t)(ta_machine_memory_bytes() / IDLE_SHARE) : 0;
    int err = ta_sessions_create(&o->env.sessions, idle);
    ta_sound_texts_create(&o->env.texts);
    if (err >= 0)
        err = ta_ledger_create(&o->env.ledger);
    ta_runtimes_create(&o->env.runtimes, ta_engine_open);
    ta_runtimes_name_library(o->env.runtimes, ta_engine_named(NULL));
    limit_memory(o->env.runtimes, 0);
    if (err >= 0)
        err = ta_pool_create(&o->env.pool, ta_tuning_threads(&o->tuning, "cpu", ta_cpu_count()));
    *out = &o->env;
    if (err < 0)
        ta_env_destroy(out);
    return err;
}

int ta_env_use_options(struct ta_env *env, struct ta_options *options, struct ta_log *log)
{
    struct ta_run_opts run;
    int err = ta_options_run(options, &run, log);
    if (err < 0)
        return err;
    ta_runtimes_name_library(env->runtimes, ta_engine_named(run.engine_library));
    limit_memory(env->runtimes, run.memory);
    env->batch = (int)run.batch;
    env->engine_fallback = run.engine_fallback;
    ta_opt_release(ta_run_options, &run);
    return 0;
}

void ta_env_destroy(struct ta_env **env)
{
    if (!*env)
        return;
    ta_pool_destroy(&(*env)->pool);
    ta_sessions_destroy(&(*env)->sessions);
    ta_sound_texts_destroy(&(*env)->texts);
    ta_runtimes_destroy(&(*env)->runtimes);
    ta_ledger_destroy(&(*env)->ledger);
    free((struct owner *)*env);
    *env = NULL;
}
