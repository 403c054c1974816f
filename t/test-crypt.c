/* Digests and secrets, against published vectors. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "codec/crypt.h"
#include "t/test.h"

static void
to_hex(const unsigned char *digest, size_t n, struct buf *out)
{
	size_t i;

	buf_reset(out);
	for (i = 0; i < n; i++)
		buf_printf(out, "%02x", digest[i]);
}

static void
test_sha256(void)
{
	static const struct crypt_piece abc[] = { { "a", 1 }, { NULL, 0 },
		{ "bc", 2 } };
	unsigned char digest[CRYPT_SHA256_SIZE];
	char hex[CRYPT_SHA256_HEX_MAX];
	struct buf b = BUF_INIT;

	/* FIPS 180-2, appendix B.1, and the empty string. */
	CU_ASSERT_EQUAL(crypt_sha256_hex(abc, 3, hex), ST_OK);
	CU_ASSERT_STRING_EQUAL(hex,
	    "ba7816bf8f01cfea414140de5dae2223b00361a3"
	    "96177a9cb410ff61f20015ad");
	CU_ASSERT_EQUAL(crypt_sha256(abc, 3, digest), ST_OK);
	to_hex(digest, sizeof(digest), &b);
	CU_ASSERT_STRING_EQUAL(buf_str(&b), hex);
	CU_ASSERT_EQUAL(crypt_sha256_hex(NULL, 0, hex), ST_OK);
	CU_ASSERT_STRING_EQUAL(hex,
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4"
	    "649b934ca495991b7852b855");
	/* RFC 1321, appendix A.5. */
	CU_ASSERT_EQUAL(crypt_md5_hex("abc", 3, hex), ST_OK);
	CU_ASSERT_STRING_EQUAL(hex, "900150983cd24fb0d6963f7d28e17f72");
	CU_ASSERT_EQUAL(crypt_md5_hex(NULL, 0, hex), ST_OK);
	CU_ASSERT_STRING_EQUAL(hex, "d41d8cd98f00b204e9800998ecf8427e");
	buf_release(&b);
}

struct hmac_case {
	char key_byte;
	size_t key_len;
	const char *key, *text;
	const char *sha1, *sha256;
};

/* RFC 2202 for SHA-1, RFC 4231 for SHA-256. */
static void
test_hmac(void)
{
	static const struct hmac_case cases[] = {
		{ 0x0b, 20, NULL, "Hi There",
		    "b617318655057264e28bc0b6fb378c8ef146be00",
		    "b0344c61d8db38535ca8afceaf0bf12b"
		    "881dc200c9833da726e9376c2e32cff7" },
		{ 0, 4, "Jefe", "what do ya want for nothing?",
		    "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
		    "5bdcc146bf60754e6a042426089575c7"
		    "5a003f089d2739839dec58b964ec3843" },
		{ (char)0xaa, 80, NULL,
		    "Test Using Larger Than Block-Size Key - Hash Key First",
		    "aa4ae5e15272d00e95705637ce8a3b55ed402112", NULL },
		{ (char)0xaa, 131, NULL,
		    "Test Using Larger Than Block-Size Key - Hash Key First",
		    NULL,
		    "60e431591ee0b67f0d8a26aacbf5b77f"
		    "8e0bc6213728c5140546040f0ee37f54" },
		/* The edge: a key of exactly one block, made with python3. */
		{ (char)0x61, 64, NULL, "x",
		    "141c61c35ffa55d9dbc7fc409919b141a512d17b",
		    "b65ca3a3235f948bc0e6bd747532c54a"
		    "983b54ddad1a4d1bd8b958e065b1cab4" },
	};
	unsigned char digest[CRYPT_SHA256_SIZE];
	struct crypt_piece pieces[2];
	struct buf b = BUF_INIT;
	char key[200];
	size_t i;

	for (i = 0; i < TEST_COUNT(cases); i++) {
		const struct hmac_case *c = &cases[i];

		if (c->key != NULL)
			memcpy(key, c->key, c->key_len);
		else
			memset(key, c->key_byte, c->key_len);
		pieces[0] = (struct crypt_piece){ c->text, 1 };
		pieces[1] =
		    (struct crypt_piece){ c->text + 1, strlen(c->text) - 1 };
		if (c->sha1 != NULL) {
			CU_ASSERT_EQUAL(
			    crypt_hmac_sha1(key, c->key_len, pieces, 2, digest),
			    ST_OK);
			to_hex(digest, CRYPT_SHA1_SIZE, &b);
			CU_ASSERT_STRING_EQUAL(buf_str(&b), c->sha1);
		}
		if (c->sha256 != NULL) {
			CU_ASSERT_EQUAL(crypt_hmac_sha256(
					    key, c->key_len, pieces, 2, digest),
			    ST_OK);
			to_hex(digest, CRYPT_SHA256_SIZE, &b);
			CU_ASSERT_STRING_EQUAL(buf_str(&b), c->sha256);
		}
	}
	buf_release(&b);
}

static void
test_equal(void)
{
	CU_ASSERT(crypt_equal("abc", "abc", 3));
	CU_ASSERT(crypt_equal("abcx", "abcy", 3));
	CU_ASSERT_FALSE(crypt_equal("abc", "abd", 3));
	CU_ASSERT_FALSE(crypt_equal("xbc", "abc", 3));
	CU_ASSERT(crypt_equal("a", "b", 0));
	CU_ASSERT(crypt_equal_secret("secret", "secret"));
	CU_ASSERT_FALSE(crypt_equal_secret("secret", "secre"));
	CU_ASSERT_FALSE(crypt_equal_secret("secret", "secrett"));
	CU_ASSERT_FALSE(crypt_equal_secret("secret", "Secret"));
	CU_ASSERT_FALSE(crypt_equal_secret("secret", ""));
	/* No secret lets nobody in. */
	CU_ASSERT_FALSE(crypt_equal_secret("", ""));
	CU_ASSERT_FALSE(crypt_equal_secret("", "x"));
}

static void
test_random(void)
{
	unsigned char a[300] = { 0 }, b[300] = { 0 };
	size_t i, zeros = 0;

	CU_ASSERT_EQUAL(crypt_random(a, sizeof(a)), ST_OK);
	CU_ASSERT_EQUAL(crypt_random(b, sizeof(b)), ST_OK);
	CU_ASSERT(memcmp(a, b, sizeof(a)) != 0);
	for (i = 0; i < sizeof(a); i++)
		zeros += a[i] == 0;
	CU_ASSERT(zeros < 30);
	crypt_wipe(a, sizeof(a));
	for (i = 0; i < sizeof(a); i++)
		CU_ASSERT_EQUAL(a[i], 0);
}

static const struct test tests[] = {
	{ "sha256", test_sha256 },
	{ "hmac", test_hmac },
	{ "equal", test_equal },
	{ "random and wipe", test_random },
};

int
main(void)
{
	return test_main("crypt", tests, TEST_COUNT(tests));
}
