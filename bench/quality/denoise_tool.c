// Denoisers side by side on pictures whose original is known, and their speed. Used by denoise.py.
//
//     denoise_tool score WIDTH HEIGHT CLIP DEPTH SIGMA BAND STRENGTH STAGE...
//     denoise_tool speed WIDTH HEIGHT CLIP DEPTH FRAMES ROUNDS STRENGTH STAGE...
//
// CLIP holds raw yuv420p frames of 8 bits. score adds Gaussian noise of SIGMA levels (BAND 1: low-passed
// along rows, as tapes have it) and prints one JSON object for each stage: PSNR of luma and of chroma, of
// what stands still and what moves in luma, and SSIM of both. speed prints the least CPU seconds a frame
// over interleaved rounds, for each set of instructions.
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/frame.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "base/thread.h"
#include "media/av.h"
#include "media/picture/graph.h"
#include "video/chain.h"
#include "video/denoise.h"
#include "video/stages.h"

enum { BLOCK = 8, FIRST = 4 }; // frames before FIRST are for the memory to fill

struct clip {
    int width, height, count, depth;
    AVFrame **truth;
};

static uint64_t random_state = 88172645463325252u;

static double uniform(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (double)(random_state >> 11) / 9007199254740992.0;
}

static double gaussian(void)
{
    double a = sqrt(-2 * log(uniform() + 1e-12)), b = 6.283185307179586 * uniform();
    return a * cos(b);
}

static int width_of(const AVFrame *f, int plane)
{
    return plane ? (f->width + 1) / 2 : f->width;
}

static int height_of(const AVFrame *f, int plane)
{
    return plane ? (f->height + 1) / 2 : f->height;
}

static int get(const AVFrame *f, int plane, int x, int y)
{
    const uint8_t *row = f->data[plane] + (ptrdiff_t)y * f->linesize[plane];
    return f->format == AV_PIX_FMT_YUV420P ? row[x] : ((const uint16_t *)(const void *)row)[x];
}

static void put(AVFrame *f, int plane, int x, int y, int value)
{
    uint8_t *row = f->data[plane] + (ptrdiff_t)y * f->linesize[plane];
    if (f->format == AV_PIX_FMT_YUV420P)
        row[x] = (uint8_t)value;
    else
        ((uint16_t *)(void *)row)[x] = (uint16_t)value;
}

static AVFrame *new_frame(const struct clip *c)
{
    AVFrame *f = av_frame_alloc();
    f->width = c->width;
    f->height = c->height;
    f->format = c->depth == 8    ? AV_PIX_FMT_YUV420P
                : c->depth == 10 ? AV_PIX_FMT_YUV420P10
                                 : AV_PIX_FMT_YUV420P16;
    if (av_frame_get_buffer(f, 64) < 0)
        abort();
    return f;
}

static bool read_clip(struct clip *c, const char *path, int limit)
{
    FILE *file = fopen(path, "rb");
    size_t luma = (size_t)c->width * (size_t)c->height;
    size_t size = luma + 2 * (size_t)((c->width + 1) / 2) * (size_t)((c->height + 1) / 2);
    uint8_t *bytes = malloc(size);
    c->truth = calloc((size_t)limit, sizeof *c->truth);
    while (file && bytes && c->count < limit && fread(bytes, 1, size, file) == size) {
        AVFrame *f = c->truth[c->count++] = new_frame(c);
        const uint8_t *p = bytes;
        for (int plane = 0; plane < 3; plane++)
            for (int y = 0; y < height_of(f, plane); y++)
                for (int x = 0; x < width_of(f, plane); x++)
                    put(f, plane, x, y, *p++ << (c->depth - 8));
    }
    free(bytes);
    if (file)
        fclose(file);
    return c->count > FIRST;
}

// The same noise for every call with the same clip and sigma.
static AVFrame **add_noise(const struct clip *c, double sigma, bool band)
{
    AVFrame **noisy = ta_xcalloc((size_t)c->count, sizeof *noisy);
    random_state = 88172645463325252u + (uint64_t)(sigma * 16);
    int max = (1 << c->depth) - 1;
    for (int i = 0; i < c->count; i++) {
        noisy[i] = new_frame(c);
        noisy[i]->pts = i;
        double before[2] = {0};
        for (int plane = 0; plane < 3; plane++)
            for (int y = 0; y < height_of(noisy[i], plane); y++)
                for (int x = 0; x < width_of(noisy[i], plane); x++) {
                    double e = gaussian(), v = band ? (before[1] + 2 * before[0] + e) / sqrt(6) : e;
                    before[1] = before[0];
                    before[0] = e;
                    double s = get(c->truth[i], plane, x, y) + v * sigma * (1 << (c->depth - 8));
                    put(noisy[i], plane, x, y, s < 0 ? 0 : s > max ? max : (int)(s + 0.5));
                }
    }
    return noisy;
}

struct output {
    AVFrame **frames; // NULL: not kept
    int count;
};

static int keep(void *receiver, AVFrame *frame)
{
    struct output *o = receiver;
    if (o->frames)
        o->frames[o->count] = frame;
    else
        av_frame_free(&frame);
    o->count++;
    return 0;
}

