#include "infer/onnx_file.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"

// The messages of the file, as far as something in them is of interest. An .onnx file is protobuf: fields
// with a number and a type, in any order, nested.
enum kind {
    OTHER,
    MODEL,
    OPERATOR_SET,
    GRAPH,
    NODE,
    ATTRIBUTE,
    TENSOR,
    SPARSE,
    FUNCTION,
    TRAINING,
    EXTERNAL, // a pair of key and value
};

// Fields that hold messages.
static const struct {
    enum kind in;
    unsigned field;
    enum kind holds;
} nested[] = {
    {MODEL, 7, GRAPH},       {MODEL, 8, OPERATOR_SET}, {MODEL, 20, TRAINING},     {MODEL, 25, FUNCTION},
    {GRAPH, 1, NODE},        {GRAPH, 5, TENSOR},       {GRAPH, 15, SPARSE},       {NODE, 5, ATTRIBUTE},
    {ATTRIBUTE, 5, TENSOR},  {ATTRIBUTE, 6, GRAPH},    {ATTRIBUTE, 10, TENSOR},   {ATTRIBUTE, 11, GRAPH},
    {ATTRIBUTE, 22, SPARSE}, {ATTRIBUTE, 23, SPARSE},  {TENSOR, 13, EXTERNAL},    {SPARSE, 1, TENSOR},
    {SPARSE, 2, TENSOR},     {FUNCTION, 7, NODE},      {FUNCTION, 11, ATTRIBUTE}, {TRAINING, 1, GRAPH},
    {TRAINING, 2, GRAPH},
};

enum { DEEPEST = 60 }; // as many as real files never have, few enough for the stack

enum {
    MODEL_IR_VERSION = 1,
    SET_DOMAIN = 1,
    SET_VERSION = 2,
    TENSOR_RAW = 9,
    TENSOR_LOCATION = 14, // 1: in another file
    PAIR_KEY = 1,
    PAIR_VALUE = 2,
};

struct span {
    const uint8_t *at, *end;
};

struct reader {
    struct ta_onnx_facts *facts;
    bool has_graph, external;
    struct ta_buf files; // that hold its numbers
};

static bool read_varint(struct span *s, uint64_t *out)
{
    *out = 0;
    for (int shift = 0; shift < 70 && s->at < s->end; shift += 7) {
        uint8_t byte = *s->at++;
        if (shift < 64)
            *out |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return true;
    }
    return false;
}

struct field {
    unsigned number;
    bool is_bytes;
    uint64_t value;    // of numbers
    struct span bytes; // of the rest
};

static bool read_field(struct span *s, struct field *f)
{
    uint64_t tag, size = 0;
    *f = (struct field){0};
    if (!read_varint(s, &tag))
        return false;
    f->number = (unsigned)((uint32_t)tag >> 3);
    switch (tag & 7) {
    case 0:
        return f->number && read_varint(s, &f->value);
    case 1:
        size = 8;
        break;
    case 2:
        f->is_bytes = true;
        if (!read_varint(s, &size))
            return false;
        break;
    case 5:
        size = 4;
        break;
    default: // groups, which ONNX never had
        return false;
    }
    if (!f->number || size > (uint64_t)(s->end - s->at))
        return false;
    f->bytes = (struct span){s->at, s->at + size};
    s->at += size;
    return true;
}

static enum kind kind_of(enum kind in, unsigned field)
{
    for (size_t i = 0; i < TA_COUNT(nested); i++)
        if (nested[i].in == in && nested[i].field == field)
            return nested[i].holds;
    return OTHER;
}

static void note_number(struct reader *r, enum kind in, const struct field *f)
{
    if (in == MODEL && f->number == MODEL_IR_VERSION)
        r->facts->ir_version = (int64_t)f->value;
    if (in == TENSOR && f->number == TENSOR_LOCATION)
        r->external |= f->value == 1;
}

// The name of another file: the value behind the key "location".
static bool note_pair(struct reader *r, struct span s)
{
    struct field f, key = {0}, value = {0};
    while (s.at < s.end) {
        if (!read_field(&s, &f))
            return false;
        if (f.is_bytes && f.number == PAIR_KEY)
            key = f;
        if (f.is_bytes && f.number == PAIR_VALUE)
            value = f;
    }
    r->external = true;
    size_t size = (size_t)(key.bytes.end - key.bytes.at);
    if (size != strlen("location") || memcmp(key.bytes.at, "location", size) != 0 || r->files.size > 200 ||
        !value.bytes.at) // a key without a value names nothing
        return true;
    char *name = ta_xstrndup((const char *)value.bytes.at, (size_t)(value.bytes.end - value.bytes.at));
    struct ta_buf quoted = {0};
    ta_buf_quote(&quoted, name);
    if (!strstr(ta_buf_text(&r->files), ta_buf_text(&quoted)))
        ta_buf_printf(&r->files, "%s%s", r->files.size ? ", " : "", ta_buf_text(&quoted));
    ta_buf_release(&quoted);
    free(name);
    return true;
}

// The version of a set of operators; ONNX's own have no domain, or this one.
static bool note_operators(struct reader *r, struct span s)
{
    struct field f;
    int64_t version = 0;
    bool own = true;
    while (s.at < s.end) {
        if (!read_field(&s, &f))
            return false;
        if (f.is_bytes && f.number == SET_DOMAIN) {
            size_t size = (size_t)(f.bytes.end - f.bytes.at);
            own = !size || (size == strlen("ai.onnx") && !memcmp(f.bytes.at, "ai.onnx", size));
        } else if (!f.is_bytes && f.number == SET_VERSION) {
            version = (int64_t)f.value;
        }
    }
    if (own)
        r->facts->operators = version;
    return true;
}

static bool read_message(struct reader *r, enum kind in, struct span s, int depth)
{
    struct field f;
    if (depth > DEEPEST)
        return false;
    while (s.at < s.end) {
        if (!read_field(&s, &f))
            return false;
        enum kind kind = f.is_bytes ? kind_of(in, f.number) : OTHER;
        bool ok = true;
        r->has_graph |= in == MODEL && kind == GRAPH;
        r->facts->nodes += kind == NODE;
        if (!f.is_bytes)
            note_number(r, in, &f);
        else if (in == TENSOR && f.number == TENSOR_RAW)
            r->facts->weights += f.bytes.end - f.bytes.at;
        else if (kind == EXTERNAL)
            ok = note_pair(r, f.bytes);
        else if (kind == OPERATOR_SET)
            ok = note_operators(r, f.bytes);
        else if (kind != OTHER)
            ok = read_message(r, kind, f.bytes, depth + 1);
        if (!ok)
            return false;
    }
    return true;
}

int ta_onnx_file_check(struct ta_onnx_facts *facts, const void *data, size_t size, struct ta_log *log)
{
    struct reader r = {.facts = facts};
    struct span all = {data, (const uint8_t *)data + size};
    int err = 0;
    *facts = (struct ta_onnx_facts){0};
    bool whole = size > 0 && read_message(&r, MODEL, all, 0);
    if (!whole || !r.has_graph || facts->ir_version < 1) {
        ta_error(log, "it is not an ONNX file, or a part of one");
        err = TA_ERR_FORMAT;
    } else if (r.external) {
        ta_error(log, "its numbers lie in other files (%s), which are not opened; save it as one file",
                 r.files.size ? ta_buf_text(&r.files) : "not named");
        err = TA_ERR_UNSUPPORTED;
    }
    ta_buf_release(&r.files);
    return err;
}
