#include <fcntl.h>
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

#include "base/cpu.h"
#include "base/sha256.h"
#include "base/mem.h"

#include "capture.h"

// FIPS 180-4 examples, and short messages of NIST's test vectors (CAVS 11.0, SHA256ShortMsg).
static const struct {
    const char *data;
    size_t size, repeat;
    const char *hex;
} vectors[] = {
    {"", 0, 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", 3, 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, 1,
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrst"
     "nopqrstu",
     112, 1, "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
    {"a", 1, 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
    {"\xd3", 1, 1, "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1"},
    {"\x11\xaf", 2, 1, "5ca7133fa735326081558ac312c620eeca9970d1e70a4b95533d956f072d1f98"},
    {"\xb4\x19\x0e", 3, 1, "dff2e73091f6c05e528896c4c831b9448653dc2ff043528f6769437bc7b975c2"},
    {"\x74\xba\x25\x21", 4, 1, "b16aa56be3880d18cd41e68384cf1ec8c17680c45a02b1575dc1518923ae8b0e"},
    {"\0", 1, 64, "f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b"},
};

static char *message(size_t i, size_t *size)
{
    *size = vectors[i].size * vectors[i].repeat;
    char *data = ta_xcalloc(*size + 1, 1);
    for (size_t r = 0; r < vectors[i].repeat; r++)
        memcpy(data + r * vectors[i].size, vectors[i].data, vectors[i].size);
    return data;
}

static void test_vectors(void **state)
{
    (void)state;
    char hex[TA_SHA256_HEX];
    for (size_t i = 0; i < TA_COUNT(vectors); i++) {
        size_t size;
        char *data = message(i, &size);
        ta_sha256_hex(data, size, hex);
        assert_string_equal(hex, vectors[i].hex);
        free(data);
    }
}

// Whatever the pieces, the sum is that of the whole.
static void test_pieces(void **state)
{
    (void)state;
    static const size_t steps[] = {1, 3, 55, 56, 63, 64, 65, 127, 128, 1000};
    uint8_t data[2000];
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7 + i / 256);
    for (size_t size = 0; size < sizeof(data); size += size < 200 ? 1 : 97) {
        char whole[TA_SHA256_HEX], pieces[TA_SHA256_HEX];
        ta_sha256_hex(data, size, whole);
        for (size_t s = 0; s < TA_COUNT(steps); s++) {
            struct ta_sha256 *sha = ta_sha256_create();
            for (size_t at = 0; at < size; at += steps[s])
                ta_sha256_update(sha, data + at, TA_MIN(steps[s], size - at));
            ta_sha256_update(sha, NULL, 0);
            ta_sha256_finish(&sha, pieces);
            assert_null(sha);
            assert_string_equal(pieces, whole);
        }
    }
}

// The C code and the instructions give the same for every length and alignment.
static void test_implementations_agree(void **state)
{
    (void)state;
    if (!(ta_cpu_flags() & TA_CPU_SHA)) {
        print_message("this CPU has no SHA instructions\n");
        skip();
    }
    uint8_t data[700];
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 31 ^ i >> 3);
    for (size_t size = 0; size < 600; size++) {
        char fast[TA_SHA256_HEX], plain[TA_SHA256_HEX];
        const uint8_t *at = data + size % 17;
        ta_sha256_hex(at, size, fast);
        ta_cpu_mask(0);
        ta_sha256_hex(at, size, plain);
        ta_cpu_mask(UINT32_MAX);
        assert_string_equal(fast, plain);
    }
}

static void test_plain(void **state)
{
    ta_cpu_mask(0);
    test_vectors(state);
    test_pieces(state);
    ta_cpu_mask(UINT32_MAX);
}

static void test_file(void **state)
{
    (void)state;
    struct capture c;
    capture_init(&c);
    char path[] = "/tmp/ta-sha256-XXXXXX", hex[TA_SHA256_HEX] = "unset";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    for (size_t i = 0; i < TA_COUNT(vectors); i++) {
        size_t size;
        char *data = message(i, &size);
        assert_int_equal(pwrite(fd, data, size, 0), size);
        assert_int_equal(ftruncate(fd, (off_t)size), 0);
        assert_int_equal(ta_sha256_file(path, hex, c.log), 0);
        assert_string_equal(hex, vectors[i].hex);
        free(data);
    }
    // Longer than the read buffer, and no multiple of it.
    size_t size = ((size_t)3 << 20) + 12345;
    uint8_t *data = ta_xcalloc(size, 1);
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)(i >> 5);
    char whole[TA_SHA256_HEX];
    ta_sha256_hex(data, size, whole);
    assert_int_equal(pwrite(fd, data, size, 0), size);
    assert_int_equal(ta_sha256_file(path, hex, c.log), 0);
    assert_string_equal(hex, whole);
    free(data);
    close(fd);
    unlink(path);
    capture_expect(&c, "");

    strcpy(hex, "unset");
    assert_int_equal(ta_sha256_file(path, hex, c.log), TA_ERR_NOT_FOUND);
    capture_expect_error(&c, "can't open: No such file or directory");
    assert_int_equal(ta_sha256_file("/tmp", hex, c.log), TA_ERR_IO);
    capture_expect(&c, "error terminalai: /tmp: can't read: Is a directory\n");
    assert_string_equal(hex, "unset");
    capture_release(&c);
}

// RFC 4231, cases 1, 2, 3, 6 and 7.
static void test_hmac(void **state)
{
    (void)state;
    static const char
        asked[] = "what do ya want for nothing?",
        larger[] = "Test Using Larger Than Block-Size Key - Hash Key First",
        both[] = "This is a test using a larger than block-size key and a larger than block-size data. "
                 "The key needs to be hashed before being used by the HMAC algorithm.";
    char key[131], data[50], hex[TA_SHA256_HEX];
    memset(key, 0x0b, 20);
    ta_hmac_sha256_hex(key, 20, "Hi There", 8, hex);
    assert_string_equal(hex, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    ta_hmac_sha256_hex("Jefe", 4, asked, strlen(asked), hex);
    assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof(key));
    memset(data, 0xdd, sizeof(data));
    ta_hmac_sha256_hex(key, 20, data, sizeof(data), hex);
    assert_string_equal(hex, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
    ta_hmac_sha256_hex(key, sizeof(key), larger, strlen(larger), hex);
    assert_string_equal(hex, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    ta_hmac_sha256_hex(key, sizeof(key), both, strlen(both), hex);
    assert_string_equal(hex, "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_implementations_agree),
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_hmac),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
