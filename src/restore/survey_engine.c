// What a survey knows of the engine, and of the network that a recipe wants: both are tried.
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/env.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "infer/runtimes.h"
#include "recipe/engine_places.h"
#include "recipe/model_look.h"
#include "recipe/models.h"
#include "restore/survey.h"
#include "video/deinterlace_neural.h"
#include "video/scale_neural.h"

enum { MAX_THREADS = 16 };

// The device by the user's word: "auto", a kind, or a provider's name. -1: there is none.
static int choose_device(const struct ta_engine *e, const char *wanted)
{
    bool any = !strcmp(wanted, "auto");
    for (int i = any ? 1 : 0; i < e->device_count; i++)
        if (any || !strcmp(wanted, ta_device_kind_name(e->devices[i].kind)) ||
            !strcmp(wanted, e->devices[i].provider))
            return i;
    return any && e->device_count ? 0 : -1;
}

static int look_at_engine(struct ta_neural_facts *f, const struct ta_run_opts *run, const struct ta_env *env,
                          struct ta_log *log)
{
    struct ta_engine *e = NULL;
    const char *name = !strcmp(run->engine, "auto") ? ta_engine_onnx.name : run->engine;
    if (!env->runtimes || !env->sessions) {
        ta_error(log, "there is no engine here");
        return TA_ERR_UNSUPPORTED;
    }
    f->threads = TA_MIN(MAX_THREADS, ta_cpu_count());
    int err = ta_runtimes_get(env->runtimes, name, f->threads, log, &e);
    if (err < 0)
        return err;
    if (!e->info->load) {
        ta_error(log, "%s runs no networks: --engine onnx does", name);
        return TA_ERR_UNSUPPORTED;
    }
    int device = choose_device(e, run->device);
    if (device < 0) {
        ta_error(log, "%s has no device \"%s\"; \"terminalai engines\" lists what it has", name, run->device);
        return TA_ERR_NOT_FOUND;
    }
    f->engine = ta_xstrdup(name);
    f->runtime = ta_xstrdup(e->version);
    f->provider = ta_xstrdup(e->devices[device].provider);
    f->on_device = device > 0;
    return 0;
}

// What comes from anywhere is run in a process of its own before this one loads it.
static int look_at_network(struct ta_survey *s, const char *named, const struct ta_env *env,
                           struct ta_log *log)
{
    struct ta_neural_facts *f = &s->neural;
    if (!strcmp(f->engine, ta_engine_onnx.name))
        return ta_model_look(&f->use, NULL, f->model, f->sum, named, s->cache, log);
    const struct ta_network_plan m = {f->engine, f->runtime, f->provider, f->threads, f->model,
                                      f->sum,    NULL,       NULL,        0};
    const struct ta_session *session = NULL;
    int err = ta_network_session_get(env, &m, false, log, &session);
    if (err >= 0)
        err = ta_network_find_use(ta_network_of(session), &f->use, log);
    if (session)
        ta_sessions_put(env->sessions, &session);
    return err;
}

// What was found of the file that is named; NULL: none is.
static const struct ta_named_file *named_model(const struct ta_survey *s, struct ta_options *options)
{
    const char *value = "";
    if (ta_options_get(options, "scale-model", &value, NULL) < 0)
        return NULL;
    for (int i = 0; *value && i < s->named_count; i++)
        if (s->named[i].stage == &ta_stage_scale_neural && !strcmp(s->named[i].value, value))
            return &s->named[i];
    return NULL;
}

// The other set of weights, where a share of it is asked for.
static int find_pair(struct ta_neural_facts *f, struct ta_options *options, const struct ta_model *listed,
                     struct ta_log *log)
{
    const char *share = "";
    if (ta_options_get(options, "scale-blend", &share, NULL) < 0 || strtod(share, NULL) <= 0)
        return 0;
    if (!listed || !listed->pair) {
        ta_error(log, "--scale-blend needs a network that has a pair in a manifest; \"%s\" has none",
                 listed ? listed->name : f->model);
        return TA_ERR_USAGE;
    }
    struct ta_model_found found;
    int err = ta_models_find(&found, listed->pair, log);
    if (err >= 0) {
        f->pair = ta_xstrdup(found.path);
        memcpy(f->pair_sum, found.sha256, sizeof f->pair_sum);
    }
    ta_model_found_release(&found);
    return err;
}

