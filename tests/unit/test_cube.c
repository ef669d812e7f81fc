// .cube files: what is read, what is refused and with which words; the built-in tables.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <terminalai/error.h>

#include "capture.h"
#include "video/luts.h"

#define ROWS8 "0 0 0\n1 0 0\n0 1 0\n1 1 0\n0 0 1\n1 0 1\n0 1 1\n1 1 1\n"

static void accept(const char *text, struct ta_cube *c)
{
    struct capture cap;
    capture_init(&cap);
    int err = ta_cube_parse(c, text, strlen(text), "x.cube", cap.log);
    capture_expect(&cap, "");
    assert_int_equal(err, 0);
    capture_release(&cap);
}

static void refuse_bytes(const char *text, size_t size, const char *message)
{
    struct capture cap;
    struct ta_cube c;
    capture_init(&cap);
    assert_int_equal(ta_cube_parse(&c, text, size, "x.cube", cap.log), TA_ERR_FORMAT);
    assert_null(c.rows);
    assert_null(c.title);
    capture_expect_error(&cap, message);
    capture_release(&cap);
}

static void refuse(const char *text, const char *message)
{
    refuse_bytes(text, strlen(text), message);
}

static void test_plain(void **state)
{
    (void)state;
    struct ta_cube c;
    accept("LUT_3D_SIZE 2\n" ROWS8, &c);
    assert_false(c.curves);
    assert_int_equal(c.size, 2);
    assert_int_equal(c.row_count, 8);
    assert_true(c.rows[3] == 1 && c.rows[4] == 0 && c.rows[7] == 1);
    assert_true(c.domain_min[0] == 0 && c.domain_max[2] == 1);
    assert_string_equal(c.title, "");
    ta_cube_release(&c);
}

