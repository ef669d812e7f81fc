// Motion-compensated deinterlacing. Each field's moment gets the whole picture of its neighbours in time,
// moved to where things are now; a missing row is the mean of what these say and of what is interpolated,
// each by how well it explains the rows next to it, which are known. Where nothing is found again, bwdif's
// result stays.
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include <libavutil/pixdesc.h>

#include "base/env.h"
#include "base/mem.h"
#include "base/thread.h"
#include "media/av.h"
#include "media/picture/frame_pool.h"
#include "video/deinterlace.h"
#include "video/fusion.h"
#include "video/motion.h"
#include "video/stages.h"

static const struct ta_opt options[] = {
    TA_FIELDS_OPTION(struct ta_deinterlace_opts),
    TA_EFFORT_OPTION(struct ta_deinterlace_opts),
    {.name = "vectors",
     .kind = &ta_opt_int,
     TA_FIELD(struct ta_deinterlace_opts, vectors, int64_t),
     .def = "0",
     .max = TA_MOTION_RADIUS,
     .flags = TA_OPT_HIDDEN,
     .help = "how far vectors reach that are handed on to the next stage; set by the plan"},
    {.name = "neighbours",
     .kind = &ta_opt_int,
     TA_FIELD(struct ta_deinterlace_opts, neighbours, int64_t),
     .def = "2",
     .min = 1,
     .max = 2,
     .flags = TA_OPT_HIDDEN,
     .help = "moments looked at on each side; set by the plan"},
    {0},
};

enum {
    NEIGHBOURS = TA_FUSION_NEIGHBOURS, // moments looked at: two on each side
    FAR = 2,                           // the farther ones
    FRAMES_AROUND = 2, // frames on each side that decide a result: one for each step of two moments
    AHEAD = 1,         // frames more, for what is found meanwhile of the moment that comes next
    // Pictures, at most, whose vectors the next stage has yet to take over.
    ON_THE_WAY = TA_STAGE_HEAVY_QUEUE + 3,
};
static const int aways[NEIGHBOURS] = {-1, 1, -FAR, FAR};
// The variance of what moves on for two moments, in that for one.
static const float trusts[NEIGHBOURS] = {1, 1, 1.365f, 1.365f};

struct priv {
    struct ta_motion *motion;
    struct ta_fuser *fuser;
    struct ta_frame_pool *pool;
    AVBufferPool *handed; // what pictures carry; NULL: nothing
    int planes;
    int64_t next;     // frame to give
    int64_t *results; // which moment's first result lies in which spare picture
    int result_count;
};

static bool is_best(const void *opts)
{
    return ((const struct ta_deinterlace_opts *)opts)->effort == TA_EFFORT_BEST;
}

static void set_quality(void *opts, int quality)
{
    struct ta_deinterlace_opts *o = opts;
    if (o->effort == TA_EFFORT_AUTO)
        o->effort = quality == TA_STAGE_BEST ? TA_EFFORT_BEST : TA_EFFORT_GOOD;
}

static int radius_of(const void *opts)
{
    int vectors = (int)((const struct ta_deinterlace_opts *)opts)->vectors;
    return TA_MAX(FAR, vectors);
}

static bool hands_on(const void *opts)
{
    return ((const struct ta_deinterlace_opts *)opts)->vectors > 0;
}

// A frame for each step of two moments, and one for what is interpolated there.
static int around(const void *opts)
{
    return TA_MAX(is_best(opts) ? FRAMES_AROUND + 1 : FRAMES_AROUND, (radius_of(opts) + 1) / 2 + 1);
}

static struct ta_reach reach(const void *opts, const struct ta_format *in)
{
    (void)in;
    return (struct ta_reach){around(opts), around(opts)};
}

// From the first that a result is made from to the last that vectors of the next one lead to.
static int moments(const void *opts)
{
    int farthest = TA_MAX(is_best(opts) ? 2 * FAR : FAR, radius_of(opts));
    int next = ta_deinterlace_fields(opts) == 2 ? 1 : 2;
    return farthest + 1 + farthest + next;
}

static struct ta_motion_settings settings_of(const void *opts, const struct ta_format *in)
{
    int frames = 2 * around(opts) + 1 + AHEAD;
    return (struct ta_motion_settings){
        .radius = radius_of(opts),
        .frames = frames,
        .moments = moments(opts),
        .fields = true,
        .fine = is_best(opts),
        .spares = is_best(opts) ? NEIGHBOURS + 1 : 0, // first results of a moment and around it
        .takers = NEIGHBOURS * ta_fuser_parts(in),
    };
}

