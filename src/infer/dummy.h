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
//     fail_call N     this call fails, counted from 1 over the life of the engine (0: none)
//     fail_times N    and those after it, so many in all (1)
//     fail_as KIND    memory, device or internal (internal)
//     fail_cpu on     the CPU fails as well, not only the device (off)
#define TA_DUMMY_HEAD "terminalai dummy engine"

extern const struct ta_engine_info ta_engine_dummy;

#endif
