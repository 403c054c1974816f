/*
 * nothing: a CGI program that does nothing, as a yardstick for starting up.
 *
 * Built twice: linked with libcrypto, and with libsqlite3 too. It only
 * mentions what it is linked with, so that the linker keeps it.
 */
#include <stdio.h>

#include <openssl/crypto.h>
#ifdef WITH_SQLITE
#include <sqlite3.h>
#endif

static const void *volatile linked[] = {
	(const void *)CRYPTO_memcmp,
#ifdef WITH_SQLITE
	(const void *)sqlite3_libversion_number,
#endif
};

int
main(void)
{
	return linked[0] == NULL || puts("Status: 204\r\n\r") == EOF;
}
