/*
 * Digests, message authentication and the handling of secrets. The only file
 * that knows OpenSSL.
 */
#ifndef CODEC_CRYPT_H
#define CODEC_CRYPT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

#define CRYPT_SHA1_SIZE 20
#define CRYPT_SHA256_SIZE 32
#define CRYPT_SHA256_HEX_MAX 65 /* 64 lower-case digits and NUL */
#define CRYPT_MD5_HEX_MAX 33

/* One stretch of what is digested: no need to copy it all into one place. */
struct crypt_piece {
	const void *data;
	size_t len;
};

/*
 * The digest of the pieces one after another. ST_OK, or ST_IO if libcrypto
 * refused; out is zeroed then.
 */
enum status crypt_sha256(const struct crypt_piece *, size_t n,
    unsigned char out[static CRYPT_SHA256_SIZE]);
enum status crypt_sha256_hex(const struct crypt_piece *, size_t n,
    char out[static CRYPT_SHA256_HEX_MAX]);

/* Two lower-case digits a byte, and a NUL: 2 * n + 1 bytes. */
void crypt_hex(const unsigned char *, size_t n, char *out);

/* The same by MD5: SQS proves with it that a message came as it was sent. It
 * protects against nobody. */
enum status crypt_md5_hex(
    const void *, size_t len, char out[static CRYPT_MD5_HEX_MAX]);

/* HMAC (RFC 2104) of the pieces; a key of any length. As above. */
enum status crypt_hmac_sha1(const void *key, size_t key_len,
    const struct crypt_piece *, size_t n,
    unsigned char out[static CRYPT_SHA1_SIZE]);
enum status crypt_hmac_sha256(const void *key, size_t key_len,
    const struct crypt_piece *, size_t n,
    unsigned char out[static CRYPT_SHA256_SIZE]);

/* True if the n bytes are the same; the time depends on n alone. */
bool crypt_equal(const void *, const void *, size_t n);

/*
 * True if given is the secret. The time depends on the length of given, and
 * of the secret's on its count of 64-byte blocks only. An empty secret equals
 * nothing.
 */
bool crypt_equal_secret(const char *secret, const char *given);

/* n bytes from the system's generator. ST_OK, or ST_IO. */
enum status crypt_random(void *, size_t n);

/* Overwrite a secret, also where the compiler would not bother. */
void crypt_wipe(void *, size_t n);

#endif
