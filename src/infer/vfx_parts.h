// NVIDIA VFX from inside: what its libraries export, declared from the vendor's public documentation.
#ifndef TA_INFER_VFX_PARTS_H
#define TA_INFER_VFX_PARTS_H

#include <assert.h>
#include <stddef.h>

#include "infer/vfx.h"

struct ta_vfx_image {
    unsigned width, height;
    int pitch, pixel_format, component_type;
    unsigned char pixel_bytes, component_bytes, components, planar, memory, colourspace, reserved[2];
    void *pixels, *to_delete;
    void (*deleter)(void *);
    unsigned long long bytes;
};
static_assert(sizeof(void *) != 8 ||
                  (sizeof(struct ta_vfx_image) == 64 && offsetof(struct ta_vfx_image, pixel_bytes) == 20 &&
                   offsetof(struct ta_vfx_image, pixels) == 32 && offsetof(struct ta_vfx_image, bytes) == 56),
              "the vendor's layout of an image");

enum { VFX_RGBA = 6, VFX_RGB10A2 = 13 };           // pixel formats
enum { VFX_U8 = 1, VFX_P32 = 11 };                 // component types
enum { VFX_CHUNKY = 0 };                           // layouts
enum { VFX_CPU = 0, VFX_GPU = 1, VFX_PINNED = 2 }; // memory
enum { VFX_ALIGN = 32 };                           // of rows, in bytes

// X(result, name, parameters): from libVideoFX, then libNVCVImage.
#define TA_VFX_FUNCTIONS(X)                                                                       \
    X(int, NvVFX_GetVersion, (unsigned *))                                                        \
    X(int, NvVFX_CreateEffect, (const char *, void **))                                           \
    X(void, NvVFX_DestroyEffect, (void *))                                                        \
    X(int, NvVFX_SetU32, (void *, const char *, unsigned))                                        \
    X(int, NvVFX_SetImage, (void *, const char *, struct ta_vfx_image *))                         \
    X(int, NvVFX_SetCudaStream, (void *, const char *, void *))                                   \
    X(int, NvVFX_Load, (void *))                                                                  \
    X(int, NvVFX_Run, (void *, int))                                                              \
    X(int, NvVFX_CudaStreamCreate, (void **))                                                     \
    X(int, NvVFX_CudaStreamDestroy, (void *))                                                     \
    X(int, NvVFX_CudaStreamSynchronize, (void *))                                                 \
    X(int, NvCVImage_Alloc,                                                                       \
      (struct ta_vfx_image *, unsigned, unsigned, int, int, unsigned, unsigned, unsigned))        \
    X(void, NvCVImage_Dealloc, (struct ta_vfx_image *))                                           \
    X(int, NvCVImage_Transfer,                                                                    \
      (const struct ta_vfx_image *, struct ta_vfx_image *, float, void *, struct ta_vfx_image *)) \
    X(const char *, NvCV_GetErrorStringFromCode, (int))

struct ta_vfx_engine {
    struct ta_engine engine; // first: what is handed out
#define X(result, name, parameters) result(*name) parameters;
    TA_VFX_FUNCTIONS(X)
#undef X
};

// 0 for 0; else says what it means and what to do.
int ta_vfx_status(const struct ta_vfx_engine *e, int status, const char *what, struct ta_log *log);

#endif
