// Manifests of networks: what is read, and that all else is refused with its line.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <terminalai/error.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "recipe/embedded.h"
#include "recipe/models.h"

static const char entry[] =
    "version: 1\nmodels:\n"
    "  - name: some-x2\n    summary: some network\n    purpose: upscale\n    factor: 2\n"
    "    input: [any, 3, any, any]\n    output: [any, 3, any, any]\n    layout: nchw\n"
    "    range: byte\n    colour: rgb\n    licence: MIT\n    bytes: 1234\n"
    "    sha256: 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n"
    "    source: https://example.org/\n    file: http://example.org/a.onnx\n";

// The entry with `old` replaced.
static char *changed(const char *old, const char *new)
{
    const char *at = strstr(entry, old);
    assert_non_null(at);
    return ta_xprintf("%.*s%s%s", (int)(at - entry), entry, new, at + strlen(old));
}

static void read_one(void **state)
{
    (void)state;
    struct ta_models m = {0};
    assert_int_equal(ta_models_read(&m, entry, strlen(entry), "x", NULL), 0);
    assert_int_equal(m.count, 1);
    const struct ta_model *one = ta_models_named(&m, "some-x2");
    assert_ptr_equal(
        one, ta_models_with_sum(&m, "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"));
    assert_int_equal(one->purpose, TA_MODEL_UPSCALE);
    assert_int_equal(one->range, TA_MODEL_BYTE);
    assert_int_equal(one->colour, TA_MODEL_RGB);
    assert_int_equal(one->factor, 2);
    assert_int_equal(one->in[0], 0);
    assert_int_equal(one->in[1], 3);
    assert_int_equal(one->out[3], 0);
    assert_int_equal(one->bytes, 1234);
    assert_string_equal(one->file, "http://example.org/a.onnx");
    assert_string_equal(one->manifest, "x");
    assert_null(one->pair);
    assert_null(ta_models_named(&m, "some"));
    ta_models_release(&m);
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *old, *new, *why;
    } cases[] = {
        {"version: 1", "version: 2", "x:1: version is not known"},
        {"version: 1", "versoin: 1", "x:1: unknown key \"versoin\": did you mean \"version\"?"},
        {"    layout: nchw\n", "", "x:3: layout is missing"},
        {"nchw", "nhwc", "x:9: layout must be \"nchw\""},
        {"some-x2", "../some", "x:3: name must be"},
        {"some-x2", ".some", "x:3: name must be"},
        {"some-x2", "some.onnx", "x:3: name must be"},
        {"some-x2", "Some", "x:3: name must be"},
        {"some-x2", "\"\"", "x:3: name must be a text"},
        {"some network", "\"some\\e[2J\"", "x:4: summary must be one line"},
        {"upscale", "paint", "x:5: purpose must be \"upscale\" or \"deinterlace\" or \"sound\""},
        {"upscale", "sound", "x:6: factor is for pictures"},
        {"colour: rgb", "colour: rgb\n    format: rnnn", "x:12: format must be \"onnx\" for pictures"},
        {"colour: rgb", "colour: rgb\n    format: gif", "x:12: format must be \"onnx\" or \"rnnn\""},
        {"colour: rgb", "colour: rgb\n    rate: 48000", "x:12: rate is for sound"},
        {"some-x2", "some.rnnn", "x:3: name must be"},
        {"factor: 2", "factor: 9", "x:6: factor must be a number from 1 to 8"},
        {"factor: 2", "factor: 2.0", "x:6: factor must be a number"},
        {"input: [any, 3", "input: [any, any", "x:7: input must be a shape"},
        {"input: [any, 3", "input: [2, 3", "x:7: input must be a shape"},
        {"input: [any, 3", "input: [any, 1", "x:7: input must have as many planes"},
        {"output: [any, 3", "output: [any, 4", "x:8: output must have 3 planes"},
        {"input: [any, 3, any, any]\n    output: [any, 3, any, any]",
         "input: [1, 3, 64, 64]\n    output: [1, 3, 128, 256]", "x:8: output must be as many times"},
        {"bytes: 1234", "bytes: 0", "x:13: bytes must be a number from 1 to"},
        {"bytes: 1234", "bytes: 99999999999", "x:13: bytes must be a number"},
        {"ddeeff\n", "ddeef\n", "x:14: sha256 must be 64"},
        {"sha256: 00", "sha256: AA", "x:14: sha256 must be 64"},
        {"source: https", "source: ftp", "x:15: source must be an address"},
        {"file: http:", "file: file:", "x:16: file must be an address"},
        {"range: byte", "range: byte\n    colour: rgb", "twice"},
        {"colour: rgb", "colour: luma", "x:8: output must have 1 plane"},
        {"purpose: upscale", "purpose: deinterlace", "x:7: input must have the planes of three fields"},
        {"licence: MIT", "licence: [MIT]", "x:12: licence must be a text"},
        {"layout: nchw", "laout: nchw", "x:9: unknown key \"laout\": did you mean \"layout\"?"},
        {"file: http://example.org/a.onnx", "pair: some-x2", "x:16: pair must be the name of another"},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        struct ta_models m = {0};
        struct ta_buf why = {0};
        struct ta_log *log = NULL;
        char *text = changed(cases[i].old, cases[i].new);
        assert_int_equal(ta_log_keep_first(&log, &why), 0);
        int err = ta_models_read(&m, text, strlen(text), "x", log);
        if (err != TA_ERR_FORMAT || !strstr(ta_buf_text(&why), cases[i].why))
            fail_msg("%s -> %s: %d, %s", cases[i].old, cases[i].new, err, ta_buf_text(&why));
        assert_int_equal(m.count, 0);
        ta_models_release(&m);
        ta_log_destroy(&log);
        ta_buf_release(&why);
        free(text);
    }
}

