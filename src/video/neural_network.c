// What the stages that run networks have in common: the network in their options.
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/env.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/thread.h"
#include "base/tuning.h"
#include "video/neural.h"

enum {
    DEVICE_BATCH = 16,
    WHOLE_PIXELS = 1 << 20, // larger pictures are made of tiles ...
    USUAL_TILE = 512,       // ... of this side
    MEMORY_SHARE = 8,       // of the machine's, that batches take at most
};

void ta_neural_set_text(char **field, const char *text)
{
    free(*field);
    *field = ta_xstrdup(text);
}

int ta_neural_network_set(struct ta_neural_network_opts *o, const struct ta_neural_facts *facts,
                          const char *stage, struct ta_log *log)
{
    if (!facts || facts->err < 0) {
        ta_error(log, "%s: %s", stage, facts && facts->why ? facts->why : "no network was looked for");
        return facts && facts->err < 0 ? facts->err : TA_ERR_USAGE;
    }
    ta_neural_set_text(&o->file, facts->model);
    ta_neural_set_text(&o->sum, facts->sum);
    ta_neural_set_text(&o->engine, facts->engine);
    ta_neural_set_text(&o->runtime, facts->runtime);
    ta_neural_set_text(&o->provider, facts->provider);
    o->on_device = facts->on_device;
    o->threads = facts->threads;
    o->white = facts->white;
    return 0;
}

bool ta_neural_is_file(const char *path, const char *sum)
{
    return path && path[0] == '/' && sum && strlen(sum) == TA_SHA256_HEX - 1 &&
           strspn(sum, "0123456789abcdef") == TA_SHA256_HEX - 1;
}

int ta_neural_network_check(const struct ta_neural_network_opts *o, struct ta_buf *why)
{
    if (ta_neural_is_file(o->file, o->sum) && o->engine && o->runtime && o->provider)
        return 0;
    ta_buf_puts(why, "takes a network by a path from the root, with its checksum and engine");
    return TA_ERR_INVALID;
}

int ta_neural_tile_check(int64_t tile, struct ta_buf *why)
{
    if (tile <= 0 || tile >= TA_TILE_MIN)
        return 0;
    ta_buf_printf(why, "takes tiles of 0 or %d pixels and more", TA_TILE_MIN);
    return TA_ERR_INVALID;
}

int ta_neural_tile(int64_t tile, int width, int height)
{
    return tile ? (int)tile : (int64_t)width * height > WHOLE_PIXELS ? USUAL_TILE : 0;
}

void ta_neural_network_runtime(const struct ta_neural_network_opts *o, struct ta_buf *text)
{
    ta_buf_printf(text, "%s %s %s", o->engine ? o->engine : "", o->runtime ? o->runtime : "",
                  o->provider ? o->provider : "");
}

void ta_neural_network_needs(const struct ta_neural_network_opts *o, int64_t each, const struct ta_env *env,
                             struct ta_stage_needs *n)
{
    int batch = ta_tuning_batch(env->tuning, o->on_device ? o->provider : "cpu",
                                o->on_device ? DEVICE_BATCH : 1);
    if (env->batch > 0 && (!env->tuning || env->tuning->engine_batching))
        batch = env->batch;
    batch = TA_MAX(1, TA_MIN(batch, TA_BATCH_MAX));
    while (!env->batch && batch > 1 && batch * each > ta_machine_memory_bytes() / MEMORY_SHARE)
        batch /= 2;
    n->frames = batch;
    n->bytes = batch * each;
}