static void test_all_that_is_allowed(void **state)
{
    (void)state;
    struct ta_cube c;
    accept(
        "\xef\xbb\xbf# made by \xe9 hand\r\n\r\nTITLE \"a \"quoted\" name\"\r\n \tDOMAIN_MIN -0.5 0 +.25 \r\n"
        "DOMAIN_MAX 2 1e0 1.5e+1\r\nLUT_1D_SIZE 3\r\n# rows\r\n0 0 0\r\n\t.5 -1.25e-1\t65504\r\n1 1 1",
        &c);
    assert_true(c.curves);
    assert_int_equal(c.size, 3);
    assert_string_equal(c.title, "a \"quoted\" name");
    assert_true(c.domain_min[0] == -0.5 && c.domain_min[2] == 0.25 && c.domain_max[2] == 15);
    assert_true(c.rows[3] == 0.5f && c.rows[4] == -0.125f && c.rows[5] == 65504);
    ta_cube_release(&c);
    accept("LUT_1D_SIZE 2\rLUT_1D_INPUT_RANGE 0.0 2.0\r0 0 0\r1 1 1\r", &c);
    assert_true(c.domain_max[0] == 2 && c.domain_max[2] == 2);
    ta_cube_release(&c);
    struct ta_buf longest = {0};
    ta_buf_puts(&longest, "LUT_1D_SIZE 65536\n");
    for (int i = 0; i < 65536; i++)
        ta_buf_puts(&longest, "0 0.5 1\n");
    accept(ta_buf_text(&longest), &c);
    assert_int_equal(c.row_count, 65536);
    ta_buf_release(&longest);
    ta_cube_release(&c);
    accept("TITLE \"\xff\"\nLUT_1D_SIZE 2\n0 0 0\n1 1 1\n", &c);
    assert_string_equal(c.title, "");
    ta_cube_release(&c);
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "x.cube:0: ends without LUT_1D_SIZE or LUT_3D_SIZE"},
        {"# only a comment\n", "x.cube:1: ends without"},
        {"0 0 0\n", "x.cube:1: numbers before LUT_1D_SIZE or LUT_3D_SIZE"},
        {"LUT_3D_SIZE 1\n", "x.cube:1: LUT_3D_SIZE must be a whole number in 2..256"},
        {"LUT_3D_SIZE 257\n", "x.cube:1: LUT_3D_SIZE must be a whole number in 2..256"},
        {"LUT_3D_SIZE 2.5\n", "must be a whole number"},
        {"LUT_3D_SIZE 99999999999999999999\n", "x.cube:1: LUT_3D_SIZE must be a whole number in 2..256"},
        {"LUT_3D_SIZE\n", "x.cube:1: LUT_3D_SIZE must be a whole number"},
        {"LUT_3D_SIZE 2 2\n", "x.cube:1: LUT_3D_SIZE must be a whole number"},
        {"LUT_1D_SIZE 65537\n", "LUT_1D_SIZE must be a whole number in 2..65536"},
        {"LUT_3D_SIZE 2\nLUT_3D_SIZE 2\n", "x.cube:2: a second LUT_3D_SIZE"},
        {"LUT_1D_SIZE 2\nLUT_3D_SIZE 2\n", "x.cube:2: a second table: 1D and 3D in one file"},
        {"LUT_3D_SIZE 2\n0 0 0\n1 1 1\n", "x.cube:3: ends after 2 of the 8 rows of LUT_3D_SIZE 2"},
        {"LUT_3D_SIZE 2\n" ROWS8 "0.5 0.5 0.5\n", "x.cube:10: more rows than the 8 of LUT_3D_SIZE 2"},
        {"LUT_1D_SIZE 2\n0 0\n", "x.cube:2: the row has 2 of 3 numbers"},
        {"LUT_1D_SIZE 2\n0 0 0 0\n", "x.cube:2: the row has more than 3 numbers"},
        {"LUT_1D_SIZE 2\n0 0 x\n", "x.cube:2: \"x\" is no number"},
        {"LUT_1D_SIZE 2\n0 nan 0\n", "x.cube:2: \"nan\" is no number"},
        {"LUT_1D_SIZE 2\nNaN 0 0\n", "x.cube:2: \"NaN\" is no number"},
        {"LUT_1D_SIZE 2\n0 0 -inf\n", "x.cube:2: \"-inf\" is no number"},
        {"LUT_1D_SIZE 2\n0 0 0x10\n", "x.cube:2: \"0x10\" is no number"},
        {"LUT_1D_SIZE 2\n0 0 0,5\n", "x.cube:2: \"0,5\" is no number"},
        {"LUT_1D_SIZE 2\n0 0 1e999\n", "x.cube:2: \"1e999\" is out of range"},
        {"LUT_1D_SIZE 2\n0 0 1e6\n", "x.cube:2: \"1e6\" is out of range: values must lie in -65504..65504"},
        {"LUT_1D_SIZE 2\n0 0 0\nDOMAIN_MAX 1 1 1\n", "x.cube:3: \"DOMAIN_MAX\" must stand before the rows"},
        {"DOMAIN_MIN 0 1 0\nLUT_1D_SIZE 2\n0 0 0\n1 1 1\n", "DOMAIN_MAX must be larger than DOMAIN_MIN"},
        {"DOMAIN_MIN 0 0 0\nDOMAIN_MIN 0 0 0\n", "x.cube:2: DOMAIN_MIN, but the domain was given before"},
        {"DOMAIN_MIN 0 0\n", "x.cube:1: DOMAIN_MIN has 2 of 3 numbers"},
        {"LUT_3D_INPUT_RANGE 0 1\nDOMAIN_MAX 1 1 1\n", "x.cube:2: DOMAIN_MAX, but the domain"},
        {"TITLE name\n", "x.cube:1: TITLE must be text in double quotes"},
        {"TITLE \"a\" b\n", "x.cube:1: TITLE must be text in double quotes"},
        {"TITLE \"a\nb\"\n", "x.cube:1: TITLE must be text in double quotes"},
        {"TITLE \"a\"\nTITLE \"a\"\n", "x.cube:2: a second TITLE"},
        {"LUT_IN_VIDEO_RANGE\n", "x.cube:1: \"LUT_IN_VIDEO_RANGE\" is no word of a .cube file"},
        {"lut_3d_size 2\n", "x.cube:1: \"lut_3d_size\" is no word"},
        {"RIFF\x01\n", "x.cube:1: is not text: no .cube file"},
        {"LUT_1D_SIZE 2\n0 0 0\x7f\n", "x.cube:2: is not text"},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++)
        refuse(cases[i][0], cases[i][1]);
    static const char nul[] = "LUT_1D_SIZE 2\0\n0 0 0\n1 1 1\n";
    refuse_bytes(nul, sizeof nul - 1, "x.cube:1: is not text");
    char line[2048];
    memset(line, '#', sizeof line);
    refuse_bytes(line, sizeof line, "x.cube:1: a line of more than 1024 characters");
}

