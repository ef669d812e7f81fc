// Tiny networks in the form of those for sound, written byte by byte.
#ifndef TA_TESTS_SOUND_NETWORK_MAKER_H
#define TA_TESTS_SOUND_NETWORK_MAKER_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "audio/network.h"
#include "base/mem.h"

#include "onnx_kit.h"

static inline void put_shape(struct ta_buf *graph, const char *name, int count, const int64_t *numbers)
{
    struct ta_buf t = {0};
    put_number(&t, 1, (uint64_t)count);
    put_number(&t, 2, INT64);
    put_text(&t, 8, name);
    put_bytes(&t, 9, numbers, (size_t)count * sizeof *numbers);
    put_inside(graph, 5, &t);
}

static inline void put_weights(struct ta_buf *graph, const char *name, int sides, const int *side,
                               const float *numbers)
{
    struct ta_buf t = {0};
    size_t count = 1;
    for (int i = 0; i < sides; i++) {
        put_number(&t, 1, (uint64_t)side[i]);
        count *= (size_t)side[i];
    }
    put_number(&t, 2, FLOAT);
    put_text(&t, 8, name);
    put_bytes(&t, 9, numbers, count * sizeof *numbers);
    put_inside(graph, 5, &t);
}

// `inputs` are parted by blanks; `list`: an attribute of whole numbers ("axes=1,2"), one without a comma is
// a single number, NULL none.
static inline void put_op(struct ta_buf *graph, const char *op, const char *inputs, const char *out,
                          const char *list)
{
    struct ta_buf node = {0};
    char *copy = ta_xstrdup(inputs), *rest = copy;
    for (char *name; (name = strtok_r(rest, " ", &rest));)
        put_text(&node, 1, name);
    put_text(&node, 2, out);
    put_text(&node, 4, op);
    if (list) {
        struct ta_buf a = {0};
        const char *equals = strchr(list, '=');
        bool several = strchr(list, ',') != NULL;
        put_bytes(&a, 1, list, (size_t)(equals - list));
        for (const char *p = equals; p; p = strchr(p + 1, ',')) {
            int number = atoi(p + 1);
            if (p[1]) // a list of one ends with a comma
                put_number(&a, several ? 8 : 3, (uint64_t)(int64_t)number);
        }
        put_number(&a, 20, several ? 7 : 2);
        put_inside(&node, 5, &a);
    }
    put_inside(graph, 1, &node);
    free(copy);
}

static inline void put_values(struct ta_buf *graph, int field, const struct ta_sound_tensor *list)
{
    for (; list->name; list++) {
        int side[TA_SHAPE_MAX];
        for (int i = 0; i < list->count; i++)
            side[i] = (int)list->dim[i];
        put_value(graph, field, list->name, FLOAT, list->count, side);
    }
}

static inline char *save(struct ta_buf *graph)
{
    struct ta_buf model = model_of(graph);
    char *path = ta_xstrdup("/tmp/ta_sound_network_XXXXXX");
    int fd = mkstemp(path);
    assert_int_equal(write(fd, ta_buf_text(&model), model.size), model.size);
    close(fd);
    ta_buf_release(&model);
    return path;
}

// The first of DeepFilterNet3's: maps are the newest frame's real parts, what was heard is its bands' mean.
static inline char *tiny_conv(void)
{
    static const struct ta_sound_tensor in[] = {{"feat_erb", 4, {1, 1, 3, 32}},
                                                {"feat_spec", 4, {1, 2, 3, 96}},
                                                {0}},
                                        out[] = {{"e0", 4, {1, 64, 1, 32}},
                                                 {"e1", 4, {1, 64, 1, 16}},
                                                 {"e2", 4, {1, 64, 1, 8}},
                                                 {"e3", 4, {1, 64, 1, 8}},
                                                 {"c0", 4, {1, 64, 1, 96}},
                                                 {"emb", 3, {1, 1, 256}},
                                                 {0}};
    struct ta_buf g = {0};
    put_weights(&g, "zero", 4, (int[]){1, 1, 1, 1}, (float[]){0});
    for (int i = 0; i < 4; i++) {
        char *shape = ta_xprintf("s%d", i), *name = ta_xprintf("e%d", i),
             *from = ta_xprintf("zero %s", shape);
        put_shape(&g, shape, 4, (int64_t[]){1, 64, 1, (int64_t[]){32, 16, 8, 8}[i]});
        put_op(&g, "Expand", from, name, NULL);
        free(shape);
        free(name);
        free(from);
    }
    put_shape(&g, "first", 2, (int64_t[]){0, 2});
    put_shape(&g, "last", 2, (int64_t[]){1, 3});
    put_shape(&g, "sides", 2, (int64_t[]){1, 2});
    put_shape(&g, "maps", 4, (int64_t[]){1, 64, 1, 96});
    put_shape(&g, "one", 3, (int64_t[]){1, 1, 1});
    put_shape(&g, "heard", 3, (int64_t[]){1, 1, 256});
    put_op(&g, "Slice", "feat_spec first last sides", "real", NULL);
    put_op(&g, "Expand", "real maps", "c0", NULL);
    put_op(&g, "Slice", "feat_erb first last sides", "empty", NULL); // rows 0 of 1, frame 2
    put_op(&g, "ReduceMean", "empty", "mean", "keepdims=1");
    put_op(&g, "Reshape", "mean one", "number", NULL);
    put_op(&g, "Expand", "number heard", "emb", NULL);
    put_values(&g, INPUT, in);
    put_values(&g, OUTPUT, out);
    return save(&g);
}