// A stage's chain, or what its text says in libavfilter's own filter.
struct runner {
    struct ta_chain *chain;
    struct ta_graph *graph;
};

static int push(struct runner *r, AVFrame *frame, struct output *out)
{
    if (r->chain)
        return ta_chain_push(r->chain, frame, keep, out);
    int err = ta_graph_push(r->graph, frame);
    for (AVFrame *got = NULL; err >= 0 && (err = ta_graph_pull(r->graph, &got)) >= 0 && got;)
        keep(out, got);
    return err;
}

static int begin(struct runner *r, const struct ta_stage_plan *plan, bool by_libavfilter)
{
    *r = (struct runner){NULL, NULL};
    if (!by_libavfilter)
        return ta_chain_create(&r->chain, plan, 1, NULL);
    char *text = ta_chain_text(plan, 1);
    int err = ta_graph_create(&r->graph, text, &plan->in, NULL, NULL);
    free(text);
    return err;
}

// Frames in turn, `total` of them, through a stage ("libavfilter denoise.hqdn3d": through the filter of that
// name). Returns CPU seconds, without the setting up.
static double run(const struct clip *c, const char *name, const char *strength, AVFrame **frames, int total,
                  struct output *out)
{
    struct ta_format f = {.width = c->width,
                          .height = c->height,
                          .pix_fmt = (enum AVPixelFormat)frames[0]->format,
                          .sar = {1, 1},
                          .frame_rate = {25, 1},
                          .time_base = {1, 25}};
    static const char prefix[] = "libavfilter ";
    bool by_libavfilter = strncmp(name, prefix, strlen(prefix)) == 0;
    const struct ta_stage_info *info = ta_stage_find(name + (by_libavfilter ? strlen(prefix) : 0));
    struct ta_stage_plan plan;
    struct runner runner;
    if (!info || info->options != ta_denoise_options)
        abort();
    ta_stage_plan_init(&plan, info, &f);
    double *v = ((struct ta_denoise_opts *)plan.opts)->strength.v;
    if (sscanf(strength, "%lf:%lf:%lf:%lf", &v[0], &v[1], &v[2], &v[3]) != 4 ||
        ta_stage_plan_configure(&plan, NULL) < 0 || begin(&runner, &plan, by_libavfilter) < 0)
        abort();
    double start = ta_cpu_seconds();
    for (int i = 0; i < total; i++) {
        AVFrame *a = av_frame_clone(frames[i % c->count]);
        a->pts = i;
        if (push(&runner, a, out) < 0)
            abort();
    }
    push(&runner, NULL, out);
    double seconds = ta_cpu_seconds() - start;
    ta_chain_destroy(&runner.chain);
    ta_graph_destroy(&runner.graph);
    ta_stage_plan_release(&plan);
    return seconds;
}

struct sum {
    double error, samples;
};

static double psnr(struct sum s, int depth)
{
    double max = (1 << depth) - 1;
    return s.samples > 0 ? 10 * log10(max * max / (s.error / s.samples + 1e-9)) : 0;
}

// Of blocks of 8 x 8 at every fourth place.
static double ssim(const AVFrame *a, const AVFrame *b, int plane, int depth)
{
    double total = 0, max = (1 << depth) - 1, n = BLOCK * BLOCK;
    double c1 = 1e-4 * max * max, c2 = 9e-4 * max * max;
    int blocks = 0;
    for (int y = 0; y + BLOCK <= height_of(a, plane); y += BLOCK / 2)
        for (int x = 0; x + BLOCK <= width_of(a, plane); x += BLOCK / 2) {
            double sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;
            for (int j = 0; j < BLOCK; j++)
                for (int i = 0; i < BLOCK; i++) {
                    double p = get(a, plane, x + i, y + j), q = get(b, plane, x + i, y + j);
                    sa += p;
                    sb += q;
                    saa += p * p;
                    sbb += q * q;
                    sab += p * q;
                }
            double ma = sa / n, mb = sb / n, va = saa / n - ma * ma, vb = sbb / n - mb * mb,
                   ab = sab / n - ma * mb;
            total += (2 * ma * mb + c1) * (2 * ab + c2) / ((ma * ma + mb * mb + c1) * (va + vb + c2));
            blocks++;
        }
    return blocks ? total / blocks : 1;
}

// Whether the original moves at a block of luma: by more than 1.5 levels in the mean.
static bool moves(const struct clip *c, int frame, int x, int y)
{
    int sum = 0;
    for (int j = 0; j < BLOCK; j++)
        for (int i = 0; i < BLOCK; i++)
            sum += abs(get(c->truth[frame], 0, x + i, y + j) - get(c->truth[frame - 1], 0, x + i, y + j));
    return sum * 2 > 3 * BLOCK * BLOCK << (c->depth - 8);
}

