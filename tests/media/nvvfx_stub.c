// Stands for NVIDIA VFX, whose libraries need its hardware: exports what we call, under libVideoFX.so's name
// and libNVCVImage.so's. It holds callers to the vendor's rules: the order of calls, selectors, formats and
// layouts of images, memory of the device that nobody else may touch, and work that is done when its stream
// is synchronised and not before. A rule that is broken is a line "stub: broken: ..." on standard error and
// ends the process. TA_STUB_VFX: "black", "old", "no-ngx", "no-card", "no-driver", "memory", "run";
// TA_STUB_VFX_LOG: calls are told.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

// They are declared by who looks for them.
#pragma GCC diagnostic ignored "-Wmissing-prototypes"

struct image {
    unsigned width, height;
    int pitch, format, type;
    unsigned char pixel_bytes, component_bytes, components, planar, memory, colourspace, reserved[2];
    void *pixels, *to_delete;
    void (*deleter)(void *);
    unsigned long long bytes;
};

enum { RGBA = 6, RGB10A2 = 13, U8 = 1, P32 = 11, GPU = 1, PINNED = 2, MOST = 256 };

// What is in memory of the device: where it pretends to be, and where it is. Seen by both copies of this
// library.
struct ta_stub_vfx_memory {
    void *address, *real;
    size_t bytes;
} ta_stub_vfx_memory[MOST];
int ta_stub_vfx_images, ta_stub_vfx_effects, ta_stub_vfx_streams; // that live

struct stream;
struct effect {
    int hdr, loaded;
    unsigned quality, luminance, has;
    struct stream *stream;
    struct image *in, *out;
};

// What waits for its stream.
struct work {
    struct effect *effect; // or a transfer:
    const struct image *from;
    struct image *to;
};
struct stream {
    struct work work[16];
    int count;
};

static int is(const char *mode)
{
    const char *set = getenv("TA_STUB_VFX");
    return set && !strcmp(set, mode);
}

#define TELL(...)                                  \
    do {                                           \
        if (getenv("TA_STUB_VFX_LOG"))             \
            fprintf(stderr, "stub: " __VA_ARGS__); \
    } while (0)
#define RULE(holds, ...)                                   \
    do {                                                   \
        if (!(holds)) {                                    \
            fprintf(stderr, "stub: broken: " __VA_ARGS__); \
            fputc('\n', stderr);                           \
            _Exit(70);                                     \
        }                                                  \
    } while (0)

static uint8_t *real(const struct image *m)
{
    for (int i = 0; i < MOST; i++)
        if (m->memory == GPU && ta_stub_vfx_memory[i].address == m->pixels)
            return ta_stub_vfx_memory[i].real;
    RULE(m->memory != GPU, "an image of the device that was not allocated");
    return m->pixels;
}

int NvVFX_GetVersion(unsigned *v)
{
    *v = is("old") ? 0u << 24 | 7u << 16 | 2 : 1u << 24 | (is("newer") ? 4u : 3u) << 16 | 5;
    return 0;
}

int NvVFX_CudaStreamCreate(void **s)
{
    if (is("no-card"))
        return -99;
    TELL("stream\n");
    ta_stub_vfx_streams++;
    *s = calloc(1, sizeof(struct stream));
    return 0;
}

int NvVFX_CreateEffect(const char *name, void **fx)
{
    if (is("no-driver"))
        return -19;
    RULE(!strcmp(name, "VideoSuperRes") || !strcmp(name, "TrueHDR"), "no effect %s", name);
    TELL("create %s\n", name);
    struct effect *e = calloc(1, sizeof *e);
    e->hdr = !strcmp(name, "TrueHDR");
    ta_stub_vfx_effects++;
    *fx = e;
    return 0;
}

void NvVFX_DestroyEffect(void *fx)
{
    struct effect *e = fx;
    RULE(!e->stream || !e->stream->count, "an effect is destroyed while it is at work");
    TELL("destroy\n");
    ta_stub_vfx_effects--;
    free(fx);
}

