// A network at work in a stage: loaded, with what pictures pass through, and what is done when a device
// fails.
#include <terminalai/error.h>

#include "base/env.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tuning.h"
#include "video/neural.h"

// A device has failed, or lacks memory: the CPU goes on if it may.
static bool recover(void *priv, int err)
{
    struct ta_neural_work *w = priv;
    const struct ta_stage *s = w->stage;
    if (err == TA_ERR_DEVICE && !w->on_cpu)
        ta_network_session_lost(w->session);
    if (!w->network->on_device || w->on_cpu || !s->env->engine_fallback ||
        (err != TA_ERR_DEVICE && err != TA_ERR_NOMEM))
        return false;
    if (ta_network_session_get(s->env, &w->plan, true, s->log, &w->on_cpu) < 0)
        return false;
    ta_warn(s->log, "%s: %s goes on with the CPU, because %s: pictures may differ a little from here on",
            s->info->name, w->network->engine, ta_error_text(err));
    ta_picture_run_use_network(w->run, ta_network_of(w->on_cpu));
    return true;
}

static int start_flow(struct ta_neural_work *w, const struct ta_neural_work_params *p)
{
    const struct ta_stage *s = w->stage;
    struct ta_network *network = ta_network_of(w->session);
    bool batching = !s->env->tuning || s->env->tuning->engine_batching;
    struct ta_picture_run_params run = p->run;
    run.network = network;
    run.one_a_call = network->in[0].dim[0] == 1;
    run.batch = batching ? run.batch : 1;
    int err = ta_picture_run_create(&w->run, &run, s->log);
    if (err < 0)
        return err;
    const struct ta_neural_flow_params flow = {
        .pictures = w->pictures,
        .run = w->run,
        .network = network,
        .in_numbers = p->in_numbers,
        .out_numbers = p->out_numbers,
        .batch = run.batch,
        .overlap = batching,
        .drain = p->drain,
        .recover = recover,
        .priv = w,
        .cancel = s->env->cancel,
        .log = s->log,
    };
    return ta_neural_flow_create(&w->flow, &flow);
}

int ta_neural_work_start(struct ta_neural_work *w, struct ta_stage *s, const struct ta_neural_work_params *p)
{
    const struct ta_neural_network_opts *n = p->network;
    struct ta_buf why = {0};
    w->stage = s;
    w->network = n;
    w->plan = (struct ta_network_plan){n->engine, n->runtime, n->provider, (int)n->threads, n->file,
                                       n->sum,    p->pair,    p->pair_sum, p->share};
    int err = ta_network_session_get(s->env, &w->plan, false, s->log, &w->session);
    if (err < 0)
        return err;
    err = ta_neural_pictures_create(&w->pictures, &s->in, &s->out, p->planes, (int)n->white, s->env->pool,
                                    &why);
    if (err < 0)
        ta_error(s->log, "%s: %s", s->info->name, ta_buf_text(&why));
    ta_buf_release(&why);
    return err < 0 ? err : start_flow(w, p);
}

void ta_neural_work_end(struct ta_neural_work *w, int64_t planned)
{
    ta_neural_flow_stop(w->flow); // after an error it may still compute, and count
    if (w->flow && w->run)
        ta_neural_flow_tell(w->stage, w->flow, w->run, planned);
    ta_neural_flow_destroy(&w->flow);
    ta_picture_run_destroy(&w->run);
    ta_neural_pictures_destroy(&w->pictures);
    if (w->session)
        ta_sessions_put(w->stage->env->sessions, &w->session);
    if (w->on_cpu)
        ta_sessions_put(w->stage->env->sessions, &w->on_cpu);
}
