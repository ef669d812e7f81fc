#include "audio/rate.h"

#include <stdlib.h>

#include <libavutil/opt.h>
#include <libswresample/swresample.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "media/av.h"

// Taps at the lower of both rates; from the share of its half on sound is let through less. 90 dB.
enum { TAPS = 64 };
static const double CUTOFF = 0.95;

struct ta_sound_rate {
    int from, to;
    SwrContext *swr; // NULL: rates are equal
    float *out;
    size_t room;
    struct ta_log *log;
};

static int fail(struct ta_sound_rate *r, int ret)
{
    ta_error(r->log, "sound of %d Hz can't be made one of %d Hz: %s", r->from, r->to, ta_av_text(ret));
    return ta_error_from_av(ret);
}

int ta_sound_rate_create(struct ta_sound_rate **out, int from, int to, struct ta_log *log)
{
    struct ta_sound_rate *r = ta_xcalloc(1, sizeof *r);
    AVChannelLayout mono;
    *r = (struct ta_sound_rate){.from = from, .to = to, .log = log};
    av_channel_layout_default(&mono, 1);
    int ret = from == to ? 0
                         : swr_alloc_set_opts2(&r->swr, &mono, AV_SAMPLE_FMT_FLTP, to, &mono,
                                               AV_SAMPLE_FMT_FLTP, from, 0, NULL);
    if (ret >= 0 && r->swr) {
        av_opt_set_int(r->swr, "filter_size", TAPS, 0);
        av_opt_set_double(r->swr, "cutoff", CUTOFF, 0);
        ta_av_setup_begin(true);
        ret = swr_init(r->swr);
        ta_av_setup_end(true);
    }
    int err = ret < 0 ? fail(r, ret) : 0;
    if (err < 0)
        ta_sound_rate_destroy(&r);
    *out = r;
    return err;
}

void ta_sound_rate_destroy(struct ta_sound_rate **rate)
{
    struct ta_sound_rate *r = *rate;
    if (!r)
        return;
    swr_free(&r->swr);
    free(r->out);
    ta_freep(rate);
}

int ta_sound_rate_run(struct ta_sound_rate *r, const float *in, size_t samples, const float **out,
                      size_t *count)
{
    *out = in;
    *count = samples;
    if (!r->swr)
        return 0;
    int most = swr_get_out_samples(r->swr, (int)samples);
    if (most < 0)
        return fail(r, most);
    if ((size_t)most > r->room) {
        r->room = (size_t)most + 4096;
        r->out = ta_xrealloc(r->out, r->room * sizeof *r->out);
    }
    int n = swr_convert(r->swr, (uint8_t *[]){(uint8_t *)r->out}, (int)r->room,
                        (const uint8_t *[]){(const uint8_t *)in}, (int)samples);
    if (n < 0)
        return fail(r, n);
    *out = r->out;
    *count = (size_t)n;
    return 0;
}

int ta_sound_rate_ahead(int from, int to)
{
    return from == to ? 0 : (int)(TAPS * (from > to ? (double)from / to : 1)) + 2;
}
