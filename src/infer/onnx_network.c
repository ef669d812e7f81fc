// ONNX Runtime: loading networks and running them.
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "infer/onnx.h"

enum { ORT_FLOAT = 1, ORT_INT64 = 7 }; // of its element types
enum { MAX_TENSORS = 16 };

static int make_options(struct ta_onnx *o, int device, void **out, struct ta_log *log)
{
    static const char what[] = "setting up a network";
    void *options = NULL;
    void *status = ORT_CALL(o, ORT_CREATE_SESSION_OPTIONS, void *, (void **), &options);
    if (!status)
        status = ORT_CALL(o, ORT_SET_INTRA_OP_THREADS, void *, (void *, int), options, o->threads);
    if (!status)
        status = ORT_CALL(o, ORT_SET_INTER_OP_THREADS, void *, (void *, int), options, 1);
    // Threads that wait sleep: others have work for the cores.
    if (!status)
        status = ORT_CALL(o, ORT_ADD_SESSION_CONFIG, void *, (void *, const char *, const char *), options,
                          "session.intra_op.allow_spinning", "0");
    if (!status && o->limited)
        status = ORT_CALL(o, ORT_ADD_SESSION_CONFIG, void *, (void *, const char *, const char *), options,
                          "session.use_env_allocators", "1");
    if (!status && device > 0)
        status = ORT_CALL(
            o, ORT_APPEND_PROVIDER_V2, void *,
            (void *, void *, const void *const *, size_t, const char *const *, const char *const *, size_t),
            options, o->env, &o->ep_devices[device - 1], 1, NULL, NULL, 0);
    int err = ta_onnx_status(o, status, what, log);
    if (err < 0)
        ORT_RELEASE(o, ORT_RELEASE_SESSION_OPTIONS, options);
    *out = options;
    return err;
}

static void *read_type(struct ta_onnx *o, const void *type, struct ta_tensor_shape *shape)
{
    const void *tensor = NULL;
    int element = 0;
    size_t count = 0;
    void *status = ORT_CALL(o, ORT_CAST_TYPE_TO_TENSOR, void *, (const void *, const void **), type, &tensor);
    if (status || !tensor) // sequences and maps: no shape
        return status;
    status = ORT_CALL(o, ORT_TENSOR_ELEMENT_TYPE, void *, (const void *, int *), tensor, &element);
    if (!status)
        status = ORT_CALL(o, ORT_TENSOR_DIM_COUNT, void *, (const void *, size_t *), tensor, &count);
    if (status || count > TA_SHAPE_MAX)
        return status;
    shape->element = element == ORT_FLOAT   ? TA_ELEMENT_FLOAT
                     : element == ORT_INT64 ? TA_ELEMENT_INT64
                                            : TA_ELEMENT_OTHER;
    shape->count = (int)count;
    return ORT_CALL(o, ORT_TENSOR_DIMS, void *, (const void *, int64_t *, size_t), tensor, shape->dim, count);
}

// One input (slots of inputs) or output.
static void *read_shape(struct ta_onnx *o, void *session, size_t i, enum ta_ort_slot type_slot,
                        enum ta_ort_slot name_slot, struct ta_tensor_shape *shape)
{
    void *type = NULL, *allocator = NULL;
    char *name = NULL;
    void *status = ORT_CALL(o, ORT_DEFAULT_ALLOCATOR, void *, (void **), &allocator);
    if (!status)
        status = ORT_CALL(o, name_slot, void *, (const void *, size_t, void *, char **), session, i,
                          allocator, &name);
    if (status)
        return status;
    shape->name = ta_xstrdup(name);
    status = ORT_CALL(o, ORT_ALLOCATOR_FREE, void *, (void *, void *), allocator, name);
    if (!status)
        status = ORT_CALL(o, type_slot, void *, (const void *, size_t, void **), session, i, &type);
    if (!status)
        status = read_type(o, type, shape);
    ORT_RELEASE(o, ORT_RELEASE_TYPE, type);
    return status;
}

