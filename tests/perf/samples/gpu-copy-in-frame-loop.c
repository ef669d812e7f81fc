// gpu-copy-in-frame-loop: what makes a device stand still, for each frame.
#include "media.h"

int cudaMemcpy(void *to, const void *from, size_t size, int how);

void each(struct reader *r, void *on_device)
{
    AVFrame frame;
    while (read_frame(r, &frame) >= 0) {
        frame.width = 0;
        cudaMemcpy(on_device, frame.data[0], 4096, 1); // finds gpu-copy-in-frame-loop
    }
    (void)on_device;
}

void once(AVFrame frame, void *on_device)
{
    cudaMemcpy(on_device, frame.data[0], 4096, 1);
    (void)frame;
    (void)on_device;
}
