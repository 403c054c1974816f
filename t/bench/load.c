/*
 * load: signed messages for the benchmark, each with a SID of its own.
 *
 * usage: load template FILE        a whole HTTP request, for message.lua
 *        load records COUNT FILE   what goes into it: SID, number, signature
 *        load cgi COUNT FIRST KIND PROGRAM [ARGUMENT...]
 *
 * The last runs a CGI program COUNT times and prints the median time of a run
 * in microseconds; KIND is message, forged or health. FIRST keeps the messages
 * of several runs apart.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "codec/base64.h"
#include "codec/crypt.h"

/* The benchmark's own; t/bench/run configures the same. */
#define URL "https://bench.example.com/whatsapp"
#define TOKEN "0123456789abcdef0123456789abcdef"
#define ACCOUNT "AC0123456789abcdef0123456789abcdef"
#define SENDERS 200
#define RECORD 64

struct message {
	char sid[33], number[5], signature[29];
	char body[1024];
};

/* The body as Twilio encodes it: SID, SID, number, SID, number. */
static const char body_form[] =
    "SmsMessageSid=SM%s&NumMedia=0&ProfileName=Ada+Example&MessageType=text"
    "&SmsSid=SM%s&WaId=1415555%s&SmsStatus=received"
    "&Body=Hello%%2C+could+you+tell+me+where+my+order+12345+is%%3F+Thanks%%21"
    "&To=whatsapp%%3A%%2B14155550100&NumSegments=1&ReferralNumMedia=0"
    "&MessageSid=SM%s&AccountSid=" ACCOUNT
    "&From=whatsapp%%3A%%2B1415555%s&ApiVersion=2010-04-01";

/* The same as it is signed: names sorted; number, then SIDs, then number. */
static const char signed_form[] =
    URL "AccountSid" ACCOUNT "ApiVersion2010-04-01"
	"BodyHello, could you tell me where my order 12345 is? Thanks!"
	"Fromwhatsapp:+1415555%sMessageSidSM%sMessageTypetextNumMedia0"
	"NumSegments1ProfileNameAda ExampleReferralNumMedia0"
	"SmsMessageSidSM%sSmsSidSM%sSmsStatusreceived"
	"Towhatsapp:+14155550100WaId1415555%s";

static void
fail(const char *what)
{
	perror(what);
	exit(1);
}

