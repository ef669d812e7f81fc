// ONNX Runtime from inside: its table of functions, and what it says when something fails. The table is a
// list of pointers that only ever grows at its end, so their places are all that is needed; no header of the
// vendor.
#ifndef TA_INFER_ONNX_H
#define TA_INFER_ONNX_H

#include <pthread.h>

#include "infer/engine.h"

// Since version 1.22 it has what is used here, plugins among it.
enum { TA_ORT_API = 22 };

// Places in the table.
enum ta_ort_slot {
    ORT_GET_ERROR_CODE = 1,
    ORT_GET_ERROR_MESSAGE = 2,
    ORT_CREATE_ENV_WITH_LOGGER = 4,
    ORT_CREATE_SESSION_FROM_ARRAY = 8,
    ORT_RUN = 9,
    ORT_CREATE_SESSION_OPTIONS = 10,
    ORT_SET_INTRA_OP_THREADS = 24,
    ORT_SET_INTER_OP_THREADS = 25,
    ORT_SESSION_INPUT_COUNT = 30,
    ORT_SESSION_OUTPUT_COUNT = 31,
    ORT_SESSION_INPUT_TYPE = 33,
    ORT_SESSION_OUTPUT_TYPE = 34,
    ORT_SESSION_INPUT_NAME = 36,
    ORT_SESSION_OUTPUT_NAME = 37,
    ORT_CREATE_TENSOR_WITH_DATA = 49,
    ORT_CAST_TYPE_TO_TENSOR = 55,
    ORT_TENSOR_ELEMENT_TYPE = 60,
    ORT_TENSOR_DIM_COUNT = 61,
    ORT_TENSOR_DIMS = 62,
    ORT_CREATE_MEMORY_INFO = 68,
    ORT_CREATE_CPU_MEMORY_INFO = 69,
    ORT_ALLOCATOR_ALLOC = 75,
    ORT_ALLOCATOR_FREE = 76,
    ORT_DEFAULT_ALLOCATOR = 78,
    ORT_RELEASE_ENV = 92,
    ORT_RELEASE_STATUS = 93,
    ORT_RELEASE_MEMORY_INFO = 94,
    ORT_RELEASE_SESSION = 95,
    ORT_RELEASE_VALUE = 96,
    ORT_RELEASE_TYPE = 98,
    ORT_RELEASE_SESSION_OPTIONS = 100,
    ORT_ADD_SESSION_CONFIG = 130,
    ORT_CREATE_ALLOCATOR = 131,
    ORT_RELEASE_ALLOCATOR = 132,
    ORT_CREATE_AND_REGISTER_ALLOCATOR = 144,
    ORT_CREATE_ARENA_CONFIG = 156,
    ORT_RELEASE_ARENA_CONFIG = 157,
    ORT_UNREGISTER_ALLOCATOR = 177,
    ORT_REGISTER_PROVIDER_LIBRARY = 301,
    ORT_UNREGISTER_PROVIDER_LIBRARY = 302,
    ORT_GET_EP_DEVICES = 303,
    ORT_APPEND_PROVIDER_V2 = 304,
    ORT_HARDWARE_TYPE = 307,
    ORT_HARDWARE_VENDOR = 309,
    ORT_EP_DEVICE_NAME = 312,
    ORT_EP_DEVICE_HARDWARE = 316,
    // Since version 1.23:
    ORT_EP_DEVICE_MEMORY_INFO = 374,
    ORT_GET_SHARED_ALLOCATOR = 376,
};

enum { TA_ORT_API_SHARED = 23 }; // memory of a device's provider, which all of its networks share

typedef void (*ta_ort_function)(void);

struct ta_onnx {
    struct ta_engine engine; // first: what is handed out
    const ta_ort_function *table;
    void *env, *memory;
    const void *const *ep_devices; // ORT's, one for each of the engine's devices but the first
    struct ta_log *log;
    char **registered; // plugins, by name
    int registered_count;
    int threads;
    int api;                       // of the table: TA_ORT_API, or TA_ORT_API_SHARED where the library has it
    bool limited;                  // networks share the environment's arena
    pthread_mutex_t lock;          // guards the blocks
    struct ta_onnx_block **blocks; // of memory that was handed out (onnx_memory.c)
    int block_count;
};

// The library has one environment a process, whose arena all engines share: who changes it writes, who makes
// networks with it reads.
extern pthread_rwlock_t ta_onnx_arena_lock;

struct ta_onnx_network {
    struct ta_network network; // first: what is handed out
    int device;
    void *session;
};

// Calls the function of a slot: ORT_CALL(o, ORT_RUN, void *, (void *, int), session, 1). Functions that can
// fail return a status, NULL for success.
#define ORT_CALL(o, slot, type, parameters, ...) ((type(*) parameters)(o)->table[slot])(__VA_ARGS__)
#define ORT_RELEASE(o, slot, p)                             \
    do {                                                    \
        if (p)                                              \
            ORT_CALL(o, slot, void, (void *), (void *)(p)); \
        (p) = NULL;                                         \
    } while (0)

// 0 for NULL; else releases the status and says "WHAT: its text". `why`: the text goes there instead of the
// log.
int ta_onnx_status(struct ta_onnx *o, void *status, const char *what, struct ta_log *log);
int ta_onnx_status_text(struct ta_onnx *o, void *status, struct ta_buf *why);

// Pinned memory of the provider that runs the network, where it has such memory.
void *ta_onnx_take_memory(struct ta_network *n, size_t bytes);
void ta_onnx_give_memory(struct ta_network *n, void *at);
// How numbers that lie there are described to the library: as pinned, or as ordinary memory.
const void *ta_onnx_memory_of(struct ta_onnx *o, const void *at);

int ta_onnx_load(struct ta_engine *e, const void *model, size_t size, int device, struct ta_network **out,
                 struct ta_log *log);
void ta_onnx_unload(struct ta_network *n);
int ta_onnx_run(struct ta_network *n, const struct ta_tensor *in, const struct ta_tensor *out,
                struct ta_log *log);

#endif
