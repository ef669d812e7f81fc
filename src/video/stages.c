// The slots that stages fill, and stages in plans. A new stage is one line in stage_table.c, and one in the
// choices of its slot if a recipe may name it.
#include "video/stage.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/env.h"
#include "base/log.h"
#include "base/mem.h"
#include "video/stages.h"

static const struct ta_choice deinterlace_choices[] = {
    {"off", "leave fields woven; interlaced frames stay interlaced"},
    {"bwdif", "Bob Weaver: motion adaptive, w3fdif and yadif combined"},
    {"yadif", "motion adaptive, edge directed"},
    {"w3fdif", "three fields through fixed filters: no motion detection, so steady in noise"},
    {"motion",
     "motion compensated: lines from where things were and will be; the best picture, twenty times bwdif's work"},
    {"neural", "a network (--deinterlace-model) makes the missing lines; slow without a graphics card"},
    {"ivtc",
     "inverse telecine: film frames as they were, the rest by bwdif or motion; measures every frame first"},
    {0},
};

static const struct ta_choice deblock_choices[] = {
    {"off", "leave the edges of blocks"},
    {"weak", "the two samples at each edge"},
    {"strong", "three samples on either side of each edge"},
    {0},
};

static const struct ta_choice denoise_choices[] = {
    {"off", "leave noise"},
    {"hqdn3d", "recursive in space and time, fast"},
    {"recursive",
     "tells motion and edges from noise, faster; hqdn3d takes more of heavy noise at high strengths"},
    {"motion",
     "mean over time of what moved, by the noise that was measured: keeps detail, the best picture; slow"},
    {"nlmeans", "mean of similar patches of the same frame: keeps texture, slow"},
    {0},
};

static const struct ta_choice sharpen_choices[] = {
    {"off", "leave edges as they are"},
    {"cas", "contrast adaptive: soft detail gains, hard edges do not ring"},
    {0},
};

static const struct ta_choice hdr_choices[] = {
    {"sdr", "standard dynamic range; what is HDR already stays so"},
    {"hdr10", "HDR10: PQ and BT.2020 in 10 bit, with MaxCLL and MaxFALL as measured"},
    {"hlg", "Hybrid Log-Gamma and BT.2020 in 10 bit"},
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

static const struct ta_opt deblock_option[] = {
    {.name = "deblock",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_slot_choice, stage, int),
     .def = "off",
     .choices = deblock_choices,
     .help = "smooths the edges of blocks that hard compression leaves"},
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

static const struct ta_opt sharpen_option[] = {
    {.name = "sharpen",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_slot_choice, stage, int),
     .def = "off",
     .choices = sharpen_choices,
     .help = "sharpening, at the source's size"},
    {0},
};

// "zscale" is what plans and files of before call it.
static int parse_scale(const struct ta_opt *o, const char *text, void *field, struct ta_buf *why)
{
    return ta_opt_choice.parse(o, strcmp(text, "zscale") ? text : "resize", field, why);
}

static void format_scale(const struct ta_opt *o, const void *field, struct ta_buf *out)
{
    ta_opt_choice.format(o, field, out);
}

static const struct ta_opt_kind scale_kind = {
    .name = "choice", .parse = parse_scale, .format = format_scale, .type = TA_OPT_TYPE_INT};

static const struct ta_opt scale_option[] = {
    {.name = "scale",
     .kind = &scale_kind,
     TA_FIELD(struct ta_slot_choice, stage, int),
     .def = "auto",
     .choices = ta_scale_choices,
     .flags = TA_OPT_ADVANCED,
     .help = "what changes the size of pictures"},
    {0},
};

static const struct ta_opt hdr_option[] = {
    {.name = "hdr",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_slot_choice, stage, int),
     .def = "sdr",
     .choices = hdr_choices,
     .help = "dynamic range of the output; SDR white becomes 203 cd/m2 in HDR"},
    {0},
};

const struct ta_slot ta_slots[] = {
    {.name = "convert", .planned = true},
    {.name = "crop", .title = "Cropping"},
    {.name = "mask", .title = "Masking"},
    {.name = "deinterlace", .title = "Deinterlacing", .option = deinterlace_option},
    {.name = "deblock", .title = "Blocks", .option = deblock_option},
    {.name = "denoise", .title = "Noise", .option = denoise_option},
    {.name = "sharpen", .title = "Sharpness", .option = sharpen_option},
    {.name = "colour", .title = "Colour"},
    {.name = "scale", .title = "Scaling", .option = scale_option, .planned = true},
    {.name = "hdr", .title = "HDR", .option = hdr_option},
    {.name = "format", .planned = true},
    {0},
};