/* splitmix64: SIDs that are spread like real ones, the same every time. */
static uint64_t
spread(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static void
message_sign(struct message *m)
{
	unsigned char mac[CRYPT_SHA1_SIZE];
	char text[1024];
	struct crypt_piece piece = { .data = text };

	piece.len = (size_t)snprintf(text, sizeof(text), signed_form, m->number,
	    m->sid, m->sid, m->sid, m->number);
	if (crypt_hmac_sha1(TOKEN, strlen(TOKEN), &piece, 1, mac) != ST_OK) {
		fputs("load: cannot sign\n", stderr);
		exit(1);
	}
	base64_encode(mac, sizeof(mac), m->signature);
}

static void
message_body(struct message *m)
{
	snprintf(m->body, sizeof(m->body), body_form, m->sid, m->sid, m->number,
	    m->sid, m->number);
}

static void
message_make(struct message *m, uint64_t i)
{
	snprintf(m->sid, sizeof(m->sid), "%016llx%016llx",
	    (unsigned long long)spread(i),
	    (unsigned long long)spread(i ^ 0x5bd1e995u));
	snprintf(m->number, sizeof(m->number), "%04u",
	    (unsigned)(spread(i) % SENDERS));
	message_sign(m);
	message_body(m);
}

static int
write_template(const char *path)
{
	struct message m;
	FILE *f = fopen(path, "w");

	if (f == NULL)
		fail(path);
	memset(m.sid, 'S', 32);
	m.sid[32] = '\0';
	strcpy(m.number, "NNNN");
	message_body(&m);
	fprintf(f,
	    "POST /whatsapp HTTP/1.1\r\nHost: bench.example.com\r\n"
	    "User-Agent: TwilioProxy/1.1\r\nAccept: */*\r\n"
	    "Content-Type: application/x-www-form-urlencoded\r\n"
	    "X-Twilio-Signature: GGGGGGGGGGGGGGGGGGGGGGGGGGGG\r\n"
	    "I-Twilio-Idempotency-Token: SSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSS\r\n"
	    "Content-Length: %zu\r\n\r\n%s",
	    strlen(m.body), m.body);
	if (fclose(f) != 0)
		fail(path);
	return 0;
}

static int
write_records(uint64_t count, const char *path)
{
	struct message m;
	FILE *f = fopen(path, "w");
	uint64_t i;

	if (f == NULL)
		fail(path);
	for (i = 0; i < count; i++) {
		message_make(&m, i);
		fprintf(f, "%s%s%s", m.sid, m.number, m.signature);
	}
	if (fclose(f) != 0)
		fail(path);
	return 0;
}

/* The environment of one CGI request, on top of our own. */
struct cgi {
	char signature[64], length[64], address[128];
	char *env[512];
};

static void
cgi_init(struct cgi *c, const struct message *m, bool post)
{
	extern char **environ;
	size_t n = 0;
	char **e;

	for (e = environ; *e != NULL && n < 480; e++)
		c->env[n++] = *e;
	snprintf(c->signature, sizeof(c->signature),
	    "HTTP_X_TWILIO_SIGNATURE=%s", m->signature);
	snprintf(c->length, sizeof(c->length), "CONTENT_LENGTH=%zu",
	    post ? strlen(m->body) : 0);
	c->env[n++] = c->signature;
	c->env[n++] = c->length;
	c->env[n++] = post ? "REQUEST_METHOD=POST" : "REQUEST_METHOD=GET";
	c->env[n++] = post ? "PATH_INFO=/whatsapp" : "PATH_INFO=/health";
	c->env[n++] = post ? "REQUEST_URI=/whatsapp" : "REQUEST_URI=/health";
	c->env[n++] = "CONTENT_TYPE=application/x-www-form-urlencoded";
	c->env[n++] = "GATEWAY_INTERFACE=CGI/1.1";
	c->env[n++] = "SERVER_PROTOCOL=HTTP/1.1";
	c->env[n++] = "HTTP_HOST=bench.example.com";
	c->env[n] = NULL;
}

static double
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Everything the program wrote; its exit status is the result. */
static int
collect(pid_t pid, int from, char *reply, size_t size)
{
	size_t have = 0;
	ssize_t n;
	int status;

	while (have < size - 1 &&
	    (n = read(from, reply + have, size - 1 - have)) > 0)
		have += (size_t)n;
	reply[have] = '\0';
	if (waitpid(pid, &status, 0) < 0)
		fail("waitpid");
	return status;
}

/* Run it once; microseconds from the start to its end. */
static double
cgi_run(struct cgi *c, int input, char **argv, const char *expected)
{
	posix_spawn_file_actions_t actions;
	int out[2], status;
	char reply[4096];
	double start;
	pid_t pid;

	if (pipe2(out, O_CLOEXEC) < 0)
		fail("pipe");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, input, 0);
	posix_spawn_file_actions_adddup2(&actions, out[1], 1);
	start = now_us();
	if (posix_spawn(&pid, argv[0], &actions, NULL, argv, c->env) != 0)
		fail(argv[0]);
	close(out[1]);
	status = collect(pid, out[0], reply, sizeof(reply));
	start = now_us() - start;
	close(out[0]);
	posix_spawn_file_actions_destroy(&actions);
	if (status != 0 || strncmp(reply, expected, strlen(expected)) != 0) {
		fprintf(stderr, "load: %s: status %d: %s\n", argv[0], status,
		    reply);
		exit(1);
	}
	return start;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int
run_cgi(uint64_t count, uint64_t first, const char *kind, char **argv)
{
	bool post = strcmp(kind, "health") != 0;
	bool forged = strcmp(kind, "forged") == 0;
	const char *expected = forged ? "Status: 401" : "Status: 20";
	double *times = calloc(count, sizeof(*times));
	struct message m;
	struct cgi c;
	uint64_t i;
	int input;

	if (times == NULL || count == 0)
		fail("count");
	if (strstr(argv[0], "nothing") != NULL)
		expected = "Status: 204";
	for (i = 0; i < count; i++) {
		message_make(&m, first + i);
		if (forged)
			m.signature[0] = m.signature[0] == 'A' ? 'B' : 'A';
		cgi_init(&c, &m, post);
		input = memfd_create("body", MFD_CLOEXEC);
		if (input < 0 ||
		    (post && write(input, m.body, strlen(m.body)) < 0))
			fail("memfd");
		lseek(input, 0, SEEK_SET);
		times[i] = cgi_run(&c, input, argv, expected);
		close(input);
	}
	qsort(times, count, sizeof(*times), by_value);
	printf("%.0f\n", times[count / 2]);
	free(times);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "template") == 0)
		return write_template(argv[2]);
	if (argc == 4 && strcmp(argv[1], "records") == 0)
		return write_records(strtoull(argv[2], NULL, 10), argv[3]);
	if (argc >= 6 && strcmp(argv[1], "cgi") == 0)
		return run_cgi(strtoull(argv[2], NULL, 10),
		    strtoull(argv[3], NULL, 10), argv[4], argv + 5);
	fputs("usage: load template|records|cgi (see load.c)\n", stderr);
	return 2;
}
