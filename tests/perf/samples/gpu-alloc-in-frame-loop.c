// gpu-alloc-in-frame-loop: what makes a device stand still, for each frame.
#include "media.h"

int cudaMalloc(void **p, size_t size);

void each(struct reader *r, void *on_device)
{
    AVFrame frame;
    while (read_frame(r, &frame) >= 0) {
        frame.width = 0;
        cudaMalloc(&on_device, 4096); // finds gpu-alloc-in-frame-loop
    }
    (void)on_device;
}

void once(AVFrame frame, void *on_device)
{
    cudaMalloc(&on_device, 4096);
    (void)frame;
    (void)on_device;
}
