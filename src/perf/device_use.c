#include "perf/device_use.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

// As the library's documentation has them; no header of the vendor is needed.
typedef int simple_fn(void);
typedef int count_fn(unsigned *count);
typedef int handle_fn(unsigned index, void **device);
struct rates {
    unsigned device, memory; // percent of the last sample's time
};
typedef int rates_fn(void *device, struct rates *rates);

struct ta_device_use {
    void *library;
    simple_fn *shutdown;
    count_fn *count;
    handle_fn *handle;
    rates_fn *rates;
};

// A function is no object pointer in C; POSIX says that they are alike.
static bool find(void *library, const char *name, void *function)
{
    void *found = dlsym(library, name);
    memcpy(function, &found, sizeof found);
    return found != NULL;
}

void ta_device_use_open(struct ta_device_use **out)
{
    simple_fn *init;
    struct ta_device_use *d = *out = ta_xcalloc(1, sizeof *d);
    d->library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    bool ok = d->library && find(d->library, "nvmlInit_v2", &init) &&
              find(d->library, "nvmlShutdown", &d->shutdown) &&
              find(d->library, "nvmlDeviceGetCount_v2", &d->count) &&
              find(d->library, "nvmlDeviceGetHandleByIndex_v2", &d->handle) &&
              find(d->library, "nvmlDeviceGetUtilizationRates", &d->rates) && init() == 0;
    if (!ok)
        d->shutdown = NULL;
    if (!ok || ta_device_use_now(d) < 0)
        ta_device_use_close(out);
}

double ta_device_use_now(struct ta_device_use *d)
{
    unsigned count = 0;
    double most = -1;
    if (!d || d->count(&count) != 0)
        return -1;
    for (unsigned i = 0; i < count; i++) {
        void *device;
        struct rates rates;
        if (d->handle(i, &device) == 0 && d->rates(device, &rates) == 0 && rates.device > most)
            most = rates.device;
    }
    return most;
}

void ta_device_use_close(struct ta_device_use **use)
{
    struct ta_device_use *d = *use;
    *use = NULL;
    if (!d)
        return;
    if (d->shutdown)
        d->shutdown();
    if (d->library)
        dlclose(d->library);
    free(d);
}