static int read_shapes(struct ta_onnx *o, struct ta_onnx_network *n, struct ta_log *log)
{
    size_t in = 0, out = 0;
    void *status = ORT_CALL(o, ORT_SESSION_INPUT_COUNT, void *, (const void *, size_t *), n->session, &in);
    if (!status)
        status = ORT_CALL(o, ORT_SESSION_OUTPUT_COUNT, void *, (const void *, size_t *), n->session, &out);
    if (!status && (in > MAX_TENSORS || out > MAX_TENSORS)) {
        ta_error(log, "the network has %zu inputs and %zu outputs; at most %d can be used", in, out,
                 MAX_TENSORS);
        return TA_ERR_UNSUPPORTED;
    }
    n->network.in = ta_xcalloc(in + 1, sizeof *n->network.in);
    n->network.out = ta_xcalloc(out + 1, sizeof *n->network.out);
    n->network.in_count = (int)in;
    n->network.out_count = (int)out;
    for (size_t i = 0; i < in && !status; i++)
        status = read_shape(o, n->session, i, ORT_SESSION_INPUT_TYPE, ORT_SESSION_INPUT_NAME,
                            &n->network.in[i]);
    for (size_t i = 0; i < out && !status; i++)
        status = read_shape(o, n->session, i, ORT_SESSION_OUTPUT_TYPE, ORT_SESSION_OUTPUT_NAME,
                            &n->network.out[i]);
    return ta_onnx_status(o, status, "reading the network's shapes", log);
}

int ta_onnx_load(struct ta_engine *e, const void *model, size_t size, int device, struct ta_network **out,
                 struct ta_log *log)
{
    struct ta_onnx *o = (struct ta_onnx *)e;
    struct ta_onnx_network *n = ta_xcalloc(1, sizeof *n);
    void *options = NULL;
    *out = NULL;
    n->network.engine = e;
    n->device = device;
    pthread_rwlock_rdlock(&ta_onnx_arena_lock);
    int err = make_options(o, device, &options, log);
    if (err >= 0) {
        void *status = ORT_CALL(o, ORT_CREATE_SESSION_FROM_ARRAY, void *,
                                (void *, const void *, size_t, void *, void **), o->env, model, size, options,
                                &n->session);
        err = ta_onnx_status(o, status, "loading a network", log);
        // It has several codes for files that it can't make sense of, the general one among them.
        if (err == TA_ERR_MISMATCH || (err == TA_ERR_INTERNAL && !device))
            err = TA_ERR_FORMAT;
    }
    pthread_rwlock_unlock(&ta_onnx_arena_lock);
    ORT_RELEASE(o, ORT_RELEASE_SESSION_OPTIONS, options);
    if (err >= 0)
        err = read_shapes(o, n, log);
    if (err < 0) {
        ta_onnx_unload(&n->network);
        return err;
    }
    *out = &n->network;
    return 0;
}

void ta_onnx_unload(struct ta_network *network)
{
    struct ta_onnx_network *n = (struct ta_onnx_network *)network;
    struct ta_onnx *o = (struct ta_onnx *)network->engine;
    ORT_RELEASE(o, ORT_RELEASE_SESSION, n->session);
    ta_network_release(network);
    free(n);
}

