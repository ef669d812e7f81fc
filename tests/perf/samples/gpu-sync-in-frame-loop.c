// gpu-sync-in-frame-loop: what makes a device stand still, for each frame.
#include "media.h"

int cudaDeviceSynchronize(void);

void each(struct reader *r, void *on_device)
{
    AVFrame frame;
    while (read_frame(r, &frame) >= 0) {
        frame.width = 0;
        cudaDeviceSynchronize(); // finds gpu-sync-in-frame-loop
    }
    (void)on_device;
}

void once(AVFrame frame, void *on_device)
{
    cudaDeviceSynchronize();
    (void)frame;
    (void)on_device;
}
