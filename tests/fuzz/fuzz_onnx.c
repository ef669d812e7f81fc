// .onnx files of any content: refused, or counted, and never more in them than there are bytes.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "infer/onnx_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ta_onnx_facts facts;
    int err = ta_onnx_file_check(&facts, data, size, NULL);
    if (facts.weights < 0 || facts.nodes < 0 || (uint64_t)facts.weights > size ||
        (uint64_t)facts.nodes > size || (err >= 0 && facts.ir_version < 1)) {
        fprintf(stderr, "counted what is not there\n");
        abort();
    }
    return 0;
}
