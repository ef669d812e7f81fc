// Reading a transport stream by routes: the same whatever is read at a time and from where, and only what was
// checked is read of a list.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "media/routes.h"

#define PACKETS 12
#define SHIFT 57 // bytes that are missing before the seventh packet

struct file {
    uint8_t bytes[PACKETS * 188];
    int size;
};

static int read_file(void *priv, int64_t position, uint8_t *data, int size)
{
    const struct file *f = priv;
    int count = position >= f->size ? 0 : TA_MIN(size, f->size - (int)position);
    count = TA_MIN(count, 50); // as a file may, with less than it was asked for
    memcpy(data, f->bytes + position, (size_t)count);
    return count;
}

// Packets that say their number; the seventh begins elsewhere.
static void make_file(struct file *f)
{
    *f = (struct file){.size = PACKETS * 188 - SHIFT};
    for (int i = 0; i < PACKETS; i++) {
        uint8_t *p = f->bytes + i * 188 - (i >= 6 ? SHIFT : 0);
        memset(p, i, 188);
        p[0] = 0x47;
        p[1] = i == 4 ? 0x40 : 0;
        p[2] = i == 4 ? 0x20 : i % 2 ? 0x31 : 0x30;
        p[3] = (uint8_t)(0x10 | (i & 15));
    }
}

static struct ta_routes make_routes(const struct file *f)
{
    struct ta_routes r = {.packet_bytes = 188, .start_count = 2, .route_count = 3, .table_count = 1};
    r.starts = ta_xcalloc(2, sizeof(*r.starts));
    r.starts[1] = 6 * 188 - SHIFT;
    r.routes = ta_xcalloc(3, sizeof(*r.routes));
    r.routes[0] = (struct ta_route){.from = 188, .pid = 0x31, .to = 0x51, .counter = 3};
    r.routes[1] = (struct ta_route){.from = 4 * 188, .pid = 0x30, .to = 0x1abc, .counter = 15};
    r.routes[2] = (struct ta_route){.from = 9 * 188, .pid = 0x31, .to = 0x31};
    r.tables = ta_xcalloc(1, sizeof(*r.tables));
    r.tables[0] = (struct ta_route_table){.from = 188, .pid = 0x20, .size = 184};
    memcpy(r.tables[0].before, f->bytes + 4 * 188 + 4, 184);
    memset(r.tables[0].after, 0xee, 184);
    return r;
}

static void test_same_whatever_is_read(void **state)
{
    (void)state;
    struct file f, want;
    make_file(&f);
    want = f;
    struct ta_routes r = make_routes(&f);
    for (int i = 0; i < PACKETS; i++) {
        int at = i * 188 - (i >= 6 ? SHIFT : 0);
        uint8_t *p = want.bytes + at;
        if (i == 4) {
            memset(p + 4, 0xee, 184);
        } else if (i % 2 && at < 9 * 188) {
            p[2] = 0x51;
            p[3] = (uint8_t)(0x10 | ((i + 3) & 15));
        } else if (i % 2 == 0 && i >= 4) {
            p[1] = 0x1a;
            p[2] = 0xbc;
            p[3] = (uint8_t)(0x10 | ((i + 15) & 15));
        }
    }
    static const int sizes[] = {1, 3, 187, 188, 189, 500, PACKETS * 188};
    for (size_t k = 0; k < TA_COUNT(sizes); k++) {
        struct ta_router *router = ta_router_create(&r, read_file, &f);
        // Forwards, then backwards.
        for (int pass = 0; pass < 2; pass++) {
            struct file got = f;
            int count = (f.size + sizes[k] - 1) / sizes[k];
            for (int i = 0; i < count; i++) {
                int at = (pass ? count - 1 - i : i) * sizes[k];
                assert_int_equal(ta_router_apply(router, at, got.bytes + at, TA_MIN(sizes[k], f.size - at)),
                                 0);
            }
            for (int i = 0; i < f.size; i++)
                if (got.bytes[i] != want.bytes[i])
                    fail_msg("%d at a time: byte %d is %02x, not %02x", sizes[k], i, got.bytes[i],
                             want.bytes[i]);
        }
        ta_router_destroy(&router);
    }
    ta_routes_release(&r);
}

static void test_identifiers_that_are_found(void **state)
{
    (void)state;
    struct file f;
    make_file(&f);
    struct ta_routes r = make_routes(&f);
    assert_int_equal(ta_routes_find(&r, 0x30), 0x1abc);
    assert_int_equal(ta_routes_find(&r, 0x31), 0x31); // somebody is read by that
    assert_int_equal(ta_routes_find(&r, 0x51), 0x51);
    assert_int_equal(ta_routes_find(&r, 0x77), 0x77);
    ta_routes_release(&r);
}

static void test_lists_that_contradict_themselves(void **state)
{
    (void)state;
    struct file f;
    make_file(&f);
    struct ta_routes r = make_routes(&f), back;
    struct ta_buf b = {0};
    ta_routes_write(&r, &b);
    assert_true(ta_routes_parse(&back, b.data, b.size));
    assert_int_equal(back.route_count, 3);
    assert_memory_equal(back.tables, r.tables, sizeof(*r.tables));
    ta_routes_release(&back);
    for (size_t size = 0; size < b.size; size++)
        assert_false(ta_routes_parse(&back, b.data, size));
    static const struct {
        size_t at;
        uint8_t value;
        const char *what;
    } wrong[] = {
        {0, 187, "packets too short"},
        {4, 0, "no start"},
        {4, 3, "more starts than there are"},
        {23, 0x80, "a negative start"},
        {24, 0, "a start before its time"},
        {41, 0xff, "an identifier"},
        {44, 16, "a counter"},
        {81, 185, "a table too long"},
    };
    for (size_t i = 0; i < TA_COUNT(wrong); i++) {
        struct ta_buf copy = {0};
        ta_buf_append(&copy, b.data, b.size);
        copy.data[wrong[i].at] = (char)wrong[i].value;
        if (wrong[i].at == 24)
            memset(copy.data + 24, 0, 8);
        if (ta_routes_parse(&back, copy.data, copy.size))
            fail_msg("taken: %s", wrong[i].what);
        ta_buf_release(&copy);
    }
    ta_buf_release(&b);
    ta_routes_release(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_whatever_is_read),
        cmocka_unit_test(test_identifiers_that_are_found),
        cmocka_unit_test(test_lists_that_contradict_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
