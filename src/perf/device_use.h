// How busy the graphics devices of this machine are, by the vendor's library for it (NVML), opened when it is
// there.
#ifndef TA_PERF_DEVICE_USE_H
#define TA_PERF_DEVICE_USE_H

// Thread-safety: Unsafe.
struct ta_device_use;
// *out is NULL where there is no such library or no device: that is no failure.
void ta_device_use_open(struct ta_device_use **out);
// The busiest device's share of the last moment that it computed in, 0 to 100; -1: not known.
double ta_device_use_now(struct ta_device_use *d);
void ta_device_use_close(struct ta_device_use **d);

#endif
