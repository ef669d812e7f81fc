#include "infer/onnx_fields.h"

#include "base/mem.h"

// Fields that hold messages.
static const struct {
    enum ta_onnx_kind in;
    unsigned field;
    enum ta_onnx_kind holds;
} nested[] = {
    {TA_ONNX_MODEL, 7, TA_ONNX_GRAPH},         {TA_ONNX_MODEL, 8, TA_ONNX_OPERATOR_SET},
    {TA_ONNX_MODEL, 20, TA_ONNX_TRAINING},     {TA_ONNX_MODEL, 25, TA_ONNX_FUNCTION},
    {TA_ONNX_GRAPH, 1, TA_ONNX_NODE},          {TA_ONNX_GRAPH, 5, TA_ONNX_TENSOR},
    {TA_ONNX_GRAPH, 15, TA_ONNX_SPARSE},       {TA_ONNX_NODE, 5, TA_ONNX_ATTRIBUTE},
    {TA_ONNX_ATTRIBUTE, 5, TA_ONNX_TENSOR},    {TA_ONNX_ATTRIBUTE, 6, TA_ONNX_GRAPH},
    {TA_ONNX_ATTRIBUTE, 10, TA_ONNX_TENSOR},   {TA_ONNX_ATTRIBUTE, 11, TA_ONNX_GRAPH},
    {TA_ONNX_ATTRIBUTE, 22, TA_ONNX_SPARSE},   {TA_ONNX_ATTRIBUTE, 23, TA_ONNX_SPARSE},
    {TA_ONNX_TENSOR, 13, TA_ONNX_EXTERNAL},    {TA_ONNX_SPARSE, 1, TA_ONNX_TENSOR},
    {TA_ONNX_SPARSE, 2, TA_ONNX_TENSOR},       {TA_ONNX_FUNCTION, 7, TA_ONNX_NODE},
    {TA_ONNX_FUNCTION, 11, TA_ONNX_ATTRIBUTE}, {TA_ONNX_TRAINING, 1, TA_ONNX_GRAPH},
    {TA_ONNX_TRAINING, 2, TA_ONNX_GRAPH},
};

static bool read_varint(struct ta_onnx_span *s, uint64_t *out)
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

bool ta_onnx_read_field(struct ta_onnx_span *s, struct ta_onnx_field *f)
{
    uint64_t tag, size = 0;
    *f = (struct ta_onnx_field){0};
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
    f->bytes = (struct ta_onnx_span){s->at, s->at + size};
    s->at += size;
    return true;
}

enum ta_onnx_kind ta_onnx_kind_of(enum ta_onnx_kind in, unsigned field)
{
    for (size_t i = 0; i < TA_COUNT(nested); i++)
        if (nested[i].in == in && nested[i].field == field)
            return nested[i].holds;
    return TA_ONNX_OTHER;
}
