// ONNX Runtime: memory of the host that a device reads and writes without a copy between.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "infer/onnx.h"

enum { ORT_HOST_ACCESSIBLE = 5, ORT_ARENA_OF_DEVICE = 0, ORT_CPU_OUTPUT = -1 }; // of its kinds of memory

struct ta_onnx_block {
    uint8_t *at;
    size_t bytes;
    void *allocator;
    const void *info;
    bool own; // the allocator and its description are of this block alone
};

// Nothing is said of what there is not: ordinary memory does as well, only slower.
static bool drop_status(struct ta_onnx *o, void *status)
{
    bool ok = !status;
    ORT_RELEASE(o, ORT_RELEASE_STATUS, status);
    return ok;
}

// What the provider says of itself: memory for all networks on the device.
static void find_shared(struct ta_onnx *o, int device, struct ta_onnx_block *b)
{
    if (o->api < TA_ORT_API_SHARED)
        return;
    b->info = ORT_CALL(o, ORT_EP_DEVICE_MEMORY_INFO, const void *, (const void *, int),
                       o->ep_devices[device - 1], ORT_HOST_ACCESSIBLE);
    if (!b->info ||
        !drop_status(o, ORT_CALL(o, ORT_GET_SHARED_ALLOCATOR, void *, (void *, const void *, void **), o->env,
                                 b->info, &b->allocator)))
        b->allocator = NULL;
}

// The number that the provider has for the device is not known but for its first one.
static bool is_first(const struct ta_onnx *o, int device)
{
    for (int i = 1; i < device; i++)
        if (!strcmp(o->engine.devices[i].provider, o->engine.devices[device].provider))
            return false;
    return true;
}

// Those that say nothing have it by a name, for one network.
static void find_named(struct ta_onnx *o, const struct ta_onnx_network *n, struct ta_onnx_block *b)
{
    static const struct {
        const char *provider, *memory; // a part of the provider's name
    } names[] = {{"CUDA", "CudaPinned"}, {"Tensorrt", "CudaPinned"}, {"TensorRT", "CudaPinned"}};
    const char *provider = o->engine.devices[n->device].provider, *memory = NULL;
    void *info = NULL;
    for (size_t i = 0; i < TA_COUNT(names) && !memory; i++)
        if (strstr(provider, names[i].provider))
            memory = names[i].memory;
    if (!memory || !is_first(o, n->device) ||
        !drop_status(o, ORT_CALL(o, ORT_CREATE_MEMORY_INFO, void *, (const char *, int, int, int, void **),
                                 memory, ORT_ARENA_OF_DEVICE, 0 /* the first */, ORT_CPU_OUTPUT, &info)))
        return;
    if (drop_status(o, ORT_CALL(o, ORT_CREATE_ALLOCATOR, void *, (const void *, const void *, void **),
                                n->session, info, &b->allocator))) {
        b->info = info;
        b->own = true;
    } else {
        b->allocator = NULL;
        ORT_RELEASE(o, ORT_RELEASE_MEMORY_INFO, info);
    }
}

static void release_allocator(struct ta_onnx *o, struct ta_onnx_block *b)
{
    if (!b->own)
        return;
    ORT_RELEASE(o, ORT_RELEASE_ALLOCATOR, b->allocator);
    ORT_RELEASE(o, ORT_RELEASE_MEMORY_INFO, b->info);
}

void *ta_onnx_take_memory(struct ta_network *network, size_t bytes)
{
    struct ta_onnx_network *n = (struct ta_onnx_network *)network;
    struct ta_onnx *o = (struct ta_onnx *)network->engine;
    struct ta_onnx_block *b;
    void *at = NULL;
    if (!n->device)
        return NULL;
    b = ta_xcalloc(1, sizeof *b);
    find_shared(o, n->device, b);
    if (!b->allocator)
        find_named(o, n, b);
    if (b->allocator && !drop_status(o, ORT_CALL(o, ORT_ALLOCATOR_ALLOC, void *, (void *, size_t, void **),
                                                 b->allocator, bytes, &at)))
        at = NULL;
    if (!at) {
        release_allocator(o, b);
        free(b);
        return NULL;
    }
    b->at = at;
    b->bytes = bytes;
    pthread_mutex_lock(&o->lock);
    o->blocks = ta_xrealloc(o->blocks, (size_t)(o->block_count + 1) * sizeof *o->blocks);
    o->blocks[o->block_count++] = b;
    pthread_mutex_unlock(&o->lock);
    return at;
}

// Under the lock. The place in the list; -1: in none.
static int find_block(const struct ta_onnx *o, const void *at)
{
    for (int i = 0; i < o->block_count; i++) {
        uintptr_t begin = (uintptr_t)o->blocks[i]->at;
        if ((uintptr_t)at >= begin && (uintptr_t)at - begin < o->blocks[i]->bytes)
            return i;
    }
    return -1;
}

void ta_onnx_give_memory(struct ta_network *network, void *at)
{
    struct ta_onnx *o = (struct ta_onnx *)network->engine;
    pthread_mutex_lock(&o->lock);
    int i = find_block(o, at);
    struct ta_onnx_block *b = i >= 0 ? o->blocks[i] : NULL;
    if (b)
        o->blocks[i] = o->blocks[--o->block_count];
    pthread_mutex_unlock(&o->lock);
    if (!b)
        return;
    drop_status(o, ORT_CALL(o, ORT_ALLOCATOR_FREE, void *, (void *, void *), b->allocator, b->at));
    release_allocator(o, b);
    free(b);
}

const void *ta_onnx_memory_of(struct ta_onnx *o, const void *at)
{
    pthread_mutex_lock(&o->lock);
    int i = find_block(o, at);
    const void *info = i >= 0 ? o->blocks[i]->info : o->memory;
    pthread_mutex_unlock(&o->lock);
    return info;
}
