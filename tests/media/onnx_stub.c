// Stands for ONNX Runtime where the real one can't be had in the state that a test needs: of the version that
// TA_STUB_VERSION names ("crash": it crashes when it is asked), without any interface. It tells whether it
// was loaded with its reports switched off.
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct base {
    const void *(*get_api)(uint32_t version);
    const char *(*get_version)(void);
};

const struct base *OrtGetApiBase(void);

__attribute__((constructor)) static void loaded(void)
{
    const char *off = getenv("ORT_DISABLE_TELEMETRY");
    fprintf(stderr, "stub: telemetry %s\n", off && !strcmp(off, "1") ? "off" : "ON");
}

static const void *get_api(uint32_t version)
{
    fprintf(stderr, "stub: asked for %u\n", version);
    return NULL;
}

static const char *get_version(void)
{
    const char *version = getenv("TA_STUB_VERSION");
    if (version && !strcmp(version, "crash"))
        raise(SIGSEGV);
    return version;
}

const struct base *OrtGetApiBase(void)
{
    static const struct base base = {get_api, get_version};
    return &base;
}
