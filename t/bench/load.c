/*
 * load: signed requests for the benchmark, each with a SID of its own.
 *
 * usage: load template KIND FILE       a whole HTTP request, for signed.lua
 *        load records KIND COUNT FILE  what goes into it: SID, number, signature
 *        load cgi KIND COUNT FIRST PROGRAM [ARGUMENT...]
 *        load reply KIND PROGRAM [ARGUMENT...]
 *
 * KIND is a row of kinds below, or "forged": a message with a wrong signature.
 * "cgi" runs a CGI program COUNT times and prints the median time of a run in
 * microseconds; FIRST keeps the messages of several runs apart. "reply" prints
 * what one run answers.
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
#include "codec/form.h"

/* The benchmark's own; t/bench/run configures the same. */
#define URL "https://bench.example.com"
#define TOKEN "0123456789abcdef0123456789abcdef"
#define SENDERS 200

/* What differs from request to request, as it stands in a template. */
#define SID "SSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSS"
#define NUMBER "NNNN"
#define SIGNATURE "GGGGGGGGGGGGGGGGGGGGGGGGGGGG"

#define ACCOUNT "AC0123456789abcdef0123456789abcdef"
#define CALL \
	"AccountSid=" ACCOUNT "&ApiVersion=2010-04-01&CallSid=CA" SID \
	"&Called=%2B14155550100&CalledCity=&CalledCountry=US&CalledState=CA" \
	"&CalledZip=&Caller=%2B1415555" NUMBER "&CallerCity=SAN+RAFAEL" \
	"&CallerCountry=US&CallerState=CA&CallerZip=94903&Direction=inbound" \
	"&From=%2B1415555" NUMBER "&FromCity=SAN+RAFAEL&FromCountry=US" \
	"&FromState=CA&FromZip=94903&To=%2B14155550100&ToCity=" \
	"&ToCountry=US&ToState=CA&ToZip="

/* Bodies as Twilio encodes them; none is a GET. */
struct kind {
	const char *name, *path, *body;
};

static const struct kind kinds[] = {
	{ "health", "/health", NULL },
	{ "message", "/whatsapp",
	    "SmsMessageSid=SM" SID
	    "&NumMedia=0&ProfileName=Ada+Example&MessageType=text&SmsSid=SM" SID
	    "&WaId=1415555" NUMBER
	    "&SmsStatus=received&Body=Hello%2C+could+you+tell+me+where+my"
	    "+order+12345+is%3F+Thanks%21&To=whatsapp%3A%2B14155550100"
	    "&NumSegments=1&ReferralNumMedia=0&MessageSid=SM" SID
	    "&AccountSid=" ACCOUNT "&From=whatsapp%3A%2B1415555" NUMBER
	    "&ApiVersion=2010-04-01" },
	{ "gather", "/handle-incoming-call/gather",
	    CALL "&CallStatus=ringing" },
	{ "transfer", "/transfer-call",
	    CALL
	    "&CallStatus=in-progress&Digits=1&FinishedOnKey=&msg=Gather+End" },
	{ "digits", "/process-digits/birthdate",
	    CALL "&CallStatus=in-progress&Digits=19900115&FinishedOnKey=%23"
		 "&msg=Gather+End" },
};

struct message {
	char sid[sizeof(SID)], number[sizeof(NUMBER)];
	char signature[sizeof(SIGNATURE)];
	char body[2048];
};

static void
fail(const char *what)
{
	perror(what);
	exit(1);
}