static int configure(const void *opts, const struct ta_format *in, struct ta_format *out, struct ta_buf *why)
{
    int err = ta_deinterlace_configure(opts, in, out, why);
    return err < 0 ? err : ta_deinterlace_check_samples(in, why);
}

static void needs(const void *opts, const struct ta_format *in, const struct ta_env *env,
                  struct ta_stage_needs *n)
{
    (void)env;
    struct ta_motion_settings settings = settings_of(opts, in);
    n->bytes = ta_motion_bytes(&settings, in) + ta_fuser_bytes(in) +
               (hands_on(opts) ? ON_THE_WAY * (int64_t)ta_motion_handed_bytes(&settings, in) : 0);
}

static int init(struct ta_stage *s)
{
    struct priv *p = s->priv;
    struct ta_motion_settings settings = settings_of(s->opts, &s->in);
    p->planes = av_pix_fmt_count_planes(s->in.pix_fmt);
    p->pool = ta_frame_pool_create(s->in.pix_fmt, s->in.width, s->in.height);
    if (!p->pool || ta_motion_create(&p->motion, &settings, &s->in, s->env) < 0 ||
        ta_fuser_create(&p->fuser, p->motion, &s->in) < 0)
        return ta_stage_no_memory(s);
    if (hands_on(s->opts) &&
        !(p->handed = av_buffer_pool_init(ta_motion_handed_bytes(&settings, &s->in), NULL)))
        return ta_stage_no_memory(s);
    p->result_count = settings.spares;
    p->results = ta_xcalloc((size_t)p->result_count + 1, sizeof *p->results);
    for (int i = 0; i < p->result_count; i++)
        p->results[i] = -1;
    return 0;
}

// Is all there that decides a result of this moment, and is there one to be made?
static bool can_find(const struct ta_stage *s, int64_t moment)
{
    const struct ta_motion *m = ((const struct priv *)s->priv)->motion;
    return ta_motion_has(m, moment) && !ta_motion_is_whole(m, moment) &&
           (ta_motion_ended(m) || moment / 2 + around(s->opts) < ta_motion_count(m));
}

// While a moment is made, vectors of the next one are found: that takes about as long.
struct work {
    const struct ta_fusion *f;
    struct ta_stage *s;
    int64_t next;
};

static void find_next(const struct work *w)
{
    struct ta_motion *m = ((struct priv *)w->s->priv)->motion;
    int beyond = is_best(w->s->opts) ? FAR : 0; // of first results around it, too
    for (int64_t k = w->next - beyond; k <= w->next + beyond; k++)
        if (ta_motion_has(m, k) && !ta_motion_is_whole(m, k))
            ta_motion_find(m, k, k == w->next ? radius_of(w->s->opts) : FAR);
}

static void work_part(void *arg, int part)
{
    const struct work *w = arg;
    if (part)
        ta_fuse_part(w->f, part - 1);
    else if (can_find(w->s, w->next))
        find_next(w);
}

static const struct ta_motion_picture *first_result(struct ta_stage *s, int64_t moment);

// Where nothing of the neighbours is found again, what was interpolated stays. `next` is the moment that is
// asked for next, negative where none is.
static void fuse(struct ta_stage *s, int64_t moment, bool again, const struct ta_motion_picture *to,
                 AVFrame *out, int64_t next)
{
    struct priv *p = s->priv;
    struct ta_motion *m = p->motion;
    bool top = ta_motion_is_top(m, moment);
    int neighbours = (int)((const struct ta_deinterlace_opts *)s->opts)->neighbours;
    struct ta_fusion f = {
        .fuser = p->fuser,
        .here = again ? first_result(s, moment) : ta_motion_picture(m, moment),
        .bob = ta_motion_picture(m, moment),
        .before = -1,
        .after = -1,
        .missing = top ? 1 : 0,
        .to = to,
        .out = out,
        .source = ta_motion_frame(m, moment / 2),
    };
    for (int i = 0; i < 2; i++)
        if (ta_motion_has(m, moment + 2 * i - 1))
            f.sides[i] = ta_motion_picture(m, moment + 2 * i - 1);
    ta_motion_find(m, moment, FAR);
    for (int i = 0; i < 2 * neighbours; i++) {
        int64_t other = moment + aways[i];
        const struct ta_motion_vector *vectors = ta_motion_vectors(m, moment, aways[i]);
        if (!vectors)
            continue;
        f.neighbours[f.count] = again ? first_result(s, other) : ta_motion_picture(m, other);
        f.vectors[f.count] = vectors;
        f.whole[f.count] = ta_motion_is_whole(m, other);
        f.same_lines[f.count] = ta_motion_is_top(m, other) == top;
        f.trusts[f.count] = trusts[i];
        if (aways[i] == -1)
            f.before = f.count;
        if (aways[i] == 1)
            f.after = f.count;
        f.count++;
    }
    struct work w = {&f, s, next};
    ta_pool_run(s->env->pool, 1 + ta_fuser_parts(&s->in), work_part, &w);
}

