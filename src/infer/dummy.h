// A stand-in for engines, for development and tests: arithmetic that can be predicted, with delays, limits
// and failures that are set. Its "library" is a file of settings; nothing chooses it but --engine dummy.
#ifndef TA_INFER_DUMMY_H
#define TA_INFER_DUMMY_H

#include "infer/engine.h"

// The file begins with this line; the others are "NAME VALUE", in any order, each optional:
//     factor N        each pixel becomes N x N of them, 1 to 8 (2)
//     planes N        3 or 1 (3)
//     add X           to each value (0)
//     device KIND     "gpu": there is one beside the CPU, and "npu" likewise (cpu)
//     version TEXT    (1)
//     load_ms N, call_ms N, frame_ms N    what loading, a call, and each picture in it take besides (0)
//     memory N        a call whose numbers take more bytes fails for want of memory; 0: no limit (0)
//     pinned N        the device has so many bytes of the host's memory to hand out (0)
//     fail_call N     this call fails, counted from 1 over the life of the engine (0: none)
//     fail_times N    and those after it, so many in all (1)
//     fail_as KIND    memory, device or internal (internal)
//     fail_cpu on     the CPU fails as well, not only the device (off)
#define TA_DUMMY_HEAD "terminalai dummy engine"

// What became of the memory that it hands out.
struct ta_dummy_memory {
    int64_t taken, given;   // blocks, over its life
    int64_t bytes;          // held now
    int64_t refused;        // asked for, and not there
    int64_t tensors, there; // in calls that went well: all tensors, and those that lay in it
};
void ta_dummy_get_memory(struct ta_engine *e, struct ta_dummy_memory *out);

extern const struct ta_engine_info ta_engine_dummy;

#endif