static int look(struct ta_survey *s, struct ta_options *options, const struct ta_env *env, struct ta_log *log)
{
    struct ta_neural_facts *f = &s->neural;
    const struct ta_named_file *file = named_model(s, options);
    struct ta_run_opts run;
    bool byte = false;
    const char *scale = "";
    if (!file && ta_options_slot(options, "scale", &scale) >= 0 && !strcmp(scale, "auto")) {
        struct ta_model_found usual;
        int found = ta_models_find(&usual, TA_UPSCALE_NETWORK, log);
        if (found >= 0) {
            f->model = ta_xstrdup(usual.path);
            memcpy(f->sum, usual.sha256, sizeof f->sum);
        }
        ta_model_found_release(&usual);
        if (found < 0)
            return found;
    } else if (!file) {
        ta_error(log,
                 "no network is named: --scale-model takes a name of \"terminalai models list\" or a file");
        return TA_ERR_USAGE;
    }
    if (file && file->err < 0) {
        ta_error(log, "%s", file->why);
        return file->err;
    }
    if (file) {
        f->model = ta_xstrdup(file->path);
        memcpy(f->sum, file->sum, sizeof f->sum);
    }
    int err = ta_options_run(options, &run, log);
    if (err < 0)
        return err;
    struct ta_models known = {0};
    if (ta_models_load(&known, NULL) >= 0) {
        const struct ta_model *listed = ta_models_with_sum(&known, f->sum);
        byte = listed && listed->range == TA_MODEL_BYTE;
        if (listed && listed->purpose != TA_MODEL_UPSCALE) {
            ta_error(log, "the network \"%s\" does not enlarge pictures: its purpose is %s", listed->name,
                     ta_model_purpose_name(listed->purpose));
            err = TA_ERR_USAGE;
        }
        if (err >= 0)
            err = find_pair(f, options, listed, log);
    }
    f->white = byte ? 255 : 1;
    if (err >= 0)
        err = look_at_engine(f, &run, env, log);
    if (err >= 0)
        err = look_at_network(s, ta_engine_named(run.engine_library), env, log);
    const struct ta_model *entry = ta_models_with_sum(&known, f->sum);
    if (err >= 0 && !strcmp(f->engine, ta_engine_onnx.name))
        err = ta_network_use_check(&f->use, entry, log);
    if (err >= 0 && !entry && f->use.white)
        f->white = f->use.white;
    ta_models_release(&known);
    ta_opt_release(ta_run_options, &run);
    return err;
}

// A manifest says what its numbers mean: shapes alone do not.
static int look_at_fields(struct ta_neural_facts *f, struct ta_options *options, const struct ta_env *env,
                          struct ta_log *log)
{
    const char *value = "";
    struct ta_run_opts run;
    struct ta_model_found found;
    ta_options_get(options, "deinterlace-model", &value, NULL);
    int err = ta_options_run(options, &run, log);
    if (err < 0)
        return err;
    err = ta_models_find(&found, *value ? value : TA_DEINTERLACE_NETWORK, log);
    if (err >= 0 && (!found.listed || found.model.purpose != TA_MODEL_DEINTERLACE ||
                     found.model.colour != TA_MODEL_RGB)) {
        ta_error(
            log,
            "\"%s\" is no network of purpose deinterlace, for colour, in a manifest: models.yaml can say "
            "what it takes",
            value);
        err = TA_ERR_USAGE;
    }
    if (err >= 0) {
        f->white = found.model.range == TA_MODEL_BYTE ? 255 : 1;
        f->model = ta_xstrdup(found.path);
        memcpy(f->sum, found.sha256, sizeof f->sum);
        err = look_at_engine(f, &run, env, log);
    }
    ta_model_found_release(&found);
    ta_opt_release(ta_run_options, &run);
    return err;
}

void ta_survey_look_at_fields(struct ta_survey *s, struct ta_options *options, const struct ta_env *env)
{
    struct ta_buf why = {0};
    struct ta_log *log = NULL;
    ta_neural_facts_release(&s->fields);
    int err = ta_log_keep_first(&log, &why);
    if (err >= 0)
        err = look_at_fields(&s->fields, options, env, log);
    s->fields.err = err < 0 ? err : 0;
    if (err < 0)
        s->fields.why = ta_xstrdup(why.size ? ta_buf_text(&why) : ta_error_text(err));
    ta_log_destroy(&log);
    ta_buf_release(&why);
}

void ta_survey_look_at_rtx(struct ta_survey *s, const struct ta_env *env)
{
    struct ta_engine *e = NULL;
    free(s->nvvfx);
    s->nvvfx = NULL;
    if (env->runtimes && ta_runtimes_get(env->runtimes, ta_engine_nvvfx.name, 1, NULL, &e) >= 0)
        s->nvvfx = ta_xstrdup(e->version);
}

void ta_survey_look_at_engine(struct ta_survey *s, struct ta_options *options, const struct ta_env *env)
{
    struct ta_buf why = {0};
    struct ta_log *log = NULL;
    struct ta_env own = *env;
    ta_neural_facts_release(&s->neural);
    int err = ta_log_keep_first(&log, &why);
    own.log = log;
    if (err >= 0)
        err = look(s, options, &own, log);
    s->neural.err = err < 0 ? err : 0;
    if (err < 0)
        s->neural.why = ta_xstrdup(why.size ? ta_buf_text(&why) : ta_error_text(err));
    ta_log_destroy(&log);
    ta_buf_release(&why);
}
