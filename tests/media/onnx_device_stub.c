// Stands for ONNX Runtime with a graphics card, which few machines have: its table of functions, as far as
// the program uses it, two devices, and networks that enlarge twice by repeating pixels whatever is in their
// file (but for that of 73 bytes with which an engine is tried, which doubles numbers). It holds callers to
// the rules: what breaks one is told as "stub: broken". All who open it have one environment, which
// takes a second arena only when the first is gone. TA_STUB_ORT says what it lacks:
//     named    a version (1.22) whose providers do not tell their memory: it has a name
//     cards    the same version, with a second card of the same kind
//     none     no pinned memory
//     full     of pinned memory nothing is left
//     lost     the card fails at its third call
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 400, TEST_NETWORK = 73, FACTOR = 2, BLOCKS = 64, GPU = 1, HOST_ACCESSIBLE = 5 };

struct status {
    int code;
    const char *text;
};
struct session {
    int device; // 0: the processor
    bool doubles;
};
struct value {
    const void *info;
    float *data;
    int64_t dim[4];
    size_t bytes;
};
struct device {
    const char *provider, *vendor;
    unsigned kind;
};
struct allocator {
    const struct session *session; // whose it is; NULL: shared
};
struct base {
    void *const *(*get_api)(uint32_t version);
    const char *(*get_version)(void);
};

const struct base *OrtGetApiBase(void);

static const struct device devices[] = {{"CPUExecutionProvider", "", 0},
                                        {"CUDAExecutionProvider", "NVIDIA", GPU},
                                        {"CUDAExecutionProvider", "NVIDIA", GPU}};
static const char cpu_info[] = "Cpu", pinned_info[] = "CudaPinned";
static struct allocator shared;
static struct {
    uint8_t *at;
    size_t bytes;
} blocks[BLOCKS];
static atomic_int alive, sessions, calls, openings;
static atomic_bool registered;

static bool mode(const char *name)
{
    const char *set = getenv("TA_STUB_ORT");
    return set && !strcmp(set, name);
}

static bool old(void)
{
    return mode("named") || mode("cards");
}

static void tell(const char *what, const char *more)
{
    if (getenv("TA_STUB_ORT_LOG"))
        fprintf(stderr, "stub: %s%s\n", what, more);
}

static void *status(int code, const char *text)
{
    struct status *s = malloc(sizeof *s);
    *s = (struct status){code, text};
    return s;
}

// ---- what fails ----

static int get_code(const void *s)
{
    return ((const struct status *)s)->code;
}

static const char *get_message(const void *s)
{
    return ((const struct status *)s)->text;
}

static void release_heap(void *p)
{
    free(p);
}

// ---- the environment and its devices ----

static void *create_env(void *log, void *data, int level, const char *name, void **out)
{
    (void)log, (void)data, (void)level, (void)name;
    static char environment;
    openings++;
    *out = &environment;
    return NULL;
}

static void release_env(void *env)
{
    (void)env;
    if (--openings)
        return;
    if (alive || sessions)
        tell("broken: the environment ends before what is in it", "");
    registered = false;
}

static void *create_cpu_info(int allocator, int type, const void **out)
{
    (void)allocator, (void)type;
    *out = cpu_info;
    return NULL;
}

static void *create_info(const char *name, int allocator, int id, int type, const void **out)
{
    (void)allocator, (void)type;
    if (strcmp(name, pinned_info) != 0 || id)
        return status(2, "no such memory");
    *out = pinned_info;
    return NULL;
}

static void release_info(void *info)
{
    (void)info;
}

static void *create_arena(size_t bytes, int how, int first, int dead, void **out)
{
    (void)bytes, (void)how, (void)first, (void)dead;
    *out = malloc(1);
    return NULL;
}

static void *register_allocator(void *env, const void *info, const void *arena)
{
    (void)env, (void)arena;
    if (info != cpu_info)
        return status(2, "of which memory?");
    return atomic_exchange(&registered, true) ? status(2, "it has an allocator already") : NULL;
}

static void *unregister_allocator(void *env, const void *info)
{
    (void)env;
    return info == cpu_info && atomic_exchange(&registered, false) ? NULL : status(2, "it has none");
}

static void *get_devices(void *env, const void *const **list, size_t *count)
{
    static const void *const all[] = {&devices[0], &devices[1], &devices[2]};
    (void)env;
    *list = all;
    *count = mode("cards") ? 3 : 2;
    return NULL;
}

