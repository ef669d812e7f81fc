// The list of stages and the slots they fill. A new stage is one line in `ta_stages`, and one in the choices
// of its slot if a recipe may name it.
#include "video/stage.h"

#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "video/stages.h"

const struct ta_stage_info *const ta_stages[] = {
    &ta_stage_planar,
    &ta_stage_bwdif,
    &ta_stage_yadif,
    &ta_stage_hqdn3d,
    &ta_stage_zscale,
    &ta_stage_depth,
    NULL,
};

static const struct ta_choice deinterlace_choices[] = {
    {"off", "leave fields woven; interlaced frames stay interlaced"},
    {"bwdif", "Bob Weaver: motion adaptive, w3fdif and yadif combined"},
    {"yadif", "motion adaptive, edge directed"},
    {0},
};

static const struct ta_choice denoise_choices[] = {
    {"off", "leave noise"},
    {"hqdn3d", "recursive in space and time, fast"},
    {0},
};

static const struct ta_opt deinterlace_option[] = {
    {.name = "deinterlace",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_slot_choice, stage, int),
     .def = "bwdif",
     .choices = deinterlace_choices,
     .help = "how interlaced frames become progressive; frames measured as progressive are never touched"},
    {0},
};

static const struct ta_opt denoise_option[] = {
    {.name = "denoise",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_slot_choice, stage, int),
     .def = "off",
     .choices = denoise_choices,
     .help = "noise reduction"},
    {0},
};

const struct ta_slot ta_slots[] = {
    {"convert", NULL, NULL},
    {"deinterlace", "Deinterlacing", deinterlace_option},
    {"denoise", "Noise", denoise_option},
    {"scale", "Scaling", NULL},
    {"format", NULL, NULL},
    {0},
};

// Stages of a slot share one table, so the first one's is the slot's.
const struct ta_opt *ta_slot_options(const char *slot)
{
    size_t n = strlen(slot);
    for (const struct ta_stage_info *const *s = ta_stages; *s; s++)
        if (strncmp((*s)->name, slot, n) == 0 && (*s)->name[n] == '.' && (*s)->options)
            return (*s)->options;
    return NULL;
}

const struct ta_stage_info *ta_stage_find(const char *name)
{
    for (const struct ta_stage_info *const *s = ta_stages; *s; s++)
        if (strcmp((*s)->name, name) == 0)
            return *s;
    return NULL;
}

int ta_stage_emit(struct ta_stage *s, AVFrame *frame)
{
    return s->emit(s->receiver, frame);
}

void ta_stage_plan_init(struct ta_stage_plan *p, const struct ta_stage_info *info, const struct ta_format *in)
{
    *p = (struct ta_stage_plan){.info = info, .in = *in, .out = *in};
    if (info->options_size)
        p->opts = ta_xcalloc(1, info->options_size);
    if (info->options)
        ta_opt_defaults(info->options, p->opts);
}

int ta_stage_plan_configure(struct ta_stage_plan *p, struct ta_log *log)
{
    struct ta_buf why = {0};
    p->out = p->in;
    int err = p->info->configure ? p->info->configure(p->opts, &p->in, &p->out, &why) : 0;
    if (err < 0)
        ta_error(log, "%s: %s", p->info->name, why.size ? ta_buf_text(&why) : ta_error_text(err));
    ta_buf_release(&why);
    return err;
}

void ta_stage_plan_release(struct ta_stage_plan *p)
{
    if (p->info && p->info->options && p->opts)
        ta_opt_release(p->info->options, p->opts);
    ta_freep(&p->opts);
}
