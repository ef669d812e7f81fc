#include "infer/picture_run.h"

#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "infer/numbers.h"
#include "media/av.h"

// One direction of a picture, in tiles of one length that are spread evenly.
struct axis {
    int length; // of the picture
    int tile;   // more than the picture where the network takes no other: the edge is repeated then
    int count;
};

struct ta_picture_run {
    struct ta_picture_run_params p;
    struct axis x, y;
    bool tiled;
    struct ta_numbers tile_in, tile_out; // `batch` of them
    struct ta_log *quiet;                // keeps the first error of a call
    struct ta_buf why;
    bool told_batch, told_tile;
    struct ta_picture_run_stats stats;
};

// ---- where tiles lie ----

static int overlap_of(int tile)
{
    return TA_MIN(TA_TILE_OVERLAP, tile / 2);
}

static struct axis make_axis(int length, int tile, bool fixed)
{
    struct axis a = {length, fixed ? tile : TA_MIN(tile, length), 1};
    int step = a.tile - overlap_of(a.tile);
    if (length > a.tile)
        a.count = 1 + (length - a.tile + step - 1) / step;
    return a;
}

static int start_of(const struct axis *a, int i)
{
    return a->count == 1 ? 0 : (int)((int64_t)i * (a->length - a->tile) / (a->count - 1));
}

// The middle of what tile i shares with the one before it.
static int seam_before(const struct axis *a, int i)
{
    return (start_of(a, i) + start_of(a, i - 1) + a->tile) / 2;
}

// What of a tile counts: from..to of the picture, in its larger pixels.
static void reach_of(const struct axis *a, int i, int factor, int *from, int *to)
{
    int half = TA_TILE_FADE / 2;
    *from = i ? (seam_before(a, i) - half) * factor : 0;
    *to = (i + 1 < a->count ? seam_before(a, i + 1) + half : a->length) * factor;
}

// By how much tile i counts at pixel `at`: with its neighbour's share it is 1.
static float share_of(const struct axis *a, int i, int factor, int at)
{
    int fade = TA_TILE_FADE * factor, half = fade / 2;
    float share = 1;
    if (i) {
        float in = ((float)(at - seam_before(a, i) * factor + half) + 0.5F) / (float)fade;
        share = in < 1 ? in : 1;
    }
    if (i + 1 < a->count) {
        float out = ((float)(at - seam_before(a, i + 1) * factor + half) + 0.5F) / (float)fade;
        share *= out > 0 ? 1 - out : 1;
    }
    return share;
}

// ---- memory ----

static size_t tile_numbers(const struct ta_picture_run *r)
{
    return (size_t)r->p.use.planes * (size_t)r->x.tile * (size_t)r->y.tile;
}

static size_t larger_tile_numbers(const struct ta_picture_run *r)
{
    size_t f = (size_t)r->p.use.factor;
    return (size_t)r->p.made * (size_t)r->x.tile * (size_t)r->y.tile * f * f;
}

static void set_axes(struct ta_picture_run *r)
{
    const struct ta_network_use *use = &r->p.use;
    int tile = r->p.tile ? r->p.tile : TA_MAX(r->p.width, r->p.height);
    r->x = make_axis(r->p.width, use->width ? use->width : tile, use->width > 0);
    r->y = make_axis(r->p.height, use->height ? use->height : tile, use->height > 0);
    r->tiled = use->width > 0 || use->height > 0 || r->x.count > 1 || r->y.count > 1;
}

static int take_tiles(struct ta_picture_run *r, struct ta_log *log)
{
    ta_numbers_give(&r->tile_in);
    ta_numbers_give(&r->tile_out);
    r->stats.bytes = r->stats.pinned = 0;
    set_axes(r);
    if (!r->tiled)
        return 0;
    size_t batch = (size_t)r->p.batch;
    int err = ta_numbers_take(&r->tile_in, r->p.network, batch * tile_numbers(r));
    if (err >= 0)
        err = ta_numbers_take(&r->tile_out, r->p.network, batch * larger_tile_numbers(r));
    r->stats.allocations += 2;
    r->stats.bytes = (int64_t)((r->tile_in.count + r->tile_out.count) * sizeof(float));
    r->stats.pinned = (r->tile_in.from != NULL) + (r->tile_out.from != NULL);
    if (err >= 0)
        return 0;
    ta_error(log, "out of memory for tiles of %d x %d", r->x.tile, r->y.tile);
    return TA_ERR_NOMEM;
}

