// The list of video encoders. A new one is a file and a line here.
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "media/encode/encoder_row.h"

const struct ta_encoder_info *const ta_encoders[] = {
    &ta_encoder_x264,
    &ta_encoder_x265,
    &ta_encoder_svtav1,
    &ta_encoder_ffv1,
    &ta_encoder_prores,
    &ta_encoder_rawvideo,
    NULL,
};

// By how much of the user's crf the bits halve.
static const double CRF_HALVES = 6;

const struct ta_encoder_info *ta_encoder_find(const char *name)
{
    for (const struct ta_encoder_info *const *i = ta_encoders; *i; i++)
        if (!strcmp(name, (*i)->name) || !strcmp(name, (*i)->codec))
            return *i;
    return NULL;
}

bool ta_encoder_may_be_in(const struct ta_encoder_info *info, const char *container)
{
    size_t n = strlen(container);
    for (const char *p = info->containers; p; p = strchr(p, ' ') ? strchr(p, ' ') + 1 : NULL)
        if (strncmp(p, container, n) == 0 && (p[n] == ' ' || !p[n]))
            return true;
    return false;
}

const struct ta_encoder_info *ta_encoder_default(const char *container, bool hdr)
{
    for (const struct ta_encoder_info *const *i = ta_encoders; *i; i++)
        if ((!container || ta_encoder_may_be_in(*i, container)) && (!hdr || (*i)->hdr))
            return *i;
    return ta_encoders[0];
}

double ta_encoder_bits(const struct ta_encoder_info *info, double crf, double raw)
{
    if (info->share > 0)
        return raw * info->share;
    return info->bits * (info->lossy_intra ? 1 : exp2((18 - crf) / CRF_HALVES));
}