// Does what is given fit what the network takes? The engine is asked for nothing that does not.
static int check_tensors(const struct ta_tensor_shape *shapes, const struct ta_tensor *given, int count,
                         const char *what, struct ta_log *log)
{
    for (int i = 0; i < count; i++) {
        // A shape that the file does not tell is the engine's to judge, when it is there.
        bool told = shapes[i].count > 0, whole = shapes[i].element == TA_ELEMENT_INT64;
        bool fits = given[i].count <= TA_SHAPE_MAX && (!told || shapes[i].count == given[i].count);
        for (int d = 0; fits && d < given[i].count; d++)
            fits = given[i].dim[d] >= 1 &&
                   (!told || shapes[i].dim[d] < 0 || shapes[i].dim[d] == given[i].dim[d]);
        if (shapes[i].element == TA_ELEMENT_OTHER) {
            ta_error(log, "the network's %s \"%s\" is neither of 32 bit numbers nor of whole ones of 64 bit",
                     what, shapes[i].name);
            return TA_ERR_UNSUPPORTED;
        }
        if (whole ? !given[i].whole : !given[i].data) {
            ta_error(log, "the network's %s \"%s\" is of %s", what, shapes[i].name,
                     whole ? "whole numbers of 64 bit" : "32 bit numbers");
            return TA_ERR_MISMATCH;
        }
        if (fits)
            continue;
        struct ta_buf text = {0};
        for (int d = 0; d < shapes[i].count; d++)
            ta_buf_printf(&text, shapes[i].dim[d] < 0 ? "%sany" : "%s%lld", d ? " x " : "",
                          (long long)shapes[i].dim[d]);
        ta_buf_puts(&text, ", not ");
        for (int d = 0; d < given[i].count; d++)
            ta_buf_printf(&text, "%s%lld", d ? " x " : "", (long long)given[i].dim[d]);
        ta_error(log, "the network's %s \"%s\" is %s", what, shapes[i].name, ta_buf_text(&text));
        ta_buf_release(&text);
        return TA_ERR_MISMATCH;
    }
    return 0;
}

static void *wrap(const struct ta_onnx_network *n, const struct ta_tensor *t, enum ta_element element,
                  void **out)
{
    struct ta_onnx *o = (struct ta_onnx *)n->network.engine;
    bool whole = element == TA_ELEMENT_INT64;
    size_t bytes = whole ? sizeof *t->whole : sizeof *t->data;
    for (int d = 0; d < t->count; d++)
        bytes *= (size_t)t->dim[d];
    void *at = whole ? (void *)t->whole : (void *)t->data;
    return ORT_CALL(o, ORT_CREATE_TENSOR_WITH_DATA, void *,
                    (const void *, void *, size_t, const int64_t *, size_t, int, void **),
                    n->device ? ta_onnx_memory_of(o, at) : o->memory, at, bytes, t->dim, (size_t)t->count,
                    whole ? ORT_INT64 : ORT_FLOAT, out);
}

int ta_onnx_run(struct ta_network *network, const struct ta_tensor *in, const struct ta_tensor *out,
                struct ta_log *log)
{
    struct ta_onnx_network *n = (struct ta_onnx_network *)network;
    struct ta_onnx *o = (struct ta_onnx *)network->engine;
    void *given[MAX_TENSORS] = {0}, *made[MAX_TENSORS] = {0}, *status = NULL;
    const char *in_names[MAX_TENSORS], *out_names[MAX_TENSORS];
    int err = check_tensors(network->in, in, network->in_count, "input", log);
    if (err >= 0)
        err = check_tensors(network->out, out, network->out_count, "output", log);
    if (err < 0)
        return err;
    for (int i = 0; i < network->in_count && !status; i++) {
        in_names[i] = network->in[i].name;
        status = wrap(n, &in[i], network->in[i].element, &given[i]);
    }
    for (int i = 0; i < network->out_count && !status; i++) {
        out_names[i] = network->out[i].name;
        status = wrap(n, &out[i], network->out[i].element, &made[i]);
    }
    if (!status)
        status = ORT_CALL(o, ORT_RUN, void *,
                          (void *, const void *, const char *const *, const void *const *, size_t,
                           const char *const *, size_t, void **),
                          n->session, NULL, in_names, (const void *const *)given, (size_t)network->in_count,
                          out_names, (size_t)network->out_count, made);
    for (int i = 0; i < MAX_TENSORS; i++) {
        ORT_RELEASE(o, ORT_RELEASE_VALUE, given[i]);
        ORT_RELEASE(o, ORT_RELEASE_VALUE, made[i]);
    }
    // Of what failed on a device nothing says whether the network or the device is to blame; the shapes fit.
    err = ta_onnx_status(o, status, "running a network", log);
    return err == TA_ERR_INTERNAL && n->device ? TA_ERR_DEVICE : err;
}
