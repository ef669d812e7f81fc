#include "infer/network_session.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/env.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "infer/onnx_blend.h"
#include "infer/onnx_file.h"
#include "infer/runtimes.h"

#define LARGEST_FILE ((size_t)1 << 30) // bytes; networks for pictures are a hundredth of it
enum { LIVES = 16 };                   // how often a device may fail in a process

struct loaded {
    struct ta_network *network;
    atomic_bool lost;
};

struct wish {
    const struct ta_network_plan *model;
    struct ta_engine *engine;
    int device;
};

static void unload(void *handle)
{
    struct loaded *l = handle;
    ta_network_unload(&l->network);
    free(l);
}

// One file, checked by its sum.
static int read_planned(const struct wish *w, const char *path, const char *wanted, struct ta_buf *file,
                        struct ta_log *log)
{
    struct ta_onnx_facts facts;
    char sum[TA_SHA256_HEX] = "";
    int err = ta_file_read(path, LARGEST_FILE, file, log);
    if (err >= 0)
        ta_sha256_hex(ta_buf_text(file), file->size, sum);
    if (err >= 0 && strcmp(sum, wanted) != 0) {
        ta_error(log, "%s: the network is not the one that was planned with: it has changed", path);
        err = TA_ERR_MISMATCH;
    }
    // Other engines than the real ones need no file of a network.
    if (err >= 0 && w->engine->info == &ta_engine_onnx)
        err = ta_onnx_file_check(&facts, ta_buf_text(file), file->size, log);
    return err;
}

static int load(void *priv, void **handle, size_t *bytes, const struct ta_cancel *cancel, struct ta_log *log)
{
    const struct wish *w = priv;
    const struct ta_network_plan *m = w->model;
    struct ta_buf file = {0}, other = {0};
    struct loaded *l = ta_xcalloc(1, sizeof *l);
    (void)cancel;
    int err = read_planned(w, m->model, m->sum, &file, log);
    if (err >= 0 && m->share > 0)
        err = read_planned(w, m->other, m->other_sum, &other, log);
    if (err >= 0 && m->share > 0 && w->engine->info == &ta_engine_onnx)
        err = ta_onnx_blend(file.data, file.size, other.data, other.size, m->share, log);
    if (err >= 0)
        err = w->engine->info->load(w->engine, ta_buf_text(&file), file.size, w->device, &l->network, log);
    *bytes = 2 * file.size; // as it is kept, and prepared
    *handle = l;
    ta_buf_release(&file);
    ta_buf_release(&other);
    if (err < 0)
        free(l);
    return err;
}

// The engine as planned, and the number of its device.
static int find_device(const struct ta_env *env, const struct ta_network_plan *m, bool on_cpu,
                       struct ta_log *log, struct wish *w)
{
    *w = (struct wish){.model = m};
    if (!env->runtimes || !env->sessions) {
        ta_error(log, "there is no engine here");
        return TA_ERR_UNSUPPORTED;
    }
    int err = ta_runtimes_get(env->runtimes, m->engine, m->threads, log, &w->engine);
    if (err < 0)
        return err;
    if (!w->engine->info->load) {
        ta_error(log, "%s runs no networks", m->engine);
        return TA_ERR_UNSUPPORTED;
    }
    if (strcmp(w->engine->version, m->runtime) != 0) {
        ta_error(log,
                 "planned with %s %s, and here is %s: plan again, or name the other with --engine-library",
                 m->engine, m->runtime, w->engine->version);
        return TA_ERR_MISMATCH;
    }
    if (on_cpu)
        return 0;
    for (w->device = 0; w->device < w->engine->device_count; w->device++)
        if (!strcmp(w->engine->devices[w->device].provider, m->provider))
            return 0;
    ta_error(log, "planned for %s, which is not here: plan again, with --device cpu for example",
             m->provider);
    return TA_ERR_MISMATCH;
}

int ta_network_session_get(const struct ta_env *env, const struct ta_network_plan *m, bool on_cpu,
                           struct ta_log *log, const struct ta_session **out)
{
    struct wish w;
    *out = NULL;
    int err = find_device(env, m, on_cpu, log, &w);
    const struct ta_session_loader loader = {load, unload, &w};
    // All that loading depends on. Shapes are the file's: what it leaves open it takes at any length, so that
    // films of different sizes share a load.
    for (int life = 0; err >= 0 && life < LIVES; life++) {
        char *key = ta_xprintf("%s|%s %.6f|%s %s|%s|%d|%zu|%d", m->sum, m->share > 0 ? m->other_sum : "-",
                               m->share, m->engine, m->runtime, w.engine->devices[w.device].provider,
                               m->threads, ta_runtimes_memory(env->runtimes), life);
        err = ta_sessions_get(env->sessions, key, &loader, env->cancel, log, out);
        free(key);
        if (err < 0 || !atomic_load(&((struct loaded *)(*out)->handle)->lost))
            return err;
        ta_sessions_put(env->sessions, out);
    }
    if (err >= 0)
        ta_error(log, "%s has failed %d times", m->provider, LIVES);
    return err < 0 ? err : TA_ERR_DEVICE;
}

struct ta_network *ta_network_of(const struct ta_session *s)
{
    return ((struct loaded *)s->handle)->network;
}

void ta_network_session_lost(const struct ta_session *s)
{
    atomic_store(&((struct loaded *)s->handle)->lost, true);
}
