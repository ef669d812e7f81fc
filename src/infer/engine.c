// What engines share: the list, and the proof that one works.
#include "infer/engine.h"

#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"

const struct ta_engine_info *const ta_engines[] = {&ta_engine_onnx, &ta_engine_nvvfx, NULL};

const char *ta_device_kind_name(enum ta_device_kind kind)
{
    static const char *const names[] = {"cpu", "gpu", "npu", "other"};
    return names[kind];
}

void ta_engine_close(struct ta_engine **e)
{
    if (*e)
        (*e)->info->close(*e);
    *e = NULL;
}

void ta_network_unload(struct ta_network **n)
{
    if (*n)
        (*n)->engine->info->unload(*n);
    *n = NULL;
}

void ta_engine_release(struct ta_engine *e)
{
    for (int i = 0; i < e->device_count; i++) {
        free(e->devices[i].provider);
        free(e->devices[i].vendor);
    }
    for (int i = 0; i < e->note_count; i++)
        free(e->notes[i]);
    free(e->devices);
    free(e->notes);
    free(e->library);
    free(e->version);
}

static int place_of(const struct ta_tensor_shape *shapes, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (!strcmp(shapes[i].name, name))
            return i;
    return -1;
}

int ta_network_input(const struct ta_network *n, const char *name)
{
    return place_of(n->in, n->in_count, name);
}

int ta_network_output(const struct ta_network *n, const char *name)
{
    return place_of(n->out, n->out_count, name);
}

static void release_shapes(struct ta_tensor_shape *shapes, int count)
{
    for (int i = 0; shapes && i < count; i++)
        free(shapes[i].name);
    free(shapes);
}

void ta_network_release(struct ta_network *n)
{
    release_shapes(n->in, n->in_count);
    release_shapes(n->out, n->out_count);
}

void ta_engine_add_note(struct ta_engine *e, char *note)
{
    e->notes = ta_xrealloc(e->notes, (size_t)(e->note_count + 1) * sizeof *e->notes);
    e->notes[e->note_count++] = note;
}

// An ONNX file of 73 bytes (IR version 8, operators of version 13): y = x + x, both float [1, 4].
static const uint8_t twice[] = {
    0x08, 0x08, 0x3a, 0x41, 0x0a, 0x0e, 0x0a, 0x01, 0x78, 0x0a, 0x01, 0x78, 0x12, 0x01, 0x79,
    0x22, 0x03, 0x41, 0x64, 0x64, 0x12, 0x05, 0x74, 0x77, 0x69, 0x63, 0x65, 0x5a, 0x13, 0x0a,
    0x01, 0x78, 0x12, 0x0e, 0x0a, 0x0c, 0x08, 0x01, 0x12, 0x08, 0x0a, 0x02, 0x08, 0x01, 0x0a,
    0x02, 0x08, 0x04, 0x62, 0x13, 0x0a, 0x01, 0x79, 0x12, 0x0e, 0x0a, 0x0c, 0x08, 0x01, 0x12,
    0x08, 0x0a, 0x02, 0x08, 0x01, 0x0a, 0x02, 0x08, 0x04, 0x42, 0x02, 0x10, 0x0d,
};

int ta_engine_test(struct ta_engine *e, int device, struct ta_log *log)
{
    if (e->info->test)
        return e->info->test(e, device, log);
    // Sums that every format of numbers has exactly: devices may compute with fewer bits.
    float given[4] = {0, 0.5F, -1, 96}, made[4] = {-1, -1, -1, -1};
    struct ta_tensor in = {given, 2, {1, 4}, NULL}, out = {made, 2, {1, 4}, NULL};
    struct ta_network *n = NULL;
    int err = e->info->load(e, twice, sizeof twice, device, &n, log);
    if (err >= 0)
        err = e->info->run(n, &in, &out, log);
    ta_network_unload(&n);
    for (int i = 0; err >= 0 && i < 4; i++) {
        if (made[i] == 2 * given[i])
            continue;
        ta_error(log, "it computes wrong: twice %g is not %g", (double)given[i], (double)made[i]);
        err = TA_ERR_INTERNAL;
    }
    return err;
}
