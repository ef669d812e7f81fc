#include "infer/dummy.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"

enum { FACTOR_MAX = 8, FILE_MAX = 4096, MOST_BLOCKS = 64, BORDER = 64 };

enum { FAIL_INTERNAL = 0, FAIL_MEMORY, FAIL_DEVICE };

struct dummy {
    struct ta_engine engine; // first: what is handed out
    int64_t factor, planes, load_ms, call_ms, frame_ms, memory, pinned, fail_call, fail_times;
    double add;
    int fail_as;
    bool fail_cpu;
    enum ta_device_kind device;
    atomic_llong calls;
    pthread_mutex_t lock; // guards the blocks and their counts
    struct block {
        uint8_t *at;
        size_t bytes;
    } blocks[MOST_BLOCKS];
    struct ta_dummy_memory counts;
};

struct dummy_network {
    struct ta_network network; // first: what is handed out
    int device;
};

// ---- settings ----

static bool set_number(struct dummy *d, const char *name, const char *value)
{
    const struct {
        const char *name;
        int64_t *field, min, max;
    } numbers[] = {
        {"factor", &d->factor, 1, FACTOR_MAX},      {"planes", &d->planes, 1, 3},
        {"load_ms", &d->load_ms, 0, 60000},         {"call_ms", &d->call_ms, 0, 60000},
        {"frame_ms", &d->frame_ms, 0, 60000},       {"memory", &d->memory, 0, INT64_MAX},
        {"fail_call", &d->fail_call, 0, INT32_MAX}, {"fail_times", &d->fail_times, 1, INT32_MAX},
        {"pinned", &d->pinned, 0, INT64_MAX},
    };
    for (size_t i = 0; i < TA_COUNT(numbers); i++) {
        char *end;
        if (strcmp(numbers[i].name, name) != 0)
            continue;
        errno = 0;
        long long n = strtoll(value, &end, 10);
        bool ok = end != value && !*end && !errno && n >= numbers[i].min && n <= numbers[i].max;
        *numbers[i].field = ok ? n : *numbers[i].field;
        return ok;
    }
    return false;
}

static bool set(struct dummy *d, const char *name, const char *value)
{
    static const char *const fails[] = {"internal", "memory", "device"};
    char *end;
    if (!strcmp(name, "add")) {
        d->add = strtod(value, &end);
        return end != value && !*end;
    }
    if (!strcmp(name, "version")) {
        free(d->engine.version);
        d->engine.version = ta_xstrdup(value);
        return *value != '\0';
    }
    if (!strcmp(name, "fail_cpu")) {
        d->fail_cpu = !strcmp(value, "on");
        return true;
    }
    for (int i = 0; !strcmp(name, "device") && i <= TA_DEVICE_NPU; i++)
        if (!strcmp(value, ta_device_kind_name((enum ta_device_kind)i))) {
            d->device = (enum ta_device_kind)i;
            return true;
        }
    for (size_t i = 0; !strcmp(name, "fail_as") && i < TA_COUNT(fails); i++)
        if (!strcmp(value, fails[i])) {
            d->fail_as = (int)i;
            return true;
        }
    return set_number(d, name, value);
}

static int read_settings(struct dummy *d, char *text, const char *file, struct ta_log *log)
{
    char *line = strsep(&text, "\n");
    if (strcmp(line, TA_DUMMY_HEAD) != 0) {
        ta_error(log, "%s: its first line is not \"%s\"", file, TA_DUMMY_HEAD);
        return TA_ERR_FORMAT;
    }
    for (int number = 2; (line = strsep(&text, "\n")); number++) {
        char *name = strsep(&line, " ");
        if (*name && *name != '#' && !set(d, name, line ? line : "")) {
            ta_error(log, "%s:%d: no setting of the dummy engine: \"%s %s\"", file, number, name,
                     line ? line : "");
            return TA_ERR_FORMAT;
        }
    }
    return 0;
}

// ---- the engine ----

static void add_device(struct ta_engine *e, enum ta_device_kind kind)
{
    e->devices = ta_xrealloc(e->devices, (size_t)(e->device_count + 1) * sizeof *e->devices);
    e->devices[e->device_count++] = (struct ta_engine_device){
        .kind = kind,
        .provider = ta_xprintf("dummy-%s", ta_device_kind_name(kind)),
        .vendor = ta_xstrdup("terminalai"),
    };
}

