/* Base URLs in the configuration: scheme, host and path, no query. */
#ifndef CONFIG_WEBURL_H
#define CONFIG_WEBURL_H

#include <stdbool.h>

enum weburl_schemes {
	WEBURL_HTTP = 1, /* http, https */
	WEBURL_WS = 2, /* ws, wss */
};

/*
 * Check "scheme://[user[:password]@]host[:port][/path]" and bring it to one
 * form, in place: scheme in lower case, no fragment, no "/" at the end. schemes
 * is a sum of the above. NULL, or what is wrong and what to do (never freed).
 */
const char *weburl_check(char *url, int schemes);

/* True if all characters may stand in the path of a URL (RFC 3986: pchar and
 * "/", percent-encoded where they are others). */
bool weburl_path_ok(const char *path);

#endif