static inline char *tiny_gru(void)
{
    static const struct ta_sound_tensor in[] = {{"emb", 3, {1, 0, 256}}, {"h0", 3, {1, 1, 256}}, {0}},
                                        out[] = {{"emb_out", 3, {1, 0, 512}},
                                                 {"lsnr", 3, {1, 0, 1}},
                                                 {"h1", 3, {1, 1, 256}},
                                                 {0}};
    struct ta_buf g = {0};
    put_op(&g, "Concat", "emb emb", "emb_out", "axis=2");
    put_op(&g, "ReduceMean", "emb", "lsnr", "axes=2,");
    put_op(&g, "Add", "h0 h0", "h1", NULL);
    put_values(&g, INPUT, in);
    put_values(&g, OUTPUT, out);
    return save(&g);
}

// All gains are a half.
static inline char *tiny_gains(void)
{
    static const struct ta_sound_tensor in[] = {{"emb", 3, {1, 0, 512}},
                                                {"e3", 4, {1, 64, 0, 8}},
                                                {"e2", 4, {1, 64, 0, 8}},
                                                {"e1", 4, {1, 64, 0, 16}},
                                                {"e0", 4, {1, 64, 0, 32}},
                                                {"erb_h0", 3, {2, 1, 256}},
                                                {0}},
                                        out[] = {{"m", 4, {1, 1, 0, 32}}, {"erb_h1", 3, {2, 1, 256}}, {0}};
    struct ta_buf g = {0};
    put_weights(&g, "half", 1, (int[]){1}, (float[]){0.5f});
    put_op(&g, "ReduceMean", "e0", "mean", "axes=1,");
    put_op(&g, "Add", "mean half", "m", NULL);
    put_op(&g, "Add", "erb_h0 erb_h0", "erb_h1", NULL);
    put_values(&g, INPUT, in);
    put_values(&g, OUTPUT, out);
    return save(&g);
}

static const float deep_weights[10] = {0.02f, -0.03f, 0.05f, 0.01f, 0.3f, 0, -0.02f, 0.04f, 0.01f, 0.03f};

// Filters are these weights, times what was heard in sum since the start and of the maps in five frames.
static inline char *tiny_deep(void)
{
    static const struct ta_sound_tensor
        in[] = {{"emb", 3, {1, 0, 512}}, {"c0", 4, {1, 64, 0, 96}}, {"df_h0", 3, {2, 1, 256}}, {0}},
        out[] = {{"coefs", 4, {1, 0, 96, 10}}, {"235", 3, {1, 0, 1}}, {"df_h1", 3, {2, 1, 256}}, {0}};
    struct ta_buf g = {0};
    put_weights(&g, "weights", 1, (int[]){10}, deep_weights);
    put_weights(&g, "kernel", 4, (int[]){1, 1, 5, 1}, (float[]){1, 1, 1, 1, 1});
    put_shape(&g, "along", 1, (int64_t[]){1});
    put_shape(&g, "last", 1, (int64_t[]){-1});
    put_shape(&g, "end", 1, (int64_t[]){INT32_MAX});
    put_shape(&g, "state", 3, (int64_t[]){2, 1, 256});
    put_shape(&g, "form", 4, (int64_t[]){1, -1, 1, 1});
    put_op(&g, "ReduceMean", "emb", "235", "axes=2,");
    put_op(&g, "CumSum", "235 along", "since", NULL);
    put_op(&g, "ReduceMean", "df_h0", "before", "keepdims=0");
    put_op(&g, "Add", "since before", "sum", NULL);
    put_op(&g, "Slice", "sum last end along", "newest", NULL);
    put_op(&g, "Expand", "newest state", "df_h1", NULL);
    put_op(&g, "Reshape", "sum form", "by_state", NULL);
    put_op(&g, "ReduceMean", "c0", "map", "axes=1,");
    put_op(&g, "Conv", "map kernel", "five", "pads=4,0,0,0");
    put_op(&g, "Transpose", "five", "by_frames", "perm=0,2,3,1");
    put_op(&g, "Add", "by_state by_frames", "both", NULL);
    put_op(&g, "Mul", "both weights", "coefs", NULL);
    put_values(&g, INPUT, in);
    put_values(&g, OUTPUT, out);
    return save(&g);
}

#endif