static void set_params(struct ta_picture_run *r, const struct ta_picture_run_params *params)
{
    r->p = *params;
    if (!r->p.made)
        r->p.made = r->p.use.planes;
    if (r->p.one_a_call)
        r->p.batch = 1;
    set_axes(r);
}

int64_t ta_picture_run_bytes(const struct ta_picture_run_params *params)
{
    struct ta_picture_run r = {0};
    set_params(&r, params);
    size_t numbers = r.tiled ? (size_t)r.p.batch * (tile_numbers(&r) + larger_tile_numbers(&r)) : 0;
    return (int64_t)(numbers * sizeof(float));
}

int ta_picture_run_create(struct ta_picture_run **out, const struct ta_picture_run_params *params,
                          struct ta_log *log)
{
    struct ta_picture_run *r = ta_xcalloc(1, sizeof *r);
    set_params(r, params);
    int err = ta_log_keep_first(&r->quiet, &r->why);
    if (err >= 0)
        err = take_tiles(r, log);
    *out = r;
    if (err < 0)
        ta_picture_run_destroy(out);
    return err;
}

void ta_picture_run_destroy(struct ta_picture_run **run)
{
    struct ta_picture_run *r = *run;
    *run = NULL;
    if (!r)
        return;
    ta_log_destroy(&r->quiet);
    ta_buf_release(&r->why);
    ta_numbers_give(&r->tile_in);
    ta_numbers_give(&r->tile_out);
    free(r);
}

void ta_picture_run_use_network(struct ta_picture_run *r, struct ta_network *network)
{
    r->p.network = network;
}

void ta_picture_run_get_stats(const struct ta_picture_run *r, struct ta_picture_run_stats *stats)
{
    *stats = r->stats;
    stats->tile = r->tiled ? TA_MAX(r->x.tile, r->y.tile) : 0;
    stats->batch = r->p.batch;
}

// ---- calls ----

static int call(struct ta_picture_run *r, float *in, float *out, int count, int width, int height)
{
    int64_t f = r->p.use.factor;
    struct ta_tensor given = {in, 4, {count, r->p.use.planes, height, width}, NULL};
    struct ta_tensor made = {out, 4, {count, r->p.made, height * f, width * f}, NULL};
    double begun = ta_clock_seconds();
    int err = r->p.network->engine->info->run(r->p.network, &given, &made, r->quiet);
    r->stats.busy += ta_clock_seconds() - begun;
    r->stats.calls++;
    return err;
}

// The picture's part under a tile; beyond the picture its edge is repeated.
static void cut(const struct ta_picture_run *r, const float *picture, int tx, int ty, float *to)
{
    int left = start_of(&r->x, tx), top = start_of(&r->y, ty), w = r->p.width, h = r->p.height;
    int inside = TA_MIN(r->x.tile, w - left);
    for (int p = 0; p < r->p.use.planes; p++)
        for (int y = 0; y < r->y.tile; y++, to += r->x.tile) {
            const float *row = picture + ((size_t)p * (size_t)h + (size_t)TA_MIN(top + y, h - 1)) * (size_t)w;
            memcpy(to, row + left, (size_t)inside * sizeof *to);
            for (int x = inside; x < r->x.tile; x++)
                to[x] = to[inside - 1];
        }
}

// Adds a tile by its share: where none fades it is what there is.
static void paste(const struct ta_picture_run *r, const float *tile, int tx, int ty, float *picture)
{
    int f = r->p.use.factor, w = r->p.width * f, h = r->p.height * f, tw = r->x.tile * f, th = r->y.tile * f;
    int x0, x1, y0, y1, left = start_of(&r->x, tx) * f, top = start_of(&r->y, ty) * f;
    reach_of(&r->x, tx, f, &x0, &x1);
    reach_of(&r->y, ty, f, &y0, &y1);
    for (int p = 0; p < r->p.made; p++)
        for (int y = y0; y < y1; y++) {
            const float *from = tile + ((size_t)p * (size_t)th + (size_t)(y - top)) * (size_t)tw - left;
            float *to = picture + ((size_t)p * (size_t)h + (size_t)y) * (size_t)w;
            float down = share_of(&r->y, ty, f, y);
            for (int x = x0; x < x1; x++)
                to[x] += from[x] * down * share_of(&r->x, tx, f, x);
        }
}