static bool fills(const struct ta_stage_info *stage, const char *slot)
{
    size_t n = strlen(slot);
    return strncmp(stage->name, slot, n) == 0 && stage->name[n] == '.';
}

const char *ta_stage_choice(const struct ta_stage_info *stage)
{
    const char *dot = strchr(stage->name, '.');
    return stage->choice ? stage->choice : dot ? dot + 1 : stage->name;
}

const struct ta_stage_info *ta_slot_chosen(const char *slot, const char *choice)
{
    for (const struct ta_stage_info *const *s = ta_stages; *s; s++)
        if (fills(*s, slot) && !strcmp(ta_stage_choice(*s), choice))
            return *s;
    return NULL;
}

const struct ta_stage_info *ta_slot_stage(const char *slot)
{
    for (const struct ta_stage_info *const *s = ta_stages; *s; s++)
        if (fills(*s, slot))
            return *s;
    return NULL;
}

// The tables of all slots, one after the other, each with an empty entry at its end.
enum { MAX_SLOT_OPTIONS = 128 };
static struct ta_opt slot_options[MAX_SLOT_OPTIONS];
static const struct ta_opt *slot_tables[TA_COUNT(ta_slots)];
static pthread_once_t slot_once = PTHREAD_ONCE_INIT;

static void collect_slots(void)
{
    struct ta_opt *next = slot_options;
    for (size_t i = 0; ta_slots[i].name; i++) {
        struct ta_opt *first = next;
        for (const struct ta_stage_info *const *s = ta_stages; *s; s++)
            for (const struct ta_opt *o = fills(*s, ta_slots[i].name) ? (*s)->options : NULL; o && o->name;
                 o++) {
                if (ta_opt_find(first, o->name))
                    continue;
                if (next == slot_options + MAX_SLOT_OPTIONS - 1)
                    abort(); // the first test that runs sees it
                *next++ = *o;
            }
        slot_tables[i] = next > first ? first : NULL;
        next += next > first;
    }
}

const struct ta_opt *ta_slot_options(const char *slot)
{
    pthread_once(&slot_once, collect_slots);
    for (size_t i = 0; ta_slots[i].name; i++)
        if (strcmp(ta_slots[i].name, slot) == 0)
            return slot_tables[i];
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

int ta_stage_make_writable(struct ta_stage *s, AVFrame **frame)
{
    AVFrame *f = *frame;
    if (av_frame_make_writable(f) >= 0)
        return 0;
    ta_error(s->log, "out of memory for a picture of %dx%d", f->width, f->height);
    av_frame_free(frame);
    return TA_ERR_NOMEM;
}

int ta_stage_no_memory(struct ta_stage *s)
{
    ta_error(s->log, "%s: out of memory", s->info->name);
    return TA_ERR_NOMEM;
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

int ta_stage_plan_check(const struct ta_stage_plan *p, const struct ta_env *env)
{
    struct ta_buf why = {0};
    int err = 0;
    if (p->info->engine && !env->sessions) {
        ta_buf_puts(&why, "needs an engine, and this call was given none");
        err = TA_ERR_UNSUPPORTED;
    } else if (p->info->check) {
        err = p->info->check(p->opts, &p->in, env, &why);
    }
    if (err < 0)
        ta_error(env->log, "%s: %s", p->info->name, why.size ? ta_buf_text(&why) : ta_error_text(err));
    ta_buf_release(&why);
    return err;
}

double ta_stage_plan_cost(const struct ta_stage_plan *p)
{
    static const double QUICK = 3;
    return p->info->cost ? p->info->cost(p->opts) : QUICK;
}

struct ta_stage_needs ta_stage_plan_needs(const struct ta_stage_plan *p, const struct ta_env *env)
{
    struct ta_stage_needs needs = {.frames = 1};
    if (p->info->needs)
        p->info->needs(p->opts, &p->in, env, &needs);
    needs.frames = TA_MAX(1, TA_MIN(needs.frames, TA_STAGE_FRAMES_MAX));
    return needs;
}

void ta_stage_plan_release(struct ta_stage_plan *p)
{
    if (p->info && p->info->options && p->opts)
        ta_opt_release(p->info->options, p->opts);
    ta_freep(&p->opts);
}

const void *ta_stage_option(const struct ta_stage_plan *p, const char *name)
{
    const struct ta_opt *o = p->info->options ? ta_opt_find(p->info->options, name) : NULL;
    return o ? (const char *)p->opts + o->offset : NULL;
}
