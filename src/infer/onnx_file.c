#include "infer/onnx_file.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "infer/onnx_fields.h"

enum {
    MODEL_IR_VERSION = 1,
    SET_DOMAIN = 1,
    SET_VERSION = 2,
    TENSOR_LOCATION = 14, // 1: in another file
    PAIR_KEY = 1,
    PAIR_VALUE = 2,
};

struct reader {
    struct ta_onnx_facts *facts;
    bool has_graph, external;
    struct ta_buf files; // that hold its numbers
};

static void note_number(struct reader *r, enum ta_onnx_kind in, const struct ta_onnx_field *f)
{
    if (in == TA_ONNX_MODEL && f->number == MODEL_IR_VERSION)
        r->facts->ir_version = (int64_t)f->value;
    if (in == TA_ONNX_TENSOR && f->number == TENSOR_LOCATION)
        r->external |= f->value == 1;
}

// The name of another file: the value behind the key "location".
static bool note_pair(struct reader *r, struct ta_onnx_span s)
{
    struct ta_onnx_field f, key = {0}, value = {0};
    while (s.at < s.end) {
        if (!ta_onnx_read_field(&s, &f))
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
static bool note_operators(struct reader *r, struct ta_onnx_span s)
{
    struct ta_onnx_field f;
    int64_t version = 0;
    bool own = true;
    while (s.at < s.end) {
        if (!ta_onnx_read_field(&s, &f))
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

static bool read_message(struct reader *r, enum ta_onnx_kind in, struct ta_onnx_span s, int depth)
{
    struct ta_onnx_field f;
    if (depth > TA_ONNX_DEEPEST)
        return false;
    while (s.at < s.end) {
        if (!ta_onnx_read_field(&s, &f))
            return false;
        enum ta_onnx_kind kind = f.is_bytes ? ta_onnx_kind_of(in, f.number) : TA_ONNX_OTHER;
        bool ok = true;
        r->has_graph |= in == TA_ONNX_MODEL && kind == TA_ONNX_GRAPH;
        r->facts->nodes += kind == TA_ONNX_NODE;
        if (!f.is_bytes)
            note_number(r, in, &f);
        else if (in == TA_ONNX_TENSOR && f.number == TA_ONNX_TENSOR_RAW)
            r->facts->weights += f.bytes.end - f.bytes.at;
        else if (kind == TA_ONNX_EXTERNAL)
            ok = note_pair(r, f.bytes);
        else if (kind == TA_ONNX_OPERATOR_SET)
            ok = note_operators(r, f.bytes);
        else if (kind != TA_ONNX_OTHER)
            ok = read_message(r, kind, f.bytes, depth + 1);
        if (!ok)
            return false;
    }
    return true;
}

int ta_onnx_file_check(struct ta_onnx_facts *facts, const void *data, size_t size, struct ta_log *log)
{
    struct reader r = {.facts = facts};
    struct ta_onnx_span all = {data, (const uint8_t *)data + size};
    int err = 0;
    *facts = (struct ta_onnx_facts){0};
    bool whole = size > 0 && read_message(&r, TA_ONNX_MODEL, all, 0);
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
