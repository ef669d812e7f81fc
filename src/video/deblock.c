// Deblocking: libavfilter's, which smooths the edges of a fixed grid of blocks where the step across the edge
// is small enough to be the coder's. The grid starts at the picture's corner.
#include <stdlib.h>

#include <terminalai/error.h>

#include <libavutil/pixdesc.h>

#include "base/mem.h"
#include "media/format.h"
#include "video/stages.h"

struct deblock_opts {
    int64_t block;
    double threshold;
};

static const struct ta_opt options[] = {
    {.name = "block",
     .kind = &ta_opt_int,
     TA_FIELD(struct deblock_opts, block, int64_t),
     .def = "8",
     .min = 4,
     .max = 512,
     .unit = "samples",
     .flags = TA_OPT_ADVANCED,
     .help =
         "width and height of a block: 8 for MPEG and DV, 4 for H.264; more where a picture was enlarged"},
    {.name = "threshold",
     .kind = &ta_opt_float,
     TA_FIELD(struct deblock_opts, threshold, double),
     .def = "0.098",
     .min = 0,
     .max = 1,
     .help = "largest step across an edge that is smoothed, as a part of the whole range"},
    {0},
};

static int configure(const void *opts, const struct ta_format *in, struct ta_format *out, struct ta_buf *why)
{
    (void)out;
    const struct deblock_opts *o = opts;
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(in->pix_fmt);
    if (!d || ta_pix_fmt_planar(in->pix_fmt) != in->pix_fmt) {
        ta_buf_printf(why, "does not take %s", d ? d->name : "this pixel format");
        return TA_ERR_UNSUPPORTED;
    }
    int shift = TA_MAX(d->log2_chroma_w, d->log2_chroma_h);
    int64_t least = TA_MIN(in->width, in->height) >> shift;
    if (o->block > least) {
        ta_buf_printf(why, "blocks of %lld do not fit pictures of %dx%d %s", (long long)o->block, in->width,
                      in->height, d->name);
        return TA_ERR_UNSUPPORTED;
    }
    return 0;
}

static int describe(const char *filter, const void *opts, struct ta_buf *text)
{
    const struct deblock_opts *o = opts;
    ta_buf_printf(text, "deblock=filter=%s:block=%d:alpha=%.9g", filter, (int)o->block, o->threshold);
    return 0;
}

static int describe_weak(const void *opts, const struct ta_format *in, const struct ta_format *out,
                         struct ta_buf *text)
{
    (void)in;
    (void)out;
    return describe("weak", opts, text);
}

static int describe_strong(const void *opts, const struct ta_format *in, const struct ta_format *out,
                           struct ta_buf *text)
{
    (void)in;
    (void)out;
    return describe("strong", opts, text);
}

static const char *const filters[] = {"deblock", NULL};

const struct ta_stage_info ta_stage_deblock_weak = {
    .name = "deblock.weak",
    .summary = "edges of blocks smoothed lightly (libavfilter)",
    .options = options,
    .options_size = sizeof(struct deblock_opts),
    .filters = filters,
    .configure = configure,
    .describe = describe_weak,
};

const struct ta_stage_info ta_stage_deblock_strong = {
    .name = "deblock.strong",
    .summary = "edges of blocks smoothed over three samples on either side (libavfilter)",
    .options = options,
    .options_size = sizeof(struct deblock_opts),
    .filters = filters,
    .configure = configure,
    .describe = describe_strong,
};
