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

static int read_for_router(void *priv, int64_t position, uint8_t *data, int size)
{
    const struct input *in = priv;
    int64_t count = TA_MIN(size, in->size - position);
    return count <= 0 ? 0 : (int)read_input(priv, position, data, count);
}

// Routes that were found are such as are read again, and can be read by.
static void try_routes(const struct ta_routes *routes, struct input *in)
{
    struct ta_buf b = {0};
    struct ta_routes again;
    ta_routes_write(routes, &b);
    if (!ta_routes_parse(&again, b.data, b.size))
        abort();
    struct ta_router *router = ta_router_create(&again, read_for_router, in);
    uint8_t *copy = ta_xcalloc(1, (size_t)in->size);
    memcpy(copy, in->data, (size_t)in->size);
    for (int64_t at = 0; at < in->size; at += 1000)
        if (ta_router_apply(router, at, copy + at, (int)TA_MIN(1000, in->size - at)) < 0)
            abort();
    free(copy);
    ta_router_destroy(&router);
    ta_routes_release(&again);
    ta_buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const demuxers[] = {"flv",           "asf",   "ogg",      "mxf",
                                           "matroska,webm", "avi",   "mpegts",   "mpeg",
                                           "pva",           "rm",    "film_cpk", "mov,mp4,m4a,3gp,3g2,mj2",
                                           "yuv4mpegpipe",  "ivf",   "wtv",      "swf",
                                           "obu",           "mjpeg", "nut",      "dirac"};
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
        for (int k = 0; k < s.splice_count; k++)
            if (s.splices[k].from < (k ? s.splices[k - 1].to : 0) || s.splices[k].to < s.splices[k].from ||
                s.splices[k].to > in.size || s.splices[k].fill < TA_SPLICE_ZEROS ||
                s.splices[k].fill_bytes < 0 || s.splices[k].copies < 0 ||
                (s.splices[k].fill >= 0 && s.splices[k].fill + s.splices[k].fill_bytes > in.size))
                abort();
        if (s.routes.packet_bytes)
            try_routes(&s.routes, &in);
        ta_structure_release(&s);
    }
    return 0;
}
