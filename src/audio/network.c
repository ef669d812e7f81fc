#include "audio/network.h"

#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "audio/stages.h"
#include "base/env.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "infer/network_session.h"

const struct ta_sound_network_info ta_sound_denoisers[] = {
    {"deepfilternet3",
     &ta_sound_deepfilter,
     {"deepfilternet3-enc-conv-streaming", "deepfilternet3-enc-gru-streaming",
      "deepfilternet3-erb-dec-streaming", "deepfilternet3-df-dec-streaming"},
     true},
    {"gtcrn", &ta_sound_gtcrn, {"gtcrn"}, true},
    {"rnnoise-sh", &ta_sound_rnnoise, {"rnnoise-sh"}, false},
    {"rnnoise-bd", &ta_sound_rnnoise, {"rnnoise-bd"}, false},
    {"rnnoise-cb", &ta_sound_rnnoise, {"rnnoise-cb"}, false},
    {"rnnoise-lq", &ta_sound_rnnoise, {"rnnoise-lq"}, false},
    {"rnnoise-mp", &ta_sound_rnnoise, {"rnnoise-mp"}, false},
    {0},
};

const struct ta_sound_network_info ta_sound_extender = {
    "flashsr-lite", &ta_sound_flashsr, {"flashsr-lite"}, true};

void ta_sound_network_facts_release(struct ta_sound_network_facts *f)
{
    free(f->why);
    free(f->instead);
    free(f->engine);
    free(f->runtime);
    free(f->provider);
    for (int i = 0; i < TA_SOUND_NETWORKS; i++)
        free(f->model[i]);
    *f = (struct ta_sound_network_facts){0};
}

static void set_text(char **field, const char *text)
{
    free(*field);
    *field = text ? ta_xstrdup(text) : NULL;
}

void ta_sound_network_set(void *opts, const struct ta_sound_network_facts *f)
{
    struct ta_sound_network_opts *o = opts;
    for (int i = 0; i < TA_SOUND_NETWORKS && f->model[i]; i++) {
        set_text(&o->file[i], f->model[i]);
        set_text(&o->sum[i], f->sum[i]);
    }
    if (!f->engine)
        return;
    set_text(&o->engine, f->engine);
    set_text(&o->runtime, f->runtime);
    set_text(&o->provider, f->provider);
}

int ta_sound_network_check(const void *opts, int count, bool runtime, struct ta_buf *why)
{
    const struct ta_sound_network_opts *o = opts;
    bool known = !runtime || (o->engine && o->runtime && o->provider);
    for (int i = 0; i < count; i++)
        known &= o->file[i] && o->file[i][0] == '/' && o->sum[i] && strlen(o->sum[i]) == TA_SHA256_HEX - 1;
    if (known)
        return 0;
    ta_buf_puts(why, "takes networks by paths from the root, with their checksums and engine");
    return TA_ERR_INVALID;
}

void ta_sound_network_runtime(const void *opts, struct ta_buf *text)
{
    const struct ta_sound_network_opts *o = opts;
    if (o->engine)
        ta_buf_printf(text, "%s %s %s", o->engine, o->runtime ? o->runtime : "",
                      o->provider ? o->provider : "");
}

// ---- in use ----

static bool fits(const struct ta_tensor_shape *shape, const struct ta_sound_tensor *t)
{
    bool same = shape->element == TA_ELEMENT_FLOAT && (!shape->count || shape->count == t->count);
    for (int d = 0; d < shape->count && same; d++)
        same = shape->dim[d] < 0 || !t->dim[d] || shape->dim[d] == t->dim[d];
    return same;
}

// The places of all that the list names, and their sizes.
static int match(const struct ta_sound_stage *s, const char *what, const char *file,
                 const struct ta_tensor_shape *shapes, int count, const struct ta_sound_tensor *list,
                 struct ta_tensor *tensors, int *at)
{
    int named = 0;
    for (const struct ta_sound_tensor *t = list; t->name; t++, named++) {
        int i = count - 1;
        while (i >= 0 && strcmp(shapes[i].name, t->name) != 0)
            i--;
        if (i < 0 || !fits(&shapes[i], t)) {
            ta_error(s->log, "%s: %s: the network has no %s \"%s\" of the form that is wanted: it is another",
                     s->info->name, file, what, t->name);
            return TA_ERR_UNSUPPORTED;
        }
        at[named] = i;
        tensors[i].count = t->count;
        memcpy(tensors[i].dim, t->dim, sizeof t->dim);
    }
    if (named == count)
        return 0;
    ta_error(s->log, "%s: %s: the network has %d %ss, not %d: it is another", s->info->name, file, count,
             what, named);
    return TA_ERR_UNSUPPORTED;
}

int ta_sound_network_open(struct ta_sound_network *n, const struct ta_sound_stage *s, int which,
                          const struct ta_sound_tensor *in, const struct ta_sound_tensor *out)
{
    const struct ta_sound_network_opts *o = s->opts;
    const struct ta_network_plan plan = {o->engine,     o->runtime, o->provider, 1, o->file[which],
                                         o->sum[which], NULL,       NULL,        0};
    *n = (struct ta_sound_network){0};
    int err = ta_network_session_get(s->env, &plan, true, s->log, &n->session);
    if (err < 0)
        return err;
    n->network = ta_network_of(n->session);
    if (n->network->in_count > (int)TA_COUNT(n->in) || n->network->out_count > (int)TA_COUNT(n->out)) {
        ta_error(s->log, "%s: %s: the network has too many inputs and outputs: it is another", s->info->name,
                 o->file[which]);
        return TA_ERR_UNSUPPORTED;
    }
    err = match(s, "input", o->file[which], n->network->in, n->network->in_count, in, n->in, n->in_at);
    return err < 0 ? err
                   : match(s, "output", o->file[which], n->network->out, n->network->out_count, out, n->out,
                           n->out_at);
}

void ta_sound_network_close(struct ta_sound_network *n, const struct ta_sound_stage *s)
{
    if (n->session)
        ta_sessions_put(s->env->sessions, &n->session);
}

struct ta_tensor *ta_sound_network_in(struct ta_sound_network *n, int i)
{
    return &n->in[n->in_at[i]];
}

struct ta_tensor *ta_sound_network_out(struct ta_sound_network *n, int i)
{
    return &n->out[n->out_at[i]];
}

int ta_sound_network_run(struct ta_sound_network *n, struct ta_log *log)
{
    return n->network->engine->info->run(n->network, n->in, n->out, log);
}