int NvVFX_SetU32(void *fx, const char *selector, unsigned value)
{
    static const char *const hdr[] = {"Contrast", "Saturation", "MiddleGray", "Luminance"};
    static const unsigned low[] = {0, 0, 10, 400}, high[] = {200, 200, 100, 2000};
    struct effect *e = fx;
    TELL("set %s %u\n", selector, value);
    if (!e->hdr && !strcmp(selector, "QualityLevel")) {
        RULE(!e->loaded, "QualityLevel after loading");
        RULE(value <= 4 || (value >= 8 && value <= 19), "QualityLevel %u", value);
        e->quality = value;
        e->has |= 1;
        return 0;
    }
    for (unsigned i = 0; e->hdr && i < 4; i++)
        if (!strcmp(selector, hdr[i])) {
            RULE(value >= low[i] && value <= high[i], "%s %u", selector, value);
            e->has |= 1u << i;
            return 0;
        }
    return -5;
}

int NvVFX_SetImage(void *fx, const char *selector, struct image *m)
{
    struct effect *e = fx;
    int in = !strcmp(selector, "SrcImage0");
    RULE(in || !strcmp(selector, "DstImage0"), "no image %s", selector);
    RULE(!e->loaded, "%s after loading", selector);
    RULE(m->memory == GPU && m->pixels, "%s is not on the device", selector);
    RULE(!m->planar && m->pitch % 32 == 0, "%s: planar %d, pitch %d", selector, m->planar, m->pitch);
    if (e->hdr && !in)
        RULE(m->format == RGB10A2 && m->type == P32, "%s is no 10 bit picture", selector);
    else
        RULE(m->format == RGBA && m->type == U8, "%s is no RGBA of 8 bit", selector);
    TELL("image %s %ux%u\n", selector, m->width, m->height);
    *(in ? &e->in : &e->out) = m;
    return 0;
}

int NvVFX_SetCudaStream(void *fx, const char *selector, void *stream)
{
    RULE(!strcmp(selector, "CudaStream") && stream, "stream %s", selector);
    ((struct effect *)fx)->stream = stream;
    return 0;
}

int NvVFX_Load(void *fx)
{
    struct effect *e = fx;
    RULE(e->stream && e->in && e->out, "loaded without stream and images");
    RULE(e->has == (e->hdr ? 15u : 1u), "loaded without options: %x", e->has);
    unsigned w = e->in->width, h = e->in->height, W = e->out->width, H = e->out->height;
    int keeps = e->hdr || (e->quality >= 8 && e->quality <= 15);
    RULE(keeps ? w == W && h == H : W >= w && H >= h && W <= 4 * w && H <= 4 * h, "%ux%u to %ux%u", w, h, W,
         H);
    if (is("no-ngx"))
        return -12;
    TELL("load\n");
    e->loaded = 1;
    return 0;
}

static void push(struct stream *s, struct work w)
{
    RULE(s && s->count < 16, "no room in the stream");
    s->work[s->count++] = w;
}

int NvVFX_Run(void *fx, int async)
{
    struct effect *e = fx;
    RULE(e->loaded, "run before it was loaded");
    RULE(async == 1, "not asynchronous");
    if (is("run"))
        return -1;
    TELL("run\n");
    push(e->stream, (struct work){.effect = e});
    return 0;
}

int NvCVImage_Transfer(const struct image *from, struct image *to, float scale, void *stream,
                       struct image *staging)
{
    RULE(from->width == to->width && from->height == to->height && from->format == to->format &&
             from->type == to->type,
         "a transfer between images that differ");
    RULE(from->memory != to->memory && (from->memory == GPU || to->memory == GPU),
         "a transfer that crosses nothing");
    RULE(scale == 1 && staging, "scale %g", (double)scale);
    TELL("transfer %s\n", to->memory == GPU ? "up" : "down");
    push(stream, (struct work){.from = from, .to = to});
    return 0;
}

