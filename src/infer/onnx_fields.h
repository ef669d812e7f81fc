// The fields of an .onnx file, for those that read one without an engine. A file is protobuf: fields with a
// number and a type, in any order, nested.
#ifndef TA_INFER_ONNX_FIELDS_H
#define TA_INFER_ONNX_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The messages of the file, as far as something in them is of interest.
enum ta_onnx_kind {
    TA_ONNX_OTHER,
    TA_ONNX_MODEL,
    TA_ONNX_OPERATOR_SET,
    TA_ONNX_GRAPH,
    TA_ONNX_NODE,
    TA_ONNX_ATTRIBUTE,
    TA_ONNX_TENSOR,
    TA_ONNX_SPARSE,
    TA_ONNX_FUNCTION,
    TA_ONNX_TRAINING,
    TA_ONNX_EXTERNAL, // a pair of key and value
};

enum { TA_ONNX_DEEPEST = 60 }; // as many as real files never have, few enough for the stack

enum { TA_ONNX_TENSOR_TYPE = 2, TA_ONNX_TENSOR_FLOATS = 4, TA_ONNX_TENSOR_RAW = 9 }; // fields of a tensor

struct ta_onnx_span {
    const uint8_t *at, *end;
};

struct ta_onnx_field {
    unsigned number;
    bool is_bytes;
    uint64_t value;            // of numbers
    struct ta_onnx_span bytes; // of the rest
};

// The next field; `s` is left behind it. False: there is none that makes sense.
bool ta_onnx_read_field(struct ta_onnx_span *s, struct ta_onnx_field *f);
// What a field of bytes holds that lies in such a message.
enum ta_onnx_kind ta_onnx_kind_of(enum ta_onnx_kind in, unsigned field);

#endif
