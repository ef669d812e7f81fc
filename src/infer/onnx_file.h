// What an .onnx file says about itself, read without any engine: files come from anywhere, and what they name
// must not be opened.
#ifndef TA_INFER_ONNX_FILE_H
#define TA_INFER_ONNX_FILE_H

#include <stddef.h>
#include <stdint.h>

struct ta_log;

struct ta_onnx_facts {
    int64_t ir_version; // of the form of the file
    int64_t operators;  // version of ONNX's own operators; 0 when it is not told
    int64_t nodes;      // in all graphs and functions of the file
    int64_t weights;    // bytes that tensors hold as raw data
};

// The whole of a file in memory. Everything in it is looked at, as deep as it goes: TA_ERR_FORMAT for what is
// not an ONNX file; TA_ERR_UNSUPPORTED when numbers of it lie in other files, whose names are told. Both
// after a message. Nothing is allocated that outlives the call.
int ta_onnx_file_check(struct ta_onnx_facts *facts, const void *data, size_t size, struct ta_log *log);

#endif
