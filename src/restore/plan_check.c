#include "restore/plan_check.h"

#include <terminalai/error.h>

#include "base/env.h"
#include "base/log.h"
#include "media/encode/encoder.h"
#include "media/picture/graph.h"
#include "video/chain.h"

static int check_filters(const struct ta_plan *p, struct ta_log *log)
{
    for (int i = 0; i < p->stage_count; i++)
        for (const char *const *f = p->stages[i].info->filters; f && *f; f++)
            if (!ta_graph_has_filter(*f)) {
                ta_error(log, "%s needs libavfilter's %s, which is missing here", p->stages[i].info->name,
                         *f);
                return TA_ERR_UNSUPPORTED;
            }
    return 0;
}

int ta_plan_check(const struct ta_plan *p, const struct ta_env *env)
{
    struct ta_env with = env ? *env : (struct ta_env){0};
    struct ta_log *own = ta_log_child(with.log, "plan");
    ta_log_set_about(own, p->input);
    with.log = own;
    struct ta_encoder *encoder = NULL;
    int err = check_filters(p, own);
    if (err >= 0)
        err = ta_chain_check(p->stages, p->stage_count, &with);
    if (err >= 0)
        err = ta_encoder_open(&encoder, &p->encoder, &p->out_format, own);
    ta_encoder_close(&encoder);
    ta_log_destroy(&own);
    return err < 0 ? err : 0;
}
