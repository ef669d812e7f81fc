#include "diagnose/scan_frames.h"

#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "diagnose/measure.h"
#include "media/av.h"

int ta_scan_frames_init(struct ta_scan_frames *f, int64_t count, bool all)
{
    size_t n = (size_t)count;
    *f = (struct ta_scan_frames){.count = count};
    f->facts = calloc(n, sizeof(*f->facts));
    f->combing = calloc(n, sizeof(*f->combing));
    f->flagged = calloc(n, sizeof(*f->flagged));
    bool enough = f->facts && f->combing && f->flagged;
    for (int order = 0; order < 2 && all; order++) {
        f->triples[order] = calloc(n, sizeof(*f->triples[order]));
        enough &= f->triples[order] != NULL;
    }
    return enough ? 0 : TA_ERR_NOMEM;
}

void ta_scan_frames_take(struct ta_scan_frames *f, const struct ta_measure_frame *frame)
{
    const AVFrame *picture = frame->frame;
    int64_t at = frame->at;
    struct ta_field_metrics m;
    ta_field_metrics_measure(frame->before, picture, frame->after, &m);
    for (int order = 0; order < 2 && f->triples[order]; order++)
        memcpy(f->triples[order][at], m.triples[order], sizeof(m.triples[order]));
    ta_scan_fact_from_metrics(&f->facts[at], &m);
    if (f->facts[at].strength <= 0)
        f->combing[at] = ta_field_combing(picture);
    f->flagged[at] = !ta_frame_is_interlaced(picture) ? TA_SCAN_PROGRESSIVE
                     : ta_frame_is_top_first(picture) ? TA_SCAN_TFF
                                                      : TA_SCAN_BFF;
}

void ta_scan_frames_release(struct ta_scan_frames *f)
{
    free(f->facts);
    free(f->triples[0]);
    free(f->triples[1]);
    free(f->combing);
    free(f->flagged);
    *f = (struct ta_scan_frames){0};
}
