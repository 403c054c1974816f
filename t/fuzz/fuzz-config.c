/*
 * Fuzzing the configuration: the input is a file, and behind a byte 0xff lines
 * that are the environment. Besides sanitizers' findings it ends when a
 * mistake is no proper line, a good configuration has a value out of bounds,
 * or the same input loads otherwise once more.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/config.h"
#include "config/reference.h"
#include "site/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define VARIABLES_MAX 32

static void
require(int condition)
{
	if (!condition)
		abort();
}

/* Every mistake is a line, says what to do, and begins with a place. */
static void
check_errors(const char *s)
{
	const char *end;

	for (; *s != '\0'; s = end + 1) {
		require((end = strchr(s, '\n')) != NULL);
		require(memmem(s, (size_t)(end - s), ": ", 2) != NULL);
		require(memchr(s, ';', (size_t)(end - s)) != NULL);
	}
}

static void
check_url(const char *url)
{
	require(*url == '\0' || strstr(url, "://") != NULL);
	require(strpbrk(url, "?# \n") == NULL);
	require(*url == '\0' || url[strlen(url) - 1] != '/');
}

static void
check_good(const struct config *c)
{
	check_url(c->server.public_url);
	check_url(c->twilio.api_url);
	require(strpbrk(c->server.base_path, "?# \n") == NULL);
	require(c->server.threads >= 0 && c->server.threads <= 1024);
	require(c->server.max_body >= 1024 && c->server.max_body <= 1 << 20);
	require(c->server.signature >= SIGNATURE_ENFORCE &&
	    c->server.signature <= SIGNATURE_OFF);
	require(c->whatsapp.ai_delay >= 0 && c->whatsapp.ai_delay <= 900);
	require(c->missing > 0 ||
	    (*c->store.path == '/' && *c->whatsapp.ai_queue != '\0'));
}

/* Load and put all that can be seen into out. */
static void
load(const char *path, char *const *envp, struct buf *out)
{
	struct buf warnings = BUF_INIT;
	struct config *c = NULL;
	enum status st, ended;

	st = reference_load(&c, path, envp, out);
	require(st == ST_OK || st == ST_CONFIG);
	require(c != NULL && (st == ST_OK) == (out->len == 0));
	/* Nobody asks AWS here: what is kept there is missing. */
	ended = settings_end(c, NULL, out, &warnings);
	require(ended == ST_OK || ended == ST_CONFIG);
	require((st == ST_OK && ended == ST_OK) == (out->len == 0));
	check_errors(buf_str(out));
	require(warnings.len == 0);
	if (out->len > 0) {
		config_free(c);
		return;
	}
	check_good(c);
	config_show(c, out);
	(void)config_check_server(c, out);
	config_free(c);
}

/* Cut lines into an environment. */
static void
cut(char *text, char *envp[static VARIABLES_MAX + 1])
{
	size_t n = 0;
	char *line;

	while (n < VARIABLES_MAX && (line = strsep(&text, "\n")) != NULL)
		envp[n++] = line;
	envp[n] = NULL;
}

/* The input's file in memory; *path names it while fd is open. */
static int
open_file(const void *data, size_t len, char *path, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	require(fd >= 0);
	require(write(fd, data, len) == (ssize_t)len);
	snprintf(path, size, "/proc/self/fd/%d", fd);
	return fd;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf first = BUF_INIT, second = BUF_INIT;
	const uint8_t *end = len == 0 ? NULL : memchr(data, 0xff, len);
	size_t n = end == NULL ? len : (size_t)(end - data);
	char *envp[VARIABLES_MAX + 1] = { NULL }, *text = NULL, path[64];
	int fd;

	if (end != NULL) {
		text = strndup((const char *)end + 1, len - n - 1);
		require(text != NULL);
		cut(text, envp);
	}
	fd = open_file(data, n, path, sizeof(path));
	load(path, envp, &first);
	load(path, envp, &second);
	require(strcmp(buf_str(&first), buf_str(&second)) == 0);
	close(fd);
	free(text);
	buf_release(&first);
	buf_release(&second);
	return 0;
}
