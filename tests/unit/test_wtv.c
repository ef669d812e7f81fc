// The directory of a recording that lacks its own: lists of blocks, on one level and on two.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <libavutil/intreadwrite.h>

#include "base/mem.h"
#include "media/structure/wtv.h"

#define SECTOR 4096
#define BLOCK (256 << 10)

static const uint8_t id[16] = {0xb7, 0xd8, 0x00, 0x20, 0x37, 0x49, 0xda, 0x11,
                               0xa6, 0x4e, 0x00, 0x07, 0xe9, 0x5e, 0xad, 0x8d};

// A file of zeros but for its head and what stands behind it.
struct file {
    int64_t size;
    struct ta_patch head;
    struct ta_buf tail;
};

static int64_t read_file(void *priv, int64_t at, uint8_t *data, int64_t size)
{
    const struct file *f = priv;
    memset(data, 0, (size_t)size);
    for (int64_t i = 0; i < size; i++) {
        int64_t place = at + i;
        if (place < (int64_t)sizeof(id))
            data[i] = id[place];
        else if (place >= f->head.at && place < f->head.at + f->head.size)
            data[i] = f->head.bytes[place - f->head.at];
        else if (place >= f->size && place < f->size + (int64_t)f->tail.size)
            data[i] = (uint8_t)f->tail.data[place - f->size];
    }
    return size;
}

static uint32_t number(struct file *f, int64_t at)
{
    uint8_t bytes[4];
    read_file(f, at, bytes, sizeof(bytes));
    return AV_RL32(bytes);
}

static void check(int64_t blocks)
{
    struct file f = {.size = SECTOR + (blocks - 1) * BLOCK + 1000};
    assert_true(ta_wtv_is_cut(read_file, &f, f.size));
    assert_true(ta_wtv_directory(read_file, &f, f.size, &f.tail, &f.head));
    int64_t all = f.size + (int64_t)f.tail.size;
    assert_int_equal(all % SECTOR, 0);
    assert_false(ta_wtv_is_cut(read_file, &f, all));
    assert_true(ta_wtv_is_cut(read_file, &f, f.size));
    int64_t entry = (int64_t)number(&f, 56) * SECTOR, place = (int64_t)number(&f, entry + 56) * SECTOR;
    assert_int_equal(number(&f, entry + 60), blocks > 1024 ? 2 : 1);
    for (int64_t i = 0; i < blocks; i++) {
        int64_t list = blocks > 1024 ? (int64_t)number(&f, place + i / 1024 * 4) * SECTOR : place;
        assert_int_equal(number(&f, list + i % 1024 * 4), 1 + 64 * i);
    }
    ta_buf_release(&f.tail);
}

static void test_lists(void **state)
{
    (void)state;
    check(1);
    check(1024);
    check(1025);
    check(2500);
}

static void test_other_files(void **state)
{
    (void)state;
    struct file f = {.size = 10};
    struct ta_buf tail = {0};
    struct ta_patch head;
    assert_false(ta_wtv_is_cut(read_file, &f, f.size)); // too short to be one
    assert_false(ta_wtv_directory(read_file, &f, f.size, &tail, &head));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_other_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
