// Engines: libraries of others that run neural networks. They are opened at run time from where the user has
// them; nothing is linked, and everything else works without them.
#ifndef TA_INFER_ENGINE_H
#define TA_INFER_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ta_buf;
struct ta_engine;
struct ta_log;
struct ta_network;

enum ta_device_kind { TA_DEVICE_CPU, TA_DEVICE_GPU, TA_DEVICE_NPU, TA_DEVICE_OTHER };
const char *ta_device_kind_name(enum ta_device_kind kind); // "cpu", "gpu", "npu", "other"

struct ta_engine_device {
    enum ta_device_kind kind;
    char *provider; // the part of the engine that drives it, as the engine calls it; "CPUExecutionProvider"
    char *vendor;   // of the hardware; "" when nobody says
};

// An add-on of an engine, for devices that it does not know by itself.
struct ta_engine_plugin {
    const char *name; // NULL ends a list
    const char *file; // below a folder of packages, or its path
};

// What an engine may use. Borrowed during open().
struct ta_engine_config {
    const char *const *libraries;           // files to try in this order; NULL ends it
    const struct ta_engine_plugin *plugins; // with paths; a name of NULL ends it; NULL: none
    int threads;                            // on the CPU, for each network; 0 is 1
    size_t memory_bytes;                    // for what networks compute with on the CPU; 0: no limit
};

enum { TA_SHAPE_MAX = 8 };

enum ta_element {
    TA_ELEMENT_OTHER, // is listed but can't be run
    TA_ELEMENT_FLOAT, // 32 bit
    TA_ELEMENT_INT64,
};

// An input or output of a network.
struct ta_tensor_shape {
    char *name;
    enum ta_element element;
    int count;                 // dimensions; 0: one number, or whatever comes out when it runs
    int64_t dim[TA_SHAPE_MAX]; // -1: any
};

// Numbers for one input or output, dense, the last dimension first in memory. What a network keeps from call
// to call (recurrent state) is an input and an output like the others: its user gives back what came out. An
// output whose size the file leaves open has the size that its user knows; another one is TA_ERR_MISMATCH.
struct ta_tensor {
    float *data; // borrowed
    int count;
    int64_t dim[TA_SHAPE_MAX]; // all >= 1
    int64_t *whole;            // borrowed, instead of `data`, where the element is TA_ELEMENT_INT64
};

// Everything returns 0 or TA_ERR_* after a message: NOMEM out of memory or beyond the limit, FORMAT not a
// network (or not a library of this kind), UNSUPPORTED more than the engine can do, MISMATCH other shapes,
// NOT_FOUND no library, INTERNAL what the engine could not explain.
struct ta_engine_info {
    const char *name;
    const char *summary; // what it is, a phrase
    const char *advice;  // how to get it, a phrase
    // Where Python's packages keep it, and what the system calls it; patterns of glob().
    const char *package, *file, *system_file;
    const struct ta_engine_plugin *plugins; // files below a folder of packages
    // Opens the first library that works. A plugin that does not work is a note.
    int (*open)(struct ta_engine **out, const struct ta_engine_config *config, struct ta_log *log);
    void (*close)(struct ta_engine *e); // after its networks
    // Another ta_engine_config.memory_bytes, for networks that are loaded from now on; those that are keep
    // theirs. Any thread. NULL: it has no such limit.
    int (*limit_memory)(struct ta_engine *e, size_t bytes, struct ta_log *log);
    // A network from the bytes of its file, on devices[device]; `model` is not used after it returned.
    int (*load)(struct ta_engine *e, const void *model, size_t size, int device, struct ta_network **out,
                struct ta_log *log);
    void (*unload)(struct ta_network *n);
    // One batch: as many tensors as the network has inputs and outputs, in its order (which
    // ta_network_input() finds by name), all in memory of the caller, none of it in two tensors, but that
    // inputs may share. May be called by several threads at a time.
    int (*run)(struct ta_network *n, const struct ta_tensor *in, const struct ta_tensor *out,
               struct ta_log *log);
    // Memory of the host that the network's device reads and writes directly (infer/numbers.h); NULL: it has
    // none, for this device or any more. Both NULL where an engine knows no such thing. Tensors of any
    // network may lie in it, in whole or in part. Any thread.
    void *(*take_memory)(struct ta_network *n, size_t bytes);
    void (*give_memory)(struct ta_network *n, void *at); // before the network is unloaded
    // Of engines that run no networks but have effects of their own (infer/vfx.h): load, unload and run are
    // NULL, and this proves that a device works. NULL for the others.
    int (*test)(struct ta_engine *e, int device, struct ta_log *log);
};

// What is open. The fields belong to the engine. Thread-safety: Safe, except open and close.
struct ta_engine {
    const struct ta_engine_info *info;
    char *library, *version;
    struct ta_engine_device *devices; // the first is the CPU, where there are networks
    int device_count;
    char **notes; // what was found and does not work, one line each
    int note_count;
};

struct ta_network {
    struct ta_engine *engine;
    struct ta_tensor_shape *in, *out;
    int in_count, out_count;
};

extern const struct ta_engine_info ta_engine_onnx, ta_engine_nvvfx;
// All engines in the order of lists, NULL-terminated.
extern const struct ta_engine_info *const ta_engines[];

// NULL-safe; *e becomes NULL.
void ta_engine_close(struct ta_engine **e);
void ta_network_unload(struct ta_network **n);

// The place of the input or output of this name; -1: there is none.
int ta_network_input(const struct ta_network *n, const char *name);
int ta_network_output(const struct ta_network *n, const char *name);

// Loads a network of our own on the device and compares what it computes with what is right: what a list
// calls working has worked.
int ta_engine_test(struct ta_engine *e, int device, struct ta_log *log);

// For engines: releases what the fields above own, not the struct.
void ta_engine_release(struct ta_engine *e);
void ta_network_release(struct ta_network *n);
void ta_engine_add_note(struct ta_engine *e, char *note); // takes it

#endif