static void test_files(void **state)
{
    (void)state;
    char path[] = "/tmp/test_cube_XXXXXX", sum[TA_SHA256_HEX], *resolved, *named;
    int fd = mkstemp(path);
    struct ta_cube c;
    struct capture cap;
    capture_init(&cap);
    assert_true(fd >= 0);
    static const char text[] = "LUT_3D_SIZE 2\n" ROWS8;
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    assert_int_equal(ta_lut_load(&c, path, NULL, &resolved, sum, cap.log), 0);
    char wanted[TA_SHA256_HEX];
    ta_sha256_hex(text, sizeof text - 1, wanted);
    assert_string_equal(sum, wanted);
    assert_string_equal(resolved, path);
    free(resolved);
    ta_cube_release(&c);
    // A file that is not the wanted one is not looked into, so nothing of it is in a message.
    assert_int_equal(ta_lut_load(&c, path, wanted, &resolved, sum, cap.log), 0);
    free(resolved);
    ta_cube_release(&c);
    assert_int_equal(pwrite(fd, "secret", 6, 0), 6);
    assert_int_equal(ta_lut_load(&c, path, wanted, &resolved, sum, cap.log), TA_ERR_MISMATCH);
    assert_null(resolved);
    capture_expect(&cap, "");
    assert_int_equal(ta_lut_load(&c, "vhs_restore", wanted, &resolved, sum, cap.log), TA_ERR_MISMATCH);
    // A name of a file needs a slash or ".cube"; what is neither a table nor such a name gets the nearest.
    assert_int_equal(ta_lut_load(&c, "vhs_restor", NULL, &resolved, sum, cap.log), TA_ERR_INVALID);
    assert_null(resolved);
    capture_expect_error(&cap,
                         "\"vhs_restor\" is no built-in LUT (vhs_restore, warm_vintage, cool_modern), and "
                         "the name of a file ends in .cube; did you mean \"vhs_restore\"?");
    assert_int_equal(ta_lut_load(&c, "/tmp", NULL, &resolved, sum, cap.log), TA_ERR_INVALID);
    capture_expect_error(&cap, "/tmp: is no file");
    assert_int_equal(ta_lut_load(&c, "no/such.cube", NULL, &resolved, sum, cap.log), TA_ERR_NOT_FOUND);
    capture_expect_error(&cap, "no/such.cube");
    assert_int_equal(ftruncate(fd, (off_t)600 << 20), 0);
    assert_int_equal(ta_lut_load(&c, path, NULL, &resolved, sum, cap.log), TA_ERR_INVALID);
    capture_expect_error(&cap, "larger than 512 MiB");
    named = ta_xprintf("%s", path);
    unlink(named);
    free(named);
    close(fd);
    capture_release(&cap);
}

// ---- built-in tables ----

static void value_at(const struct ta_cube *c, int r, int g, int b, double out[3])
{
    for (int k = 0; k < 3; k++)
        out[k] = (double)c->rows[3 * (r + c->size * (g + c->size * b)) + k];
}

static void expect_node(const struct ta_cube *c, int r, int g, int b, double wr, double wg, double wb)
{
    double v[3];
    value_at(c, r, g, b, v);
    if (fabs(v[0] - wr) > 2e-6 || fabs(v[1] - wg) > 2e-6 || fabs(v[2] - wb) > 2e-6)
        fail_msg("%s at %d,%d,%d: %.6f %.6f %.6f instead of %.6f %.6f %.6f", c->title, r, g, b, v[0], v[1],
                 v[2], wr, wg, wb);
}