// Nearest pixels. TrueHDR: each of 8 bits becomes one of 10, red in the lowest.
static void run(const struct effect *e)
{
    const uint8_t *in = real(e->in);
    uint8_t *out = real(e->out);
    for (unsigned y = 0; y < e->out->height; y++)
        for (unsigned x = 0; x < e->out->width; x++) {
            const uint8_t *p = in + (size_t)(y * e->in->height / e->out->height) * (size_t)e->in->pitch +
                               (size_t)(x * e->in->width / e->out->width) * 4;
            uint8_t *q = out + (size_t)y * (size_t)e->out->pitch + (size_t)x * 4;
            uint32_t deep = (uint32_t)p[0] << 2 | (uint32_t)p[1] << 12 | (uint32_t)p[2] << 22 | 3u << 30;
            if (is("black"))
                memset(q, 0, 4);
            else if (e->hdr)
                memcpy(q, &deep, 4);
            else
                memcpy(q, p, 4);
        }
}

int NvVFX_CudaStreamSynchronize(void *stream)
{
    struct stream *s = stream;
    for (int i = 0; i < s->count; i++) {
        const struct work *w = &s->work[i];
        if (w->effect) {
            run(w->effect);
            continue;
        }
        for (unsigned y = 0; y < w->to->height; y++)
            memcpy(real(w->to) + (size_t)y * (size_t)w->to->pitch,
                   real(w->from) + (size_t)y * (size_t)w->from->pitch, (size_t)w->to->width * 4);
    }
    s->count = 0;
    return 0;
}

int NvVFX_CudaStreamDestroy(void *stream)
{
    RULE(!((struct stream *)stream)->count, "a stream is destroyed while it is at work");
    ta_stub_vfx_streams--;
    free(stream);
    return 0;
}

int NvCVImage_Alloc(struct image *m, unsigned width, unsigned height, int format, int type, unsigned layout,
                    unsigned memory, unsigned align)
{
    RULE(layout == 0 && align == 32 && (memory == GPU || memory == PINNED), "layout %u, memory %u, align %u",
         layout, memory, align);
    RULE((format == RGBA && type == U8) || (format == RGB10A2 && type == P32), "format %d, type %d", format,
         type);
    if (is("memory"))
        return -3;
    *m = (struct image){
        .width = width, .height = height, .format = format, .type = type, .memory = (unsigned char)memory};
    m->pitch = (int)((width * 4 + 31) / 32 * 32) + 32; // wider than the picture
    m->pixel_bytes = 4;
    m->component_bytes = 1;
    m->components = 4;
    m->bytes = (unsigned long long)m->pitch * height;
    ta_stub_vfx_images++;
    TELL("alloc %s\n", memory == GPU ? "device" : "pinned");
    if (memory == PINNED) {
        m->pixels = calloc(1, m->bytes);
        return 0;
    }
    for (int i = 0; i < MOST; i++)
        if (!ta_stub_vfx_memory[i].address) {
            m->pixels = mmap(NULL, m->bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            ta_stub_vfx_memory[i] = (struct ta_stub_vfx_memory){m->pixels, calloc(1, m->bytes), m->bytes};
            return 0;
        }
    return -3;
}

void NvCVImage_Dealloc(struct image *m)
{
    ta_stub_vfx_images--;
    for (int i = 0; i < MOST && m->memory == GPU; i++)
        if (ta_stub_vfx_memory[i].address == m->pixels) {
            munmap(m->pixels, ta_stub_vfx_memory[i].bytes);
            free(ta_stub_vfx_memory[i].real);
            memset(&ta_stub_vfx_memory[i], 0, sizeof ta_stub_vfx_memory[i]);
        }
    if (m->memory != GPU)
        free(m->pixels);
    memset(m, 0, sizeof *m);
}

const char *NvCV_GetErrorStringFromCode(int code)
{
    return code == -12 ? "initialization\x1b[2J" : "some trouble";
}

__attribute__((destructor)) static void ended(void)
{
    if (getenv("TA_STUB_VFX_LOG") && (ta_stub_vfx_images || ta_stub_vfx_effects || ta_stub_vfx_streams))
        fprintf(stderr, "stub: broken: %d images, %d effects, %d streams are left\n", ta_stub_vfx_images,
                ta_stub_vfx_effects, ta_stub_vfx_streams);
}
