#include "restore/sound_networks.h"

#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/env.h"
#include "base/log.h"
#include "base/mem.h"
#include "infer/network_session.h"
#include "infer/runtimes.h"
#include "recipe/models.h"

void ta_sound_networks_release(struct ta_sound_networks *n)
{
    ta_sound_network_facts_release(&n->denoiser);
    ta_sound_network_facts_release(&n->extender);
}

void ta_sound_networks_tell(const struct ta_sound_networks *n, struct ta_plan_facts *facts)
{
    facts->denoiser = n->wants_denoiser ? &n->denoiser : NULL;
    facts->extender = n->wants_extender ? &n->extender : NULL;
}

static int find_files(struct ta_sound_network_facts *f, const struct ta_sound_network_info *info,
                      struct ta_log *log)
{
    int err = 0;
    for (int i = 0; i < TA_SOUND_NETWORKS && info->models[i] && err >= 0; i++) {
        struct ta_model_found found;
        err = ta_models_find(&found, info->models[i], log);
        if (err >= 0 && found.listed && found.model.purpose != TA_MODEL_SOUND) {
            ta_error(log, "the network \"%s\" is not for sound: its purpose is %s", info->models[i],
                     ta_model_purpose_name(found.model.purpose));
            err = TA_ERR_USAGE;
        }
        if (err >= 0) {
            f->model[i] = ta_xstrdup(found.path);
            memcpy(f->sum[i], found.sha256, sizeof f->sum[i]);
        }
        ta_model_found_release(&found);
    }
    return err;
}

static int find_engine(struct ta_sound_network_facts *f, const char *name, const struct ta_env *env,
                       struct ta_log *log)
{
    struct ta_engine *e = NULL;
    if (!env->runtimes || !env->sessions) {
        ta_error(log, "there is no engine here");
        return TA_ERR_UNSUPPORTED;
    }
    int err = ta_runtimes_get(env->runtimes, name, 1, log, &e);
    if (err < 0)
        return err;
    if (!e->info->load || !e->device_count) {
        ta_error(log, "%s runs no networks: --engine onnx does", name);
        return TA_ERR_UNSUPPORTED;
    }
    f->engine = ta_xstrdup(name);
    f->runtime = ta_xstrdup(e->version);
    f->provider = ta_xstrdup(e->devices[0].provider);
    return 0;
}

// One network: found, or why it is not.
static void look_at(struct ta_sound_network_facts *f, const struct ta_sound_network_info *info,
                    const char *engine, const struct ta_env *env)
{
    struct ta_buf why = {0};
    struct ta_log *log = NULL;
    *f = (struct ta_sound_network_facts){.info = info};
    int err = ta_log_keep_first(&log, &why);
    if (err >= 0)
        err = find_files(f, info, log);
    if (err >= 0 && info->runtime)
        err = find_engine(f, engine, env, log);
    f->err = err < 0 ? err : 0;
    if (err < 0)
        f->why = ta_xprintf("%s: %s", info->name, why.size ? ta_buf_text(&why) : ta_error_text(err));
    ta_log_destroy(&log);
    ta_buf_release(&why);
}

// The first that is here. What is said of none is said of the first, and how to get the easiest.
static void look_for_any(struct ta_sound_network_facts *f, const char *engine, const struct ta_env *env)
{
    struct ta_sound_network_facts best = {0};
    for (const struct ta_sound_network_info *i = ta_sound_denoisers; i->name; i++) {
        look_at(f, i, engine, env);
        if (f->err >= 0) {
            f->instead = best.why ? ta_xstrdup(best.why) : NULL;
            ta_sound_network_facts_release(&best);
            return;
        }
        if (!best.why) {
            best = *f;
            *f = (struct ta_sound_network_facts){0};
        } else {
            ta_sound_network_facts_release(f);
        }
    }
    *f = (struct ta_sound_network_facts){
        .info = best.info,
        .err = best.err,
        .why = ta_xprintf(
            "no network for sound is ready (%s): \"terminalai models fetch rnnoise-sh\" gets a "
            "small one that needs nothing else, \"terminalai models fetch gtcrn\" and \"pip install "
            "onnxruntime\" a better one",
            best.why)};
    ta_sound_network_facts_release(&best);
}

// Looks for what is wanted, by the options of sound and of running.
static int look(struct ta_sound_networks *n, const struct ta_sound_recipe *sound, struct ta_options *options,
                const struct ta_env *env, struct ta_log *log)
{
    struct ta_run_opts run;
    int err = ta_options_run(options, &run, log);
    if (err < 0)
        return err;
    const char *engine = !strcmp(run.engine, "auto") ? ta_engine_onnx.name : run.engine;
    if (n->wants_denoiser && sound->model)
        look_at(&n->denoiser, &ta_sound_denoisers[sound->model - 1], engine, env);
    else if (n->wants_denoiser)
        look_for_any(&n->denoiser, engine, env);
    if (n->wants_extender)
        look_at(&n->extender, &ta_sound_extender, engine, env);
    ta_opt_release(ta_run_options, &run);
    return 0;
}

int ta_sound_networks_look(struct ta_sound_networks *n, struct ta_options *options, const struct ta_env *env,
                           struct ta_log *log)
{
    struct ta_sound_recipe sound;
    *n = (struct ta_sound_networks){0};
    int err = ta_options_sound(options, &sound, log);
    if (err < 0)
        return err;
    n->wants_denoiser = sound.enhance == TA_ENHANCE_NEURAL;
    n->wants_extender = sound.extend != TA_EXTEND_OFF;
    return n->wants_denoiser || n->wants_extender ? look(n, &sound, options, env, log) : 0;
}

// Into the cache, which keeps it.
static int load(const struct ta_sound_network_facts *f, const struct ta_env *env, struct ta_log *log)
{
    int err = f->err, count = 0;
    for (; count < TA_SOUND_NETWORKS && f->model[count] && f->engine && err >= 0; count++) {
        const struct ta_network_plan plan = {f->engine,     f->runtime, f->provider, 1, f->model[count],
                                             f->sum[count], NULL,       NULL,        0};
        const struct ta_session *session = NULL;
        err = ta_network_session_get(env, &plan, true, log, &session);
        if (session)
            ta_sessions_put(env->sessions, &session);
    }
    if (err >= 0)
        ta_verbose(log, "%s is loaded", f->info->name);
    return err;
}

void ta_sound_networks_preload(struct ta_options *options, const struct ta_env *env, struct ta_log *log)
{
    struct ta_sound_recipe sound;
    struct ta_sound_networks n = {.wants_denoiser = true, .wants_extender = true};
    if (ta_options_sound(options, &sound, log) < 0 || look(&n, &sound, options, env, log) < 0)
        return;
    if (n.denoiser.err < 0)
        ta_warn(log, "%s", n.denoiser.why);
    else
        load(&n.denoiser, env, log);
    // Few want it: that it is missing is nothing to warn of.
    if (n.extender.err >= 0)
        load(&n.extender, env, log);
    ta_sound_networks_release(&n);
}
