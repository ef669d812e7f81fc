// Two sets of weights of one network mixed into one.
#ifndef TA_INFER_ONNX_BLEND_H
#define TA_INFER_ONNX_BLEND_H

#include <stddef.h>

struct ta_log;

// Mixes the numbers of the second file into those of the first, in place: share 0 leaves the first, 1 makes
// the second. The files, both checked by ta_onnx_file_check(), must be the same network, field by field, but
// for the numbers of tensors of 16 or 32 bit floats. TA_ERR_MISMATCH after a message when they are not; then
// the first may be half mixed.
int ta_onnx_blend(void *data, size_t size, const void *other, size_t other_size, double share,
                  struct ta_log *log);

#endif
