#include "perf/tune.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <terminalai/terminalai.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/opt.h"
#include "base/tree.h"
#include "simulate/scene.h"

static const int sizes[] = {1, 2, 4, 8, 16, 32};
enum { SIZES = TA_COUNT(sizes) };
static const double NEAR = 0.97;

struct tune {
    const struct ta_tune_config *config;
    struct ta_log *log;
    char *tape, *out;
    char *device; // as the plan names what computes
};

// The first text under this name, wherever in the plan.
static const char *text_in(const json_t *tree, const char *name)
{
    const char *key, *found = NULL;
    json_t *value;
    size_t i;
    if (json_is_object(tree)) {
        found = json_string_value(json_object_get(tree, name));
        json_object_foreach((json_t *)tree, key, value) found = found && *found ? found
                                                                                : text_in(value, name);
    } else if (json_is_array(tree)) {
        json_array_foreach(tree, i, value) found = found && *found ? found : text_in(value, name);
    }
    return found;
}

static int set(struct ta_options *options, const char *name, const char *value)
{
    return value ? ta_options_set(options, TA_LAYER_CALLER, name, value, "tune") : 0;
}

static int settings(const struct tune *t, struct ta_options *options, int batch)
{
    const struct ta_tune_config *c = t->config;
    char *text = ta_xprintf("%d", batch);
    const char *const pairs[][2] = {
        {"preset", "clean"},
        {"deinterlace", "bwdif"},
        {"scale", "neural"},
        {"resolution", "1440x960"},
        {"encoder", "raw"},
        {"overwrite", "on"},
        {"jobs", "1"},
        {"batch", text},
        {"scale-model", c->network},
        {"engine", c->engine},
        {"engine-library", c->library},
    };
    int err = 0;
    for (size_t i = 0; i < TA_COUNT(pairs) && err >= 0; i++)
        err = set(options, pairs[i][0], pairs[i][1]);
    free(text);
    return err;
}

static bool is_canceled(void *priv)
{
    const struct tune *t = priv;
    return t->config->canceled && t->config->canceled();
}

// Frames a second with this batch.
static int try(struct tune *t, struct ta_env *env, int batch, double *rate)
{
    struct ta_options *options = NULL;
    struct ta_plan *plan = NULL;
    struct ta_restore_result result = {0};
    const struct ta_callbacks callbacks = {.env = env, .canceled = is_canceled, .priv = t};
    int err = ta_options_create(&options, t->log);
    if (err >= 0)
        err = settings(t, options, batch);
    if (err >= 0)
        err = ta_env_use_options(env, options, t->log);
    if (err >= 0)
        err = ta_plan_create(&plan, t->tape, t->out, options, &callbacks, t->log);
    if (err >= 0 && !t->device) {
        json_t *tree = json_loads(ta_plan_json(plan), 0, NULL);
        const char *name = text_in(tree, "provider");
        t->device = name && *name ? ta_xstrdup(name) : NULL;
        json_decref(tree);
    }
    if (err >= 0)
        err = ta_restore(plan, options, &callbacks, &result, t->log);
    ta_plan_destroy(&plan);
    ta_options_destroy(&options);
    *rate = err >= 0 && result.wall_seconds > 0 ? (double)result.frames / result.wall_seconds : 0;
    return err < 0 ? err : 0;
}

static json_t *judge(const struct tune *t, const double *rates)
{
    json_t *tries = json_array();
    double most = 0;
    int best = sizes[0];
    for (int i = 0; i < SIZES; i++)
        most = TA_MAX(most, rates[i]);
    for (int i = SIZES - 1; i >= 0; i--)
        best = rates[i] >= NEAR * most ? sizes[i] : best;
    for (int i = 0; i < SIZES; i++)
        json_array_append_new(tries, json_pack("{s:i, s:f}", "batch", sizes[i], "frames_a_second", rates[i]));
    return json_pack("{s:s, s:o, s:i}", "device", t->device, "tries", tries, "best", best);
}

int ta_tune_batch(const struct ta_tune_config *config, json_t **out, struct ta_log *log)
{
    struct tune t = {.config = config,
                     .log = log,
                     .tape = ta_xprintf("%s/tape.avi", config->folder),
                     .out = ta_xprintf("%s/out.y4m", config->folder)};
    struct ta_env *env = NULL;
    struct ta_scene_opts scene = {0};
    double rates[SIZES] = {0};
    *out = NULL;
    ta_opt_defaults(ta_scene_options, &scene);
    scene.frames = config->frames;
    int err = ta_scene_write_tape(&scene, t.tape, log);
    if (err >= 0)
        err = ta_env_create(&env, NULL, log);
    for (int round = 0; round < config->rounds && err >= 0; round++)
        for (int i = 0; i < SIZES && err >= 0; i++) {
            double rate;
            err = try(&t, env, sizes[i], &rate);
            rates[i] = TA_MAX(rates[i], rate);
        }
    if (err >= 0 && !t.device) {
        ta_error(log, "the plan names no device: nothing to tune");
        err = TA_ERR_UNSUPPORTED;
    }
    if (err >= 0)
        *out = judge(&t, rates);
    ta_opt_release(ta_scene_options, &scene);
    ta_env_destroy(&env);
    unlink(t.out);
    free(t.tape);
    free(t.out);
    free(t.device);
    return err < 0 ? err : 0;
}