static void close_dummy(struct ta_engine *e)
{
    pthread_mutex_destroy(&((struct dummy *)e)->lock);
    ta_engine_release(e);
    free((struct dummy *)e);
}

static int open_dummy(struct ta_engine **out, const struct ta_engine_config *config, struct ta_log *log)
{
    struct dummy *d = ta_xcalloc(1, sizeof *d);
    struct ta_buf text = {0};
    d->engine.info = &ta_engine_dummy;
    d->factor = 2;
    d->planes = 3;
    d->fail_times = 1;
    d->engine.version = ta_xstrdup("1");
    pthread_mutex_init(&d->lock, NULL);
    *out = NULL;
    // By name alone, as libraries are found by the system, there is none.
    const char *file = config->libraries[0] && strchr(config->libraries[0], '/') ? config->libraries[0]
                                                                                 : NULL;
    int err = TA_ERR_NOT_FOUND;
    if (!file)
        ta_error(log, "the dummy engine is for development: --engine-library names its file of settings");
    else
        err = ta_file_read(file, FILE_MAX, &text, log);
    if (err >= 0) {
        char *copy = ta_xstrdup(ta_buf_text(&text));
        err = read_settings(d, copy, file, log);
        free(copy);
    }
    ta_buf_release(&text);
    if (err < 0) {
        close_dummy(&d->engine);
        return err;
    }
    d->engine.library = ta_xstrdup(file);
    add_device(&d->engine, TA_DEVICE_CPU);
    if (d->device != TA_DEVICE_CPU)
        add_device(&d->engine, d->device);
    *out = &d->engine;
    return 0;
}

static struct ta_tensor_shape *new_shape(const char *name, int64_t planes)
{
    struct ta_tensor_shape *s = ta_xcalloc(1, sizeof *s);
    *s = (struct ta_tensor_shape){ta_xstrdup(name), TA_ELEMENT_FLOAT, 4, {-1, planes, -1, -1}};
    return s;
}

static void unload(struct ta_network *n)
{
    ta_network_release(n);
    free((struct dummy_network *)n);
}

// What is in the file is not looked at.
static int load(struct ta_engine *e, const void *model, size_t size, int device, struct ta_network **out,
                struct ta_log *log)
{
    struct dummy *d = (struct dummy *)e;
    struct dummy_network *n = ta_xcalloc(1, sizeof *n);
    (void)model;
    (void)size;
    (void)log;
    ta_sleep_us(1000 * d->load_ms); // timed wait: stands for work that takes this long
    n->device = device;
    n->network = (struct ta_network){
        .engine = e, .in = new_shape("in", d->planes), .out = new_shape("out", d->planes)};
    n->network.in_count = n->network.out_count = 1;
    *out = &n->network;
    return 0;
}

// ---- memory ----

static void *take_memory(struct ta_network *n, size_t bytes)
{
    struct dummy *d = (struct dummy *)n->engine;
    struct ta_dummy_memory *c = &d->counts;
    void *at = NULL;
    int i = 0;
    if (!((struct dummy_network *)n)->device)
        return NULL;
    pthread_mutex_lock(&d->lock);
    while (i < MOST_BLOCKS && d->blocks[i].at)
        i++;
    if (i < MOST_BLOCKS && (int64_t)bytes <= d->pinned - c->bytes)
        at = aligned_alloc(BORDER, (bytes + BORDER - 1) / BORDER * BORDER);
    if (at) {
        d->blocks[i] = (struct block){at, bytes};
        c->bytes += (int64_t)bytes;
    }
    c->taken += at != NULL;
    c->refused += at == NULL;
    pthread_mutex_unlock(&d->lock);
    return at;
}

// Under the lock. The block that a number lies in; -1: in none.
static int find_block(const struct dummy *d, const void *at)
{
    for (int i = 0; i < MOST_BLOCKS; i++) {
        uintptr_t begin = (uintptr_t)d->blocks[i].at;
        if (begin && (uintptr_t)at >= begin && (uintptr_t)at - begin < d->blocks[i].bytes)
            return i;
    }
    return -1;
}