static const struct kind *
kind_of(const char *name)
{
	size_t i;

	if (strcmp(name, "forged") == 0)
		name = "message";
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	fprintf(stderr, "load: no kind %s\n", name);
	exit(2);
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

/* Put value wherever its run stands in text. */
static void
fill(char *text, const char *run, const char *value)
{
	size_t n = strlen(run);
	char *at;

	for (at = text; (at = strstr(at, run)) != NULL; at += n)
		memcpy(at, value, n);
}

static int
by_name(const void *a, const void *b)
{
	const struct kv_pair *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void
message_sign(struct message *m, const struct kind *k)
{
	struct crypt_piece pieces[2 + 2 * 64] = { { URL, strlen(URL) },
		{ k->path, strlen(k->path) } };
	unsigned char mac[CRYPT_SHA1_SIZE];
	struct kv form = KV_INIT;
	size_t i, n = 2;
	bool malformed;

	if (form_parse(m->body, strlen(m->body), &form, &malformed) != ST_OK ||
	    form.n > 64)
		fail("form");
	qsort(form.pairs, form.n, sizeof(*form.pairs), by_name);
	for (i = 0; i < form.n; i++) {
		pieces[n++] = (struct crypt_piece){ form.pairs[i].name,
			form.pairs[i].name_len };
		pieces[n++] = (struct crypt_piece){ form.pairs[i].value,
			form.pairs[i].value_len };
	}
	if (crypt_hmac_sha1(TOKEN, strlen(TOKEN), pieces, n, mac) != ST_OK)
		fail("signature");
	base64_encode(mac, sizeof(mac), m->signature);
	kv_release(&form);
}

static void
message_make(struct message *m, const struct kind *k, uint64_t i)
{
	snprintf(m->sid, sizeof(m->sid), "%016llx%016llx",
	    (unsigned long long)spread(i),
	    (unsigned long long)spread(i ^ 0x5bd1e995u));
	snprintf(m->number, sizeof(m->number), "%04u",
	    (unsigned)(spread(i) % SENDERS));
	snprintf(m->body, sizeof(m->body), "%s", k->body ? k->body : "");
	fill(m->body, SID, m->sid);
	fill(m->body, NUMBER, m->number);
	message_sign(m, k);
}

static int
write_template(const struct kind *k, const char *path)
{
	FILE *f = fopen(path, "w");

	if (f == NULL || k->body == NULL)
		fail(path);
	fprintf(f,
	    "POST %s HTTP/1.1\r\nHost: bench.example.com\r\n"
	    "User-Agent: TwilioProxy/1.1\r\nAccept: */*\r\n"
	    "Content-Type: application/x-www-form-urlencoded\r\n"
	    "X-Twilio-Signature: " SIGNATURE "\r\n"
	    "I-Twilio-Idempotency-Token: " SID "\r\n"
	    "Content-Length: %zu\r\n\r\n%s",
	    k->path, strlen(k->body), k->body);
	if (fclose(f) != 0)
		fail(path);
	return 0;
}

static int
write_records(const struct kind *k, uint64_t count, const char *path)
{
	struct message m;
	FILE *f = fopen(path, "w");
	uint64_t i;

	if (f == NULL)
		fail(path);
	for (i = 0; i < count; i++) {
		message_make(&m, k, i);
		fprintf(f, "%s%s%s", m.sid, m.number, m.signature);
	}
	if (fclose(f) != 0)
		fail(path);
	return 0;
}

/* The environment of one CGI request, on top of our own. */
struct cgi {
	char signature[64], length[64], path[64], uri[64];
	const char *env[512];
};

static void
cgi_init(struct cgi *c, const struct message *m, const struct kind *k)
{
	extern char **environ;
	size_t n = 0;
	char **e;

	for (e = environ; *e != NULL && n < 480; e++)
		c->env[n++] = *e;
	snprintf(c->signature, sizeof(c->signature),
	    "HTTP_X_TWILIO_SIGNATURE=%s", m->signature);
	snprintf(c->length, sizeof(c->length), "CONTENT_LENGTH=%zu",
	    strlen(m->body));
	snprintf(c->path, sizeof(c->path), "PATH_INFO=%s", k->path);
	snprintf(c->uri, sizeof(c->uri), "REQUEST_URI=%s", k->path);
	c->env[n++] = c->signature;
	c->env[n++] = c->length;
	c->env[n++] = c->path;
	c->env[n++] = c->uri;
	c->env[n++] = k->body ? "REQUEST_METHOD=POST" : "REQUEST_METHOD=GET";
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
cgi_run(struct cgi *c, int input, char **argv, char *reply, size_t size)
{
	posix_spawn_file_actions_t actions;
	int out[2], status;
	double start;
	pid_t pid;

	if (pipe2(out, O_CLOEXEC) < 0)
		fail("pipe");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, input, 0);
	posix_spawn_file_actions_adddup2(&actions, out[1], 1);
	start = now_us();
	if (posix_spawn(&pid, argv[0], &actions, NULL, argv,
		(char *const *)c->env) != 0)
		fail(argv[0]);
	close(out[1]);
	status = collect(pid, out[0], reply, size);
	start = now_us() - start;
	close(out[0]);
	posix_spawn_file_actions_destroy(&actions);
	if (status != 0) {
		fprintf(stderr, "load: %s: status %d\n", argv[0], status);
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

/* One request; what comes back must begin as expected. */
static double
cgi_request(const char *name, uint64_t i, char **argv, char *reply, size_t size)
{
	const struct kind *k = kind_of(name);
	bool forged = strcmp(name, "forged") == 0;
	const char *expected = "Status: 20";
	struct message m;
	struct cgi c;
	double us;
	int input = memfd_create("body", MFD_CLOEXEC);

	message_make(&m, k, i);
	if (forged)
		m.signature[0] = m.signature[0] == 'A' ? 'B' : 'A';
	if (forged && strstr(argv[0], "nothing") == NULL)
		expected = "Status: 401";
	cgi_init(&c, &m, k);
	if (input < 0 || write(input, m.body, strlen(m.body)) < 0)
		fail("memfd");
	lseek(input, 0, SEEK_SET);
	us = cgi_run(&c, input, argv, reply, size);
	close(input);
	if (strncmp(reply, expected, strlen(expected)) != 0) {
		fprintf(stderr, "load: %s: %s\n", name, reply);
		exit(1);
	}
	return us;
}

static int
run_cgi(const char *name, uint64_t count, uint64_t first, char **argv)
{
	double *times = calloc(count, sizeof(*times));
	char reply[4096];
	uint64_t i;

	if (times == NULL || count == 0)
		fail("count");
	for (i = 0; i < count; i++)
		times[i] =
		    cgi_request(name, first + i, argv, reply, sizeof(reply));
	qsort(times, count, sizeof(*times), by_value);
	printf("%.0f\n", times[count / 2]);
	free(times);
	return 0;
}

static int
print_reply(const char *name, char **argv)
{
	char reply[4096];

	cgi_request(name, UINT64_MAX, argv, reply, sizeof(reply));
	return fputs(reply, stdout) == EOF;
}

int
main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "template") == 0)
		return write_template(kind_of(argv[2]), argv[3]);
	if (argc == 5 && strcmp(argv[1], "records") == 0)
		return write_records(
		    kind_of(argv[2]), strtoull(argv[3], NULL, 10), argv[4]);
	if (argc >= 6 && strcmp(argv[1], "cgi") == 0)
		return run_cgi(argv[2], strtoull(argv[3], NULL, 10),
		    strtoull(argv[4], NULL, 10), argv + 5);
	if (argc >= 4 && strcmp(argv[1], "reply") == 0)
		return print_reply(argv[2], argv + 3);
	fputs("usage: load template|records|cgi|reply (see load.c)\n", stderr);
	return 2;
}