static void no_two_of_a_name(void **state)
{
    (void)state;
    struct ta_models m = {0};
    char *two = ta_xprintf("%s%s", entry, strstr(entry, "  - name"));
    assert_int_equal(ta_models_read(&m, two, strlen(two), "x", NULL), TA_ERR_FORMAT);
    // ... in one manifest; of several the first counts.
    char *other = changed("factor: 2", "factor: 3");
    assert_int_equal(ta_models_read(&m, other, strlen(other), "own", NULL), 0);
    assert_int_equal(ta_models_read(&m, entry, strlen(entry), "x", NULL), 0);
    assert_int_equal(m.count, 2);
    assert_int_equal(ta_models_named(&m, "some-x2")->factor, 3);
    ta_models_release(&m);
    free(two);
    free(other);
}

static void built_in(void **state)
{
    (void)state;
    struct ta_models m = {0};
    assert_int_equal(ta_models_read(&m, ta_embedded_models->data, ta_embedded_models->size, "x", NULL), 0);
    assert_in_range(m.count, 9, 100);
    assert_null(ta_embedded_models[1].name);
    for (int i = 0; i < m.count; i++) {
        assert_ptr_equal(ta_models_with_sum(&m, m.items[i].sha256), &m.items[i]);
        if (m.items[i].pair) // both ways, and of one form
            assert_string_equal(ta_models_named(&m, m.items[i].pair)->pair, m.items[i].name);
    }
    ta_models_release(&m);
}

static const char sound[] =
    "version: 1\nmodels:\n  - name: hiss\n    summary: some network\n    purpose: sound\n    format: rnnn\n"
    "    rate: 48000\n    licence: MIT\n    bytes: 38\n    source: https://example.org/\n    sha256: ";