static const char *device_name(const void *d)
{
    return ((const struct device *)d)->provider;
}

static const void *device_hardware(const void *d)
{
    return d;
}

static unsigned hardware_type(const void *d)
{
    return ((const struct device *)d)->kind;
}

static const char *hardware_vendor(const void *d)
{
    return ((const struct device *)d)->vendor;
}

// ---- memory ----

static const void *device_memory(const void *d, int kind)
{
    return d == &devices[1] && kind == HOST_ACCESSIBLE && !mode("none") ? pinned_info : NULL;
}

static void *shared_allocator(void *env, const void *info, void **out)
{
    (void)env;
    *out = info == pinned_info ? &shared : NULL;
    return NULL;
}

static void *create_allocator(const struct session *s, const void *info, void **out)
{
    if (!s->device || info != pinned_info || mode("none"))
        return status(1, "no requested allocator available");
    *out = malloc(sizeof(struct allocator));
    *(struct allocator *)*out = (struct allocator){s};
    return NULL;
}

static void *default_allocator(void **out)
{
    static struct allocator usual;
    *out = &usual;
    return NULL;
}

static int find(const void *at)
{
    for (int i = 0; i < BLOCKS; i++)
        if (blocks[i].at && (const uint8_t *)at >= blocks[i].at &&
            (const uint8_t *)at < blocks[i].at + blocks[i].bytes)
            return i;
    return -1;
}

static void *allocate(void *allocator, size_t bytes, void **out)
{
    (void)allocator;
    if (mode("full"))
        return status(6, "CUDA failure 2: out of memory");
    int i = 0;
    while (i < BLOCKS && blocks[i].at)
        i++;
    if (i == BLOCKS)
        return status(1, "out of memory");
    blocks[i].at = *out = malloc(bytes);
    blocks[i].bytes = bytes;
    alive++;
    tell("pinned", "");
    return NULL;
}

static void *allocator_free(void *allocator, void *at)
{
    int i = find(at);
    (void)allocator;
    if (i >= 0) {
        blocks[i].at = NULL;
        alive--;
    }
    free(at);
    return NULL;
}

// ---- networks ----

static void *create_options(int **out)
{
    *out = calloc(1, sizeof **out);
    return NULL;
}

static void *set_number(void *options, int n)
{
    (void)options, (void)n;
    return NULL;
}

static void *add_config(void *options, const char *key, const char *value)
{
    (void)options, (void)key, (void)value;
    return NULL;
}

static void *append_provider(int *options, void *env, const void *const *list, size_t count)
{
    (void)env;
    *options = count == 1 && list[0] != &devices[0];
    return NULL;
}

static void *create_session(void *env, const void *model, size_t size, const int *options, void **out)
{
    struct session *s = malloc(sizeof *s);
    (void)env, (void)model;
    *s = (struct session){*options, size == TEST_NETWORK};
    *out = s;
    sessions++;
    return NULL;
}

static void release_session(void *s)
{
    if (((struct session *)s)->device && alive && old())
        tell("broken: a network ends before its memory", "");
    sessions--;
    free(s);
}

static void *count_one(const void *s, size_t *count)
{
    (void)s;
    *count = 1;
    return NULL;
}

static void *name_of(char letter, char **out)
{
    *out = calloc(2, 1);
    **out = letter;
    return NULL;
}

static void *in_name(const void *s, size_t i, void *allocator, char **out)
{
    (void)s, (void)i, (void)allocator;
    return name_of('x', out);
}

static void *out_name(const void *s, size_t i, void *allocator, char **out)
{
    (void)s, (void)i, (void)allocator;
    return name_of('y', out);
}

static void *type_of(const struct session *s, size_t i, const void **out)
{
    (void)i;
    *out = s;
    return NULL;
}

static void release_nothing(void *p)
{
    (void)p;
}

static void *cast_type(const void *type, const void **out)
{
    *out = type;
    return NULL;
}

static void *element_type(const void *type, int *out)
{
    (void)type;
    *out = 1;
    return NULL;
}

static void *dim_count(const struct session *s, size_t *count)
{
    *count = s->doubles ? 2 : 4;
    return NULL;
}

static void *dims(const struct session *s, int64_t *dim, size_t count)
{
    static const int64_t pictures[] = {-1, 3, -1, -1}, numbers[] = {1, 4};
    memcpy(dim, s->doubles ? numbers : pictures, count * sizeof *dim);
    return NULL;
}