static size_t picture_numbers(const struct ta_picture_run *r)
{
    return (size_t)r->p.use.planes * (size_t)r->p.width * (size_t)r->p.height;
}

static size_t larger_numbers(const struct ta_picture_run *r)
{
    size_t f = (size_t)r->p.use.factor;
    return (size_t)r->p.made * (size_t)r->p.width * (size_t)r->p.height * f * f;
}

static int run_tiles(struct ta_picture_run *r, const float *in, float *out, int count,
                     const struct ta_cancel *cancel)
{
    int each = r->x.count * r->y.count;
    size_t picture = picture_numbers(r), larger = larger_numbers(r), tile = tile_numbers(r);
    memset(out, 0, (size_t)count * larger * sizeof *out);
    for (int first = 0; first < count * each; first += r->p.batch) {
        int n = TA_MIN(r->p.batch, count * each - first);
        if (ta_canceled(cancel))
            return TA_ERR_CANCELED;
        for (int i = 0; i < n; i++)
            cut(r, in + (size_t)((first + i) / each) * picture, (first + i) % each % r->x.count,
                (first + i) % each / r->x.count, r->tile_in.at + (size_t)i * tile);
        int err = call(r, r->tile_in.at, r->tile_out.at, n, r->x.tile, r->y.tile);
        if (err < 0)
            return err;
        for (int i = 0; i < n; i++)
            paste(r, r->tile_out.at + (size_t)i * larger_tile_numbers(r), (first + i) % each % r->x.count,
                  (first + i) % each / r->x.count, out + (size_t)((first + i) / each) * larger);
    }
    return 0;
}

static int run_whole(struct ta_picture_run *r, float *in, float *out, int count,
                     const struct ta_cancel *cancel)
{
    int err = 0;
    for (int i = 0; i < count && err >= 0; i += r->p.batch) {
        if (ta_canceled(cancel))
            return TA_ERR_CANCELED;
        err = call(r, in + (size_t)i * picture_numbers(r), out + (size_t)i * larger_numbers(r),
                   TA_MIN(r->p.batch, count - i), r->p.width, r->p.height);
    }
    return err;
}

// Asks for less at a time. False: there is no less.
static bool make_smaller(struct ta_picture_run *r, struct ta_log *log)
{
    bool fixed = r->p.use.width > 0 || r->p.use.height > 0;
    int side = r->tiled ? TA_MAX(r->x.tile, r->y.tile) : TA_MAX(r->p.width, r->p.height);
    if (r->p.batch > 1) {
        r->p.batch /= 2;
        if (!r->told_batch)
            ta_warn(log, "the engine has not enough memory: it gets %d pictures at a time from here on",
                    r->p.batch);
        r->told_batch = true;
    } else if (!fixed && side / 2 >= TA_TILE_MIN) {
        r->p.tile = side / 2;
        if (!r->told_tile)
            ta_warn(log, "the engine has not enough memory: it gets tiles of %d pixels from here on",
                    r->p.tile);
        r->told_tile = true;
    } else {
        return false;
    }
    return take_tiles(r, log) >= 0;
}

int ta_picture_run(struct ta_picture_run *r, float *in, float *out, int count, const struct ta_cancel *cancel,
                   struct ta_log *log)
{
    for (;;) {
        int err = r->tiled ? run_tiles(r, in, out, count, cancel) : run_whole(r, in, out, count, cancel);
        if (err >= 0)
            r->stats.pictures += count;
        if (err >= 0 || err == TA_ERR_CANCELED)
            return err;
        bool again = err == TA_ERR_NOMEM && make_smaller(r, log);
        const char *why = r->why.size ? ta_buf_text(&r->why) : ta_error_text(err);
        if (!again) // a device that is gone may come back: what becomes of it, the caller tells
            ta_log_message(log, err == TA_ERR_DEVICE ? TA_LOG_WARN : TA_LOG_ERROR, "%s", why);
        // Whatever it kept is told; the next failure is another.
        ta_log_destroy(&r->quiet);
        ta_buf_clear(&r->why);
        if (ta_log_keep_first(&r->quiet, &r->why) < 0 || !again)
            return err;
    }
}
