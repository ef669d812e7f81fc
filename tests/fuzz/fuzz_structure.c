// Containers of any content, walked as each kind that is known.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "media/structure.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *data;
    int64_t size;
};

static int64_t read_input(void *priv, int64_t position, uint8_t *data, int64_t size)
{
    const struct input *in = priv;
    if (position < 0 || size < 0 || position + size > in->size)
        abort(); // nothing beyond the end is asked for
    memcpy(data, in->data + position, (size_t)size);
    return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const demuxers[] = {
        "flv",  "asf", "ogg", "mxf",      "matroska,webm",           "avi",         "mpegts",
        "mpeg", "pva", "rm",  "film_cpk", "mov,mp4,m4a,3gp,3g2,mj2", "yuv4mpegpipe"};
    struct input in = {data, (int64_t)size};
    for (size_t i = 0; i < TA_COUNT(demuxers); i++) {
        struct ta_structure s;
        if (ta_structure_walk(&s, demuxers[i], read_input, &in, in.size, NULL) < 0 || s.breaks < 0 ||
            s.lost_bytes < 0 || s.lost_bytes > in.size || s.duration_us < -1)
            abort();
        for (int k = 0; k < s.patch_count; k++)
            if (s.patches[k].at < 0 || s.patches[k].at + s.patches[k].size > in.size ||
                (k && s.patches[k].at < s.patches[k - 1].at))
                abort();
        ta_structure_release(&s);
    }
    return 0;
}