// What the first pass makes of a moment.
static const struct ta_motion_picture *first_result(struct ta_stage *s, int64_t moment)
{
    struct priv *p = s->priv;
    if (ta_motion_is_whole(p->motion, moment))
        return ta_motion_picture(p->motion, moment);
    int i = (int)(moment % p->result_count);
    const struct ta_motion_picture *result = ta_motion_spare(p->motion, i);
    if (p->results[i] != moment) {
        p->results[i] = moment;
        fuse(s, moment, false, result, NULL, -1);
        for (int k = 0; k < p->planes; k++)
            ta_motion_extend_all(&result->planes[k]);
    }
    return result;
}

// The times around a frame; those beyond the ends lie as far away as on the other side.
static int64_t time_of_next(const struct priv *p, const AVFrame *here)
{
    const AVFrame *later = ta_motion_frame(p->motion, p->next + 1);
    const AVFrame *earlier = ta_motion_frame(p->motion, p->next - 1);
    return later ? later->pts : earlier ? 2 * here->pts - earlier->pts : here->pts;
}

static int give_field(struct ta_stage *s, const AVFrame *here, bool second)
{
    struct priv *p = s->priv;
    AVFrame *out = ta_frame_pool_get(p->pool);
    if (!out || av_frame_copy_props(out, here) < 0) {
        av_frame_free(&out);
        return ta_stage_no_memory(s);
    }
    ta_frame_set_interlaced(out, false, false);
    out->pts = second ? here->pts + time_of_next(p, here) : 2 * here->pts;
    int64_t moment = 2 * p->next + (second ? 1 : 0);
    // All of them before the first is needed: they use the same pictures to work in.
    for (int64_t k = moment - FAR; is_best(s->opts) && k <= moment + FAR; k++)
        if (ta_motion_has(p->motion, k))
            first_result(s, k);
    int64_t following = second || ta_deinterlace_fields(s->opts) == 1 ? 2 * (p->next + 1) : moment + 1;
    fuse(s, moment, is_best(s->opts), NULL, out, following);
    if (p->handed && ta_motion_hand_on(p->motion, moment, p->handed, out) < 0) {
        av_frame_free(&out);
        return ta_stage_no_memory(s);
    }
    return ta_stage_emit(s, out);
}

static int give_frame(struct ta_stage *s)
{
    struct priv *p = s->priv;
    const AVFrame *here = ta_motion_frame(p->motion, p->next);
    if (!ta_frame_is_interlaced(here)) {
        AVFrame *out = av_frame_clone(here);
        if (!out)
            return ta_stage_no_memory(s);
        out->pts *= 2;
        return ta_stage_emit(s, out);
    }
    int err = give_field(s, here, false);
    return err >= 0 && ta_deinterlace_fields(s->opts) == 2 ? give_field(s, here, true) : err;
}

static int process(struct ta_stage *s, AVFrame *in)
{
    struct priv *p = s->priv;
    int err = 0, lag = around(s->opts) + AHEAD;
    ta_motion_push(p->motion, in);
    int64_t count = ta_motion_count(p->motion);
    for (; err >= 0 && p->next + (in ? lag : 0) < count; p->next++)
        err = give_frame(s);
    return err;
}

static void release(struct ta_stage *s)
{
    struct priv *p = s->priv;
    if (!p)
        return;
    ta_fuser_destroy(&p->fuser);
    ta_motion_destroy(&p->motion);
    ta_frame_pool_destroy(&p->pool);
    av_buffer_pool_uninit(&p->handed);
    ta_freep(&p->results);
}

const struct ta_stage_info ta_stage_deinterlace_motion = {
    .name = "deinterlace.motion",
    .summary = "motion-compensated deinterlacing: missing lines from where things were and will be",
    .lighter = "bwdif",
    .thread = TA_THREAD_HEAVY,
    .options = options,
    .options_size = sizeof(struct ta_deinterlace_opts),
    .priv_size = sizeof(struct priv),
    .reach = reach,
    .fields = ta_deinterlace_fields,
    .set_quality = set_quality,
    .configure = configure,
    .needs = needs,
    .init = init,
    .process = process,
    .release = release,
};
