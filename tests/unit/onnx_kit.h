// Networks written byte by byte, and ONNX Runtime to run them: what the tests of it share.
#ifndef TA_TESTS_ONNX_KIT_H
#define TA_TESTS_ONNX_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "infer/engine.h"
#include "recipe/engine_places.h"

static inline void put_varint(struct ta_buf *b, uint64_t n)
{
    for (; n > 127; n >>= 7)
        ta_buf_putc(b, (char)(n | 128));
    ta_buf_putc(b, (char)n);
}

static inline void put_number(struct ta_buf *b, int field, uint64_t n)
{
    put_varint(b, (uint64_t)field << 3);
    put_varint(b, n);
}

static inline void put_bytes(struct ta_buf *b, int field, const void *data, size_t size)
{
    put_varint(b, (uint64_t)field << 3 | 2);
    put_varint(b, size);
    ta_buf_append(b, data, size);
}

static inline void put_text(struct ta_buf *b, int field, const char *text)
{
    put_bytes(b, field, text, strlen(text));
}

static inline void put_inside(struct ta_buf *b, int field, struct ta_buf *inner)
{
    put_bytes(b, field, ta_buf_text(inner), inner->size);
    ta_buf_release(inner);
}

enum { FLOAT = 1, INT64 = 7, DOUBLE = 11 };

enum { INPUT = 11, OUTPUT = 12 }; // fields of a graph

// An input or output. `sides`: so many dimensions, 0 for any length; -1: the file does not tell its shape.
static inline void put_value(struct ta_buf *graph, int field, const char *name, int type, int sides,
                             const int *side)
{
    struct ta_buf shape = {0}, tensor = {0}, kind = {0}, value = {0};
    for (int i = 0; i < sides; i++) {
        struct ta_buf one = {0};
        if (side[i])
            put_number(&one, 1, (uint64_t)side[i]);
        else
            put_text(&one, 2, "n");
        put_inside(&shape, 1, &one);
    }
    put_number(&tensor, 1, (uint64_t)type);
    if (sides >= 0)
        put_inside(&tensor, 2, &shape);
    put_inside(&kind, 1, &tensor);
    put_text(&value, 1, name);
    put_inside(&value, 2, &kind);
    put_inside(graph, field, &value);
}

static inline void put_node(struct ta_buf *graph, const char *op, const char *a, const char *b,
                            const char *out)
{
    struct ta_buf node = {0};
    put_text(&node, 1, a);
    put_text(&node, 1, b);
    put_text(&node, 2, out);
    put_text(&node, 4, op);
    put_inside(graph, 1, &node);
}

// The network of a graph, which is released.
static inline struct ta_buf model_of(struct ta_buf *graph)
{
    struct ta_buf set = {0}, model = {0};
    put_text(graph, 2, "test");
    put_number(&set, 2, 13);
    put_number(&model, 1, 8);
    put_inside(&model, 7, graph);
    put_inside(&model, 8, &set);
    return model;
}

// Opens the library of the build folder, or skips the test.
static inline struct ta_engine *open_engine(size_t memory_bytes, struct ta_log *log)
{
    const char *root = getenv("TA_SOURCE_ROOT");
    char *folder = ta_xprintf("%s/build/engines", root ? root : ".");
    struct ta_engine_places places;
    struct ta_engine *e = NULL;
    ta_engine_places_find(&places, &ta_engine_onnx, folder);
    free(folder);
    struct ta_engine_config config = {
        .libraries = (const char *const *)places.libraries, .threads = 2, .memory_bytes = memory_bytes};
    int err = ta_engine_onnx.open(&e, &config, log);
    ta_engine_places_release(&places);
    if (err == TA_ERR_NOT_FOUND)
        skip();
    assert_int_equal(err, 0);
    return e;
}

#endif
