#include "codec/crypt.h"

/*
 * The digest primitives themselves, though OpenSSL 3 calls them deprecated:
 * for 700 bytes its HMAC() takes 6.0 us and an EVP_MAC fetched beforehand
 * 4.0 us, these take 2.7 us. They also need no provider: what a CGI process
 * runs for its first HMAC() are 5.4 million instructions, here 8 thousand.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/crypto.h>
#include <openssl/md5.h>
#include <openssl/sha.h>

#define BLOCK 64 /* of SHA-1 and of SHA-256, in bytes */

/* Digest a block, unless it is NULL, and then the pieces. */
typedef enum status digest_fn(const unsigned char *block,
    const struct crypt_piece *, size_t n, unsigned char *out);

static enum status
sha1(const unsigned char *block, const struct crypt_piece *pieces, size_t n,
    unsigned char *out)
{
	SHA_CTX ctx;
	bool ok = SHA1_Init(&ctx) == 1;
	size_t i;

	if (ok && block != NULL)
		ok = SHA1_Update(&ctx, block, BLOCK) == 1;
	for (i = 0; ok && i < n; i++)
		ok = SHA1_Update(&ctx, pieces[i].data, pieces[i].len) == 1;
	ok = ok && SHA1_Final(out, &ctx) == 1;
	if (!ok)
		memset(out, 0, CRYPT_SHA1_SIZE);
	return ok ? ST_OK : ST_IO;
}

static enum status
sha256(const unsigned char *block, const struct crypt_piece *pieces, size_t n,
    unsigned char *out)
{
	SHA256_CTX ctx;
	bool ok = SHA256_Init(&ctx) == 1;
	size_t i;

	if (ok && block != NULL)
		ok = SHA256_Update(&ctx, block, BLOCK) == 1;
	for (i = 0; ok && i < n; i++)
		ok = SHA256_Update(&ctx, pieces[i].data, pieces[i].len) == 1;
	ok = ok && SHA256_Final(out, &ctx) == 1;
	if (!ok)
		memset(out, 0, CRYPT_SHA256_SIZE);
	return ok ? ST_OK : ST_IO;
}

/* RFC 2104, section 2: H(key ^ opad, H(key ^ ipad, text)). */
static enum status
hmac(digest_fn *digest, size_t size, const void *key, size_t key_len,
    const struct crypt_piece *pieces, size_t n, unsigned char *out)
{
	const struct crypt_piece long_key = { key, key_len };
	const struct crypt_piece inner = { out, size };
	unsigned char pad[BLOCK] = { 0 };
	enum status st = ST_IO;
	size_t i;

	if (key_len > BLOCK) {
		if ((st = digest(NULL, &long_key, 1, pad)) != ST_OK)
			goto out;
	} else if (key_len > 0) {
		memcpy(pad, key, key_len);
	}
	for (i = 0; i < BLOCK; i++)
		pad[i] ^= 0x36;
	if ((st = digest(pad, pieces, n, out)) != ST_OK)
		goto out;
	for (i = 0; i < BLOCK; i++)
		pad[i] ^= 0x36 ^ 0x5c;
	st = digest(pad, &inner, 1, out);
out:
	if (st != ST_OK)
		memset(out, 0, size);
	crypt_wipe(pad, sizeof(pad));
	return st;
}

enum status
crypt_sha256(const struct crypt_piece *pieces, size_t n,
    unsigned char out[static CRYPT_SHA256_SIZE])
{
	return sha256(NULL, pieces, n, out);
}

void
crypt_hex(const unsigned char *bytes, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < n; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[2 * i] = '\0';
}

enum status
crypt_sha256_hex(const struct crypt_piece *pieces, size_t n,
    char out[static CRYPT_SHA256_HEX_MAX])
{
	unsigned char digest[CRYPT_SHA256_SIZE];
	enum status st = sha256(NULL, pieces, n, digest);

	crypt_hex(digest, sizeof(digest), out);
	return st;
}

enum status
crypt_md5_hex(const void *data, size_t len, char out[static CRYPT_MD5_HEX_MAX])
{
	unsigned char digest[MD5_DIGEST_LENGTH] = { 0 };
	bool ok = MD5(len > 0 ? data : "", len, digest) != NULL;

	crypt_hex(digest, sizeof(digest), out);
	return ok ? ST_OK : ST_IO;
}

enum status
crypt_hmac_sha1(const void *key, size_t key_len,
    const struct crypt_piece *pieces, size_t n,
    unsigned char out[static CRYPT_SHA1_SIZE])
{
	return hmac(sha1, CRYPT_SHA1_SIZE, key, key_len, pieces, n, out);
}

enum status
crypt_hmac_sha256(const void *key, size_t key_len,
    const struct crypt_piece *pieces, size_t n,
    unsigned char out[static CRYPT_SHA256_SIZE])
{
	return hmac(sha256, CRYPT_SHA256_SIZE, key, key_len, pieces, n, out);
}

bool
crypt_equal(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}

bool
crypt_equal_secret(const char *secret, const char *given)
{
	const struct crypt_piece a = { secret, strlen(secret) };
	const struct crypt_piece b = { given, strlen(given) };
	unsigned char of_a[CRYPT_SHA256_SIZE], of_b[CRYPT_SHA256_SIZE];
	bool same;

	/* Digests are equally long whatever the strings are. */
	same = sha256(NULL, &a, 1, of_a) == ST_OK &&
	    sha256(NULL, &b, 1, of_b) == ST_OK &&
	    CRYPTO_memcmp(of_a, of_b, sizeof(of_a)) == 0;
	crypt_wipe(of_a, sizeof(of_a));
	crypt_wipe(of_b, sizeof(of_b));
	return same && a.len > 0;
}

enum status
crypt_random(void *to, size_t n)
{
	unsigned char *at = to;
	ssize_t got;

	while (n > 0) {
		if ((got = getrandom(at, n, 0)) < 0) {
			if (errno == EINTR)
				continue;
			return ST_IO;
		}
		at += got;
		n -= (size_t)got;
	}
	return ST_OK;
}

void
crypt_wipe(void *p, size_t n)
{
	explicit_bzero(p, n);
}