// Worked out by hand from the formulae, for node 16 (0.5), and where thresholds are well passed.
static void test_built_in_values(void **state)
{
    (void)state;
    struct ta_cube c;
    assert_null(ta_lut_find("vintage"));
    ta_lut_make(&c, ta_lut_find("vhs_restore"));
    assert_int_equal(c.size, 33);
    expect_node(&c, 0, 0, 0, 0, 0, 0);
    double half = pow(0.5, 0.95), dark = pow(0.125, 0.95);
    expect_node(&c, 16, 16, 16, half * 1.02, half * 1.01, half * 0.98);
    expect_node(&c, 4, 4, 4, dark * 1.02, dark * 1.01, dark * 0.98 * 1.03);
    double y = 0.2126 * pow(0.75, 0.95) + 0.7874 * half; // red 24 of 32
    expect_node(&c, 24, 16, 16, (y + 1.1 * (pow(0.75, 0.95) - y)) * 1.02, (y + 1.1 * (half - y)) * 1.01,
                (y + 1.1 * (half - y)) * 0.98);
    expect_node(&c, 32, 32, 32, 1, 1, 0.98);
    ta_cube_release(&c);

    ta_lut_make(&c, ta_lut_find("warm_vintage"));
    double lift = 0.05 + 0.95 * 0.5;
    double r = (lift * 1.15 - 0.5) * 0.9 + 0.5, g = (lift * 1.05 - 0.5) * 0.9 + 0.5,
           b = (lift * 0.9 - 0.5) * 0.9 + 0.5;
    expect_node(&c, 16, 16, 16, r, g, b);
    lift = 0.05 + 0.95 * 0.875;
    r = (lift * 1.15 - 0.5) * 0.9 + 0.5, g = (lift * 1.05 - 0.5) * 0.9 + 0.5,
    b = (lift * 0.9 - 0.5) * 0.9 + 0.5;
    y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    assert_true(y > 0.75);
    expect_node(&c, 28, 28, 28, y + 0.7 * (r - y), y + 0.7 * (g - y), y + 0.7 * (b - y));
    ta_cube_release(&c);

    ta_lut_make(&c, ta_lut_find("cool_modern"));
    expect_node(&c, 16, 16, 16, (0.475 - 0.5) * 1.15 + 0.5, (0.51 - 0.5) * 1.15 + 0.5,
                (0.54 - 0.5) * 1.15 + 0.5);
    expect_node(&c, 1, 1, 32, 0, 0, 1);
    double crushed = 0.5 * 0.03125, blue = (crushed * 1.08 - 0.5) * 1.15 + 0.5;
    assert_true(blue < 0);
    expect_node(&c, 32, 16, 1, 1, (0.51 - 0.5) * 1.15 + 0.5, 0);
    ta_cube_release(&c);
}

// All values in 0..1, gray rises with what goes in, and the text of a table gives the same table.
static void test_built_in_tables(void **state)
{
    (void)state;
    for (const struct ta_lut_info *info = ta_luts; info->name; info++) {
        struct ta_cube c, again;
        struct ta_buf text = {0};
        ta_lut_make(&c, info);
        for (size_t i = 0; i < 3 * c.row_count; i++)
            assert_true(c.rows[i] >= 0 && c.rows[i] <= 1);
        double before[3] = {0}, v[3];
        for (int i = 0; i < c.size; i++) {
            value_at(&c, i, i, i, v);
            for (int k = 0; k < 3; k++) {
                assert_true(v[k] >= before[k]);
                before[k] = v[k];
            }
        }
        ta_cube_write(&c, &text);
        accept(ta_buf_text(&text), &again);
        assert_string_equal(again.title, info->name);
        assert_int_equal(again.row_count, c.row_count);
        assert_memory_equal(again.rows, c.rows, 3 * c.row_count * sizeof *c.rows);
        char sum[TA_SHA256_HEX], wanted[TA_SHA256_HEX], *resolved;
        ta_sha256_hex(ta_buf_text(&text), text.size, wanted);
        ta_cube_release(&again);
        assert_int_equal(ta_lut_load(&again, info->name, NULL, &resolved, sum, NULL), 0);
        assert_string_equal(sum, wanted);
        free(resolved);
        ta_buf_release(&text);
        ta_cube_release(&again);
        ta_cube_release(&c);
    }
}

static void test_written_numbers(void **state)
{
    (void)state;
    float rows[] = {0, -0.5f, 1.0000005f, 12345.678f, -0.0000001f, 0.1f};
    struct ta_cube c = {.title = (char[]){""},
                        .curves = true,
                        .size = 2,
                        .domain_max = {1, 1, 1},
                        .rows = rows,
                        .row_count = 2};
    struct ta_buf text = {0};
    ta_cube_write(&c, &text);
    assert_string_equal(ta_buf_text(&text), "LUT_1D_SIZE 2\nDOMAIN_MIN 0.000000 0.000000 0.000000\n"
                                            "DOMAIN_MAX 1.000000 1.000000 1.000000\n"
                                            "0.000000 -0.500000 1.000000\n12345.677734 0.000000 0.100000\n");
    ta_buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),           cmocka_unit_test(test_all_that_is_allowed),
        cmocka_unit_test(test_refused),         cmocka_unit_test(test_files),
        cmocka_unit_test(test_built_in_values), cmocka_unit_test(test_built_in_tables),
        cmocka_unit_test(test_written_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