static void *create_tensor(const void *info, void *data, size_t bytes, const int64_t *dim, size_t count,
                           int type, void **out)
{
    struct value *v = calloc(1, sizeof *v);
    (void)type;
    if (info == pinned_info && find(data) < 0)
        tell("broken: memory is described as what it is not", "");
    *v = (struct value){.info = info, .data = data, .bytes = bytes, .dim = {1, 1, 1, 1}};
    memcpy(v->dim, dim, count * sizeof *dim);
    *out = v;
    return NULL;
}

static void *run(const struct session *s, const void *options, const char *const *in_names,
                 const struct value *const *in, size_t in_count, const char *const *out_names,
                 size_t out_count, struct value **out)
{
    const struct value *x = in[0];
    struct value *y = out[0];
    int64_t w = x->dim[3], h = x->dim[2];
    (void)options, (void)in_names, (void)in_count, (void)out_names, (void)out_count;
    tell(s->device ? "run on the card, " : "run on the processor, ",
         x->info == pinned_info && y->info == pinned_info ? "pinned" : "ordinary");
    if (s->doubles) {
        for (size_t i = 0; i < x->bytes / sizeof *x->data; i++)
            y->data[i] = 2 * x->data[i];
        return NULL;
    }
    if (y->dim[2] != h * FACTOR || y->dim[3] != w * FACTOR || y->dim[0] != x->dim[0])
        return status(2, "the output has another shape");
    if (s->device && mode("lost") && ++calls > 2)
        return status(1, "CUDA failure 719: unspecified launch failure");
    for (int64_t p = 0; p < x->dim[0] * x->dim[1]; p++)
        for (int64_t i = 0; i < h * FACTOR * w * FACTOR; i++)
            y->data[p * h * w * FACTOR * FACTOR + i] =
                x->data[(p * h + i / (w * FACTOR) / FACTOR) * w + i % (w * FACTOR) / FACTOR];
    return NULL;
}

// ---- the table ----

static const char *get_version(void)
{
    return old() ? "1.22.0" : "1.31.0";
}

static void missing(void)
{
    fputs("stub: broken: a function is called that it has not\n", stderr);
    abort();
}

static void *const *get_api(uint32_t version)
{
    static void *table[SLOTS];
    static const struct {
        int slot;
        void (*f)(void);
    } all[] = {
#define SLOT(n, f) {n, (void (*)(void))f}
        SLOT(1, get_code),
        SLOT(2, get_message),
        SLOT(4, create_env),
        SLOT(8, create_session),
        SLOT(9, run),
        SLOT(10, create_options),
        SLOT(24, set_number),
        SLOT(25, set_number),
        SLOT(30, count_one),
        SLOT(31, count_one),
        SLOT(33, type_of),
        SLOT(34, type_of),
        SLOT(36, in_name),
        SLOT(37, out_name),
        SLOT(49, create_tensor),
        SLOT(55, cast_type),
        SLOT(60, element_type),
        SLOT(61, dim_count),
        SLOT(62, dims),
        SLOT(68, create_info),
        SLOT(69, create_cpu_info),
        SLOT(75, allocate),
        SLOT(76, allocator_free),
        SLOT(78, default_allocator),
        SLOT(92, release_env),
        SLOT(93, release_heap),
        SLOT(94, release_info),
        SLOT(95, release_session),
        SLOT(96, release_heap),
        SLOT(98, release_nothing),
        SLOT(100, release_heap),
        SLOT(130, add_config),
        SLOT(131, create_allocator),
        SLOT(132, release_heap),
        SLOT(144, register_allocator),
        SLOT(156, create_arena),
        SLOT(157, release_heap),
        SLOT(177, unregister_allocator),
        SLOT(303, get_devices),
        SLOT(304, append_provider),
        SLOT(307, hardware_type),
        SLOT(309, hardware_vendor),
        SLOT(312, device_name),
        SLOT(316, device_hardware),
        SLOT(374, device_memory),
        SLOT(376, shared_allocator),
#undef SLOT
    };
    for (int i = 0; i < SLOTS; i++)
        memcpy(&table[i], &(void (*)(void)){missing}, sizeof table[i]);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (version >= 23 || all[i].slot < 320) // what came later is not there
            memcpy(&table[all[i].slot], &all[i].f, sizeof table[0]);
    return version == (old() ? 22 : 23) ? table : NULL;
}

const struct base *OrtGetApiBase(void)
{
    static const struct base base = {get_api, get_version};
    return &base;
}
