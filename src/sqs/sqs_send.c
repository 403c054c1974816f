/* Sending. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "codec/crypt.h"
#include "codec/xml.h"
#include "db/db.h"
#include "serve/exchange.h"
#include "sqs/sqs_attributes.h"
#include "sqs/sqs_call.h"
#include "store/sqlite_queue.h"

#define DELAY_MAX_S 900
#define NAME_LEN 128
#define TRACE "AWSTraceHeader"
#define NO_REASON "sent to the dead letters"

/* A message on its way in, and what its sender is told. */
struct sending {
	struct queue_message m;
	struct sqs_attributes attributes, system;
	struct buf kept; /* the attributes as they are stored */
	char id[QUEUE_ID_MAX];
	char md5[CRYPT_MD5_HEX_MAX], md5_attributes[CRYPT_MD5_HEX_MAX];
	char md5_system[CRYPT_MD5_HEX_MAX];
};

struct sends {
	struct sqs_call *call;
	struct sqs_entry *e;
	struct sending *of;
	size_t n;
};

/* --- what came ---------------------------------------------------------------- */

static bool
check_body(const struct sqs_call *c, struct sqs_fault *f, struct sending *s)
{
	size_t at = 0, max = sqs_body_max(c->x);
	bool legal = true;

	if (s->m.len == 0)
		return sqs_fault(f, SQS_MISSING,
		    "The request must contain the parameter MessageBody.");
	if (s->m.len + s->attributes.bytes > max)
		return sqs_fault(f, SQS_BAD_VALUE,
		    "One or more parameters are invalid. Reason: Message must "
		    "be shorter than %zu bytes.",
		    max);
	while (at < s->m.len && legal)
		at += xml_step(s->m.body + at, s->m.len - at, &legal);
	return legal || sqs_fault(f, SQS_BAD_CONTENTS, NULL);
}

/* A group's or deduplication id; absent: NULL. */
static bool
read_name(struct sqs_fault *f, const struct json *in, const char *member,
    const char **out)
{
	size_t i = 0;

	if (!sqs_text(f, in, member, false, out))
		return false;
	if (*out == NULL)
		return true;
	while (isascii((unsigned char)(*out)[i]) &&
	    isgraph((unsigned char)(*out)[i]))
		i++;
	if (i > 0 && i <= NAME_LEN && (*out)[i] == '\0')
		return true;
	return sqs_fault(f, SQS_BAD_VALUE,
	    "Value for parameter %s is invalid. Reason: %s can only include "
	    "alphanumeric and punctuation characters. 1 to 128 in length.",
	    member, member);
}

/* A dead letter's reason is an attribute, as our own client sends it. */
static void
make_dead(struct sending *s)
{
	struct sqs_attributes *list = &s->attributes;
	size_t i;

	s->m.dead = NO_REASON;
	for (i = 0; i < list->n; i++)
		if (strcmp(list->of[i].name, "Reason") == 0 &&
		    !list->of[i].binary)
			s->m.dead = list->of[i].value;
}

static enum status
digest(struct sending *s)
{
	enum status st = crypt_md5_hex(s->m.body, s->m.len, s->md5);

	if (st == ST_OK && s->attributes.n > 0)
		st = sqs_attributes_md5(&s->attributes, s->md5_attributes);
	if (st == ST_OK && s->system.n > 0)
		st = sqs_attributes_md5(&s->system, s->md5_system);
	/* That of a dead letter is its reason already. */
	if (st == ST_OK && s->attributes.n > (s->m.dead != NULL) &&
	    (st = sqs_attributes_put(&s->kept, &s->attributes)) == ST_OK)
		s->m.attributes = s->kept.data;
	return st;
}

static bool
read_sending(const struct sqs_call *c, struct sqs_entry *e, struct sending *s)
{
	struct sqs_fault *f = &e->fault;
	const struct json *in = e->in, *text;
	size_t i;

	/* Such a character makes it no text to json_text. */
	if (json_member(in, "MessageBody", &text) == ST_OK &&
	    json_kind(text) == JSON_STRING &&
	    json_text(text, &s->m.body) != ST_OK)
		return sqs_fault(f, SQS_BAD_CONTENTS, NULL);
	if (!sqs_text(f, in, "MessageBody", true, &s->m.body) ||
	    !sqs_int(f, in, "DelaySeconds", 0, DELAY_MAX_S, &s->m.delay_s) ||
	    !read_name(f, in, "MessageGroupId", &s->m.group) ||
	    !read_name(f, in, "MessageDeduplicationId", &s->m.dedupe) ||
	    !sqs_attributes_read(f, in, "MessageAttributes", &s->attributes) ||
	    !sqs_attributes_read(f, in, "MessageSystemAttributes", &s->system))
		return false;
	for (i = 0; i < s->system.n; i++)
		if (strcmp(s->system.of[i].name, TRACE) != 0)
			return sqs_fault(f, SQS_BAD_VALUE,
			    "Message system attribute name '%.100s' is "
			    "invalid.",
			    s->system.of[i].name);
	s->m.len = strlen(s->m.body);
	if (!check_body(c, f, s))
		return false;
	if (c->dead)
		make_dead(s);
	return sqs_fault_store(f, digest(s));
}

/* --- taking it ------------------------------------------------------------------ */

static enum status
send_job(struct db *db, void *arg)
{
	struct sends *s = arg;
	struct queue *q = s->call->queue;
	enum status st = ST_OK;
	size_t i;

	(void)db;
	for (i = 0; i < s->n && st == ST_OK; i++) {
		if (s->e[i].fault.kind != SQS_FINE)
			continue;
		st = sqlite_queue_push(q, &s->of[i].m, s->of[i].id);
		if (st == ST_EXISTS)
			st = ST_OK;
	}
	return st;
}

static void
put_sent(struct buf *out, size_t i, void *arg)
{
	const struct sending *s = &((const struct sends *)arg)->of[i];

	buf_printf(out, "\"MessageId\":\"%s\",\"MD5OfMessageBody\":\"%s\"",
	    s->id, s->md5);
	if (s->attributes.n > 0)
		buf_printf(out, ",\"MD5OfMessageAttributes\":\"%s\"",
		    s->md5_attributes);
	if (s->system.n > 0)
		buf_printf(out, ",\"MD5OfMessageSystemAttributes\":\"%s\"",
		    s->md5_system);
}

static bool
send_all(struct sqs_call *c, struct sqs_entry *e, size_t n)
{
	struct sends s = { .call = c, .e = e, .n = n };
	enum status st = ST_OK;
	bool fine = false;
	size_t i, good = 0;

	if ((s.of = calloc(n, sizeof(*s.of))) == NULL)
		return sqs_fault_store(&c->fault, ST_NOMEM);
	for (i = 0; i < n; i++)
		good += read_sending(c, &e[i], &s.of[i]);
	if (good > 0)
		st = db_write(c->x->app->db, send_job, &s);
	fine = sqs_fault_store(&c->fault, st) &&
	    sqs_entries_answer(c, e, n, put_sent, &s);
	for (i = 0; i < n; i++)
		buf_release(&s.of[i].kept);
	free(s.of);
	return fine;
}

bool
sqs_send_message(struct sqs_call *c)
{
	struct sqs_entry e = { .in = c->in };

	return send_all(c, &e, 1);
}

bool
sqs_send_message_batch(struct sqs_call *c)
{
	struct sqs_entry e[SQS_BATCH_MAX];
	size_t n;

	return sqs_entries(c, e, &n) && send_all(c, e, n);
}