static void score(const struct clip *c, AVFrame **got, const char *name)
{
    struct sum luma = {0, 0}, chroma = {0, 0}, part[2] = {{0, 0}, {0, 0}};
    double ssim_luma = 0, ssim_chroma = 0;
    int scored = 0;
    for (int k = FIRST; k < c->count; k++) {
        const AVFrame *a = c->truth[k], *b = got[k];
        for (int plane = 0; plane < 3; plane++)
            for (int y = 0; y < height_of(a, plane); y++)
                for (int x = 0; x < width_of(a, plane); x++) {
                    double d = get(a, plane, x, y) - get(b, plane, x, y);
                    struct sum *s = plane ? &chroma : &luma;
                    s->error += d * d;
                    s->samples++;
                }
        for (int y = 0; y + BLOCK <= c->height; y += BLOCK)
            for (int x = 0; x + BLOCK <= c->width; x += BLOCK) {
                struct sum *s = &part[moves(c, k, x, y)];
                for (int i = 0; i < BLOCK * BLOCK; i++) {
                    double d = get(a, 0, x + i % BLOCK, y + i / BLOCK) -
                               get(b, 0, x + i % BLOCK, y + i / BLOCK);
                    s->error += d * d;
                    s->samples++;
                }
            }
        if (k % 4 && k != c->count - 1)
            continue;
        ssim_luma += ssim(a, b, 0, c->depth);
        ssim_chroma += (ssim(a, b, 1, c->depth) + ssim(a, b, 2, c->depth)) / 2;
        scored++;
    }
    printf("{\"stage\": \"%s\", \"psnr_y\": %.3f, \"psnr_c\": %.3f, \"still\": %.3f, \"moving\": %.3f, "
           "\"ssim_y\": %.5f, \"ssim_c\": %.5f}\n",
           name, psnr(luma, c->depth), psnr(chroma, c->depth), psnr(part[0], c->depth),
           psnr(part[1], c->depth), ssim_luma / scored, ssim_chroma / scored);
}

static int score_stages(const struct clip *c, char **argv, int stages)
{
    AVFrame **noisy = add_noise(c, atof(argv[0]), atoi(argv[1]) != 0);
    score(c, noisy, "noisy");
    for (int i = 0; i < stages; i++) {
        struct output out = {ta_xcalloc((size_t)c->count, sizeof *out.frames), 0};
        run(c, argv[3 + i], argv[2], noisy, c->count, &out);
        if (out.count != c->count)
            return 1;
        score(c, out.frames, argv[3 + i]);
        for (int k = 0; k < out.count; k++)
            av_frame_free(&out.frames[k]);
        free(out.frames);
    }
    for (int k = 0; k < c->count; k++)
        av_frame_free(&noisy[k]);
    free(noisy);
    return 0;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int time_stages(const struct clip *c, char **argv, int stages)
{
    static const char *const levels[] = {"sse4.1", "avx2", "avx512"};
    enum { MAX_ROUNDS = 99, MAX_STAGES = 4 };
    int frames = atoi(argv[0]), rounds = atoi(argv[1]);
    if (frames < 1 || rounds < 1 || rounds > MAX_ROUNDS || stages > MAX_STAGES)
        return 2;
    for (size_t l = 0; l < TA_COUNT(levels); l++) {
        unsigned allowed;
        double seconds[MAX_STAGES][MAX_ROUNDS];
        ta_cpu_mask_from_name(levels[l], &allowed);
        ta_cpu_mask(allowed);
        ta_av_apply_cpu_mask();
        for (int r = 0; r < rounds; r++)
            for (int i = 0; i < stages; i++) {
                struct output out = {NULL, 0};
                seconds[i][r] = run(c, argv[3 + i], argv[2], c->truth, frames, &out) / out.count;
            }
        printf("{\"cpu\": \"%s\"", levels[l]);
        for (int i = 0; i < stages; i++) {
            qsort(seconds[i], (size_t)rounds, sizeof *seconds[i], ascending);
            printf(", \"%s\": %.6f", argv[3 + i], seconds[i][0]);
        }
        printf("}\n");
    }
    return 0;
}

int main(int argc, char **argv)
{
    bool speed = argc > 1 && !strcmp(argv[1], "speed");
    if (argc < 10 || (!speed && strcmp(argv[1], "score") != 0)) {
        fprintf(stderr,
                "usage: denoise_tool score WIDTH HEIGHT CLIP DEPTH SIGMA BAND STRENGTH STAGE...\n"
                "       denoise_tool speed WIDTH HEIGHT CLIP DEPTH FRAMES ROUNDS STRENGTH STAGE...\n");
        return 2;
    }
    struct clip c = {.width = atoi(argv[2]), .height = atoi(argv[3]), .depth = atoi(argv[5])};
    if (c.width < 16 || c.height < 16 || (c.depth != 8 && c.depth != 10 && c.depth != 16) ||
        !read_clip(&c, argv[4], 64)) {
        fprintf(stderr, "denoise_tool: %s has no frames of this size\n", argv[4]);
        return 1;
    }
    int err = speed ? time_stages(&c, argv + 6, argc - 9) : score_stages(&c, argv + 6, argc - 9);
    for (int i = 0; i < c.count; i++)
        av_frame_free(&c.truth[i]);
    free(c.truth);
    return err;
}
