// Deinterlacing by libavfilter. bwdif: "Bob Weaver Deinterlacing Filter"; yadif: "yet another deinterlacing
// filter". Both obey the interlaced flag of each frame, which the segment sets from the plan's scan runs:
// other frames pass untouched, once.
#include "base/mem.h"
#include "media/format.h"
#include "video/stages.h"

#include <terminalai/error.h>

#include <libavutil/pixdesc.h>

enum fields { FIELDS_BOTH = 0, FIELDS_ONE };

struct deinterlace_opts {
    int fields;
};

static const struct ta_choice fields_choices[] = {
    {"both", "a frame for each field: 29.97 interlaced becomes 59.94 progressive, all motion kept"},
    {"one", "a frame for each frame: half the motion, half the size"},
    {0},
};

static const struct ta_opt options[] = {
    {.name = "fields",
     .kind = &ta_opt_choice,
     TA_FIELD(struct deinterlace_opts, fields, int),
     .def = "both",
     .choices = fields_choices,
     .help = "frames made from each interlaced frame"},
    {0},
};

static struct ta_reach reach(const void *opts, const struct ta_format *in)
{
    (void)opts;
    (void)in;
    return (struct ta_reach){1, 1};
}

static int fields(const void *opts)
{
    return ((const struct deinterlace_opts *)opts)->fields == FIELDS_BOTH ? 2 : 1;
}

static int configure(const void *opts, const struct ta_format *in, struct ta_format *out, struct ta_buf *why)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(in->pix_fmt);
    if (!d || ta_pix_fmt_planar(in->pix_fmt) != in->pix_fmt) {
        ta_buf_printf(why, "does not take %s", d ? d->name : "this pixel format");
        return TA_ERR_UNSUPPORTED;
    }
    if (in->width < 3 || in->height < 4) {
        ta_buf_printf(why, "needs pictures of at least 3x4, not %dx%d", in->width, in->height);
        return TA_ERR_UNSUPPORTED;
    }
    // libavfilter counts in half units, whether it gives one frame or two.
    out->time_base = av_mul_q(in->time_base, (AVRational){1, 2});
    if (fields(opts) == 2 && in->frame_rate.num)
        out->frame_rate = av_mul_q(in->frame_rate, (AVRational){2, 1});
    out->scan = TA_SCAN_PROGRESSIVE;
    out->mixed_scan = false;
    return 0;
}

static int describe(const char *filter, const void *opts, struct ta_buf *text)
{
    // parity=auto reads the frame's own order; deint=interlaced passes progressive frames through.
    ta_buf_printf(text, "%s=mode=%s:parity=auto:deint=interlaced", filter,
                  fields(opts) == 2 ? "send_field" : "send_frame");
    return 0;
}

static int describe_bwdif(const void *opts, const struct ta_format *in, const struct ta_format *out,
                          struct ta_buf *text)
{
    (void)in;
    (void)out;
    return describe("bwdif", opts, text);
}

static int describe_yadif(const void *opts, const struct ta_format *in, const struct ta_format *out,
                          struct ta_buf *text)
{
    (void)in;
    (void)out;
    return describe("yadif", opts, text);
}

static const char *const bwdif_filters[] = {"bwdif", NULL};
static const char *const yadif_filters[] = {"yadif", NULL};

const struct ta_stage_info ta_stage_bwdif = {
    .name = "deinterlace.bwdif",
    .summary = "motion adaptive deinterlacing, w3fdif and yadif combined (libavfilter)",
    .options = options,
    .options_size = sizeof(struct deinterlace_opts),
    .filters = bwdif_filters,
    .reach = reach,
    .fields = fields,
    .configure = configure,
    .describe = describe_bwdif,
};

const struct ta_stage_info ta_stage_yadif = {
    .name = "deinterlace.yadif",
    .summary = "motion adaptive, edge directed deinterlacing (libavfilter)",
    .options = options,
    .options_size = sizeof(struct deinterlace_opts),
    .filters = yadif_filters,
    .reach = reach,
    .fields = fields,
    .configure = configure,
    .describe = describe_yadif,
};