static void give_memory(struct ta_network *n, void *at)
{
    struct dummy *d = (struct dummy *)n->engine;
    pthread_mutex_lock(&d->lock);
    int i = find_block(d, at);
    if (i >= 0) {
        d->counts.bytes -= (int64_t)d->blocks[i].bytes;
        d->counts.given++;
        free(d->blocks[i].at);
        d->blocks[i] = (struct block){0};
    }
    pthread_mutex_unlock(&d->lock);
}

static void count_tensors(struct dummy *d, const struct ta_tensor *in, const struct ta_tensor *out)
{
    pthread_mutex_lock(&d->lock);
    d->counts.tensors += 2;
    d->counts.there += (find_block(d, in->data) >= 0) + (find_block(d, out->data) >= 0);
    pthread_mutex_unlock(&d->lock);
}

void ta_dummy_get_memory(struct ta_engine *e, struct ta_dummy_memory *out)
{
    struct dummy *d = (struct dummy *)e;
    pthread_mutex_lock(&d->lock);
    *out = d->counts;
    pthread_mutex_unlock(&d->lock);
}

// ---- calls ----

static int check_shapes(const struct dummy *d, const struct ta_tensor *in, const struct ta_tensor *out,
                        struct ta_log *log)
{
    bool fits = in->count == 4 && out->count == 4 && in->dim[1] == d->planes && out->dim[1] == d->planes &&
                out->dim[0] == in->dim[0] && out->dim[2] == in->dim[2] * d->factor &&
                out->dim[3] == in->dim[3] * d->factor;
    if (fits)
        return 0;
    ta_error(log, "the dummy engine enlarges %lld times, pictures of %lld planes", (long long)d->factor,
             (long long)d->planes);
    return TA_ERR_MISMATCH;
}

static int fail(struct dummy *d, int device, int64_t bytes, struct ta_log *log)
{
    int64_t call = atomic_fetch_add(&d->calls, 1) + 1;
    bool counts = device > 0 || d->device == TA_DEVICE_CPU || d->fail_cpu;
    if (counts && d->memory && bytes > d->memory) {
        ta_error(log, "the dummy engine has %lld bytes, not %lld", (long long)d->memory, (long long)bytes);
        return TA_ERR_NOMEM;
    }
    if (!counts || !d->fail_call || call < d->fail_call || call - d->fail_call >= d->fail_times)
        return 0;
    ta_error(log, "the dummy engine fails at call %lld, as it is told to", (long long)call);
    return d->fail_as == FAIL_MEMORY   ? TA_ERR_NOMEM
           : d->fail_as == FAIL_DEVICE ? TA_ERR_DEVICE
                                       : TA_ERR_INTERNAL;
}

static void enlarge(const struct dummy *d, const struct ta_tensor *in, const struct ta_tensor *out)
{
    int64_t f = d->factor, height = in->dim[2], width = in->dim[3];
    for (int64_t p = 0; p < in->dim[0] * in->dim[1]; p++)
        for (int64_t y = 0; y < height * f; y++) {
            const float *from = in->data + (p * height + y / f) * width;
            float *to = out->data + (p * height * f + y) * width * f;
            for (int64_t x = 0; x < width * f; x++)
                to[x] = from[x / f] + (float)d->add;
        }
}

static int run(struct ta_network *n, const struct ta_tensor *in, const struct ta_tensor *out,
               struct ta_log *log)
{
    struct dummy *d = (struct dummy *)n->engine;
    int err = check_shapes(d, in, out, log);
    if (err < 0)
        return err;
    int64_t numbers = in->dim[0] * in->dim[1] * in->dim[2] * in->dim[3] * (1 + d->factor * d->factor);
    err = fail(d, ((struct dummy_network *)n)->device, numbers * (int64_t)sizeof(float), log);
    if (err < 0)
        return err;
    enlarge(d, in, out);
    count_tensors(d, in, out);
    // timed wait: stands for work that takes this long
    ta_sleep_us(1000 * (d->call_ms + d->frame_ms * in->dim[0]));
    return 0;
}

const struct ta_engine_info ta_engine_dummy = {
    .name = "dummy",
    .summary = "enlarges by repeating pixels; for development",
    .advice = "--engine-library names a file of settings that begins with \"" TA_DUMMY_HEAD "\"",
    .package = "terminalai",
    .file = "*.dummy",
    .system_file = "terminalai.dummy",
    .open = open_dummy,
    .close = close_dummy,
    .load = load,
    .unload = unload,
    .run = run,
    .take_memory = take_memory,
    .give_memory = give_memory,
};