static void of_sound(void **state)
{
    (void)state;
    static const char weights[] = "rnnoise-nu model file version 1\n4 -2 0\n";
    struct ta_models m = {0};
    struct ta_model_found f;
    char folder[] = "/tmp/ta-models-XXXXXX", sum[TA_SHA256_HEX];
    assert_non_null(mkdtemp(folder));
    ta_sha256_hex(weights, strlen(weights), sum);
    char *text = ta_xprintf("%s%s\n", sound, sum), *path = ta_xprintf("%s/hiss.rnnn", folder);
    assert_int_equal(ta_models_read(&m, text, strlen(text), "x", NULL), 0);
    assert_int_equal(m.items[0].purpose, TA_MODEL_SOUND);
    assert_int_equal(m.items[0].rate, 48000);
    assert_int_equal(ta_model_find(&f, &m, folder, "hiss", NULL), TA_ERR_NOT_FOUND);
    ta_model_found_release(&f);
    assert_int_equal(ta_file_write_atomic(path, weights, strlen(weights), NULL), 0);
    assert_int_equal(ta_model_find(&f, &m, folder, "hiss", NULL), 0);
    assert_true(f.listed);
    assert_string_equal(f.path, path);
    ta_model_found_release(&f);
    // By path: a text that is none.
    for (int i = 0; i < 2; i++) {
        const char *bad = i ? "rnnoise-nu model file version 1\n4 x\n"
                            : "rnnoise-nu model file version 2\n4\n";
        assert_int_equal(ta_file_write_atomic(path, bad, strlen(bad), NULL), 0);
        assert_int_equal(ta_model_find(&f, &m, folder, path, NULL), TA_ERR_FORMAT);
        ta_model_found_release(&f);
    }
    assert_int_equal(unlink(path) | rmdir(folder), 0);
    ta_models_release(&m);
    free(text);
    free(path);
}

// A folder of data of our own, and a file in it that is an empty network.
static void found(void **state)
{
    (void)state;
    static const char network[] = {0x08, 0x08, 0x3a, 0x00};
    struct ta_model_found f;
    char folder[] = "/tmp/ta-models-XXXXXX";
    assert_non_null(mkdtemp(folder));
    setenv("XDG_DATA_HOME", folder, 1);
    setenv("XDG_CONFIG_HOME", folder, 1);
    assert_int_equal(ta_models_find(&f, "espcn-x3", NULL), TA_ERR_INVALID);
    ta_model_found_release(&f);
    assert_int_equal(ta_models_find(&f, "espcn-x2", NULL), TA_ERR_NOT_FOUND);
    ta_model_found_release(&f);
    char *ours = ta_xprintf("%s/terminalai", folder), *models = ta_xprintf("%s/models", ours);
    char *manifest = ta_xprintf("%s/models.yaml", ours), *path = ta_xprintf("%s/some-x2.onnx", models);
    char sum[TA_SHA256_HEX];
    assert_int_equal(mkdir(ours, 0700) | mkdir(models, 0700), 0);
    ta_sha256_hex(network, sizeof network, sum);
    char *text = changed("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", sum);
    assert_int_equal(ta_file_write_atomic(manifest, text, strlen(text), NULL), 0);
    assert_int_equal(ta_file_write_atomic(path, network, sizeof network, NULL), 0);
    // By name and, as its checksum tells it, by path.
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ta_models_find(&f, i ? path : "some-x2", NULL), 0);
        assert_true(f.listed);
        assert_string_equal(f.model.name, "some-x2");
        assert_string_equal(f.sha256, sum);
        assert_string_equal(strrchr(f.path, '/'), "/some-x2.onnx");
        ta_model_found_release(&f);
    }
    // Other bytes under the name.
    assert_int_equal(ta_file_write_atomic(path, "\x08\x07:\0", 4, NULL), 0);
    assert_int_equal(ta_models_find(&f, "some-x2", NULL), TA_ERR_DAMAGED);
    ta_model_found_release(&f);
    assert_int_equal(ta_models_find(&f, path, NULL), 0);
    assert_false(f.listed);
    ta_model_found_release(&f);
    assert_int_equal(ta_file_write_atomic(path, "GIF8", 4, NULL), 0);
    assert_int_equal(ta_models_find(&f, path, NULL), TA_ERR_FORMAT);
    ta_model_found_release(&f);
    assert_int_equal(ta_file_write_atomic(manifest, "version: 3", 10, NULL), 0);
    assert_int_equal(ta_models_find(&f, path, NULL), TA_ERR_FORMAT);
    ta_model_found_release(&f);
    assert_int_equal(unlink(path) | unlink(manifest) | rmdir(models) | rmdir(ours) | rmdir(folder), 0);
    free(ours);
    free(models);
    free(manifest);
    free(path);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_one), cmocka_unit_test(refused),  cmocka_unit_test(no_two_of_a_name),
        cmocka_unit_test(built_in), cmocka_unit_test(of_sound), cmocka_unit_test(found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
