/*
 * What goes on a queue, one JSON object:
 *
 *	{"twilio_message": {"From": ["whatsapp:+14155550100"], …},
 *	 "conversation_id": …, "thread_id": …, "company_id": …,
 *	 "project_id": …, "timestamp": "2026-11-21T18:50:00.123456",
 *	 "channel": "whatsapp"}
 *
 * Every parameter of a form is a list of its values; a JSON webhook is
 * carried as the object it was. What the conversation does not have is null.
 */
#ifndef MESSAGE_ENVELOPE_H
#define MESSAGE_ENVELOPE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/kv.h"

struct conversation;
struct json;

/*
 * The channel of a From address: "whatsapp" of "whatsapp:+1…", "sms" of a
 * bare number, else the prefix, in small letters.
 */
#define ENVELOPE_CHANNEL_MAX 32
void envelope_channel(const char *from, char out[static ENVELOPE_CHANNEL_MAX]);

/* The value of "twilio_message" for a form. The result is out->err. */
enum status envelope_put_form(const struct kv *form, struct buf *out);

/*
 * The whole envelope around a twilio_message, which is JSON. conversation is
 * NULL if there is none. The result is out->err.
 */
enum status envelope_put(const struct buf *twilio_message,
    const struct conversation *conversation, int64_t received_us,
    const char *channel, struct buf *out);

/*
 * An envelope as envelope_put has written it. Strings live as long as the text
 * and this; the caller gives it to envelope_release in any case. ST_OK;
 * ST_MALFORMED: it is another text; ST_NOMEM.
 */
struct envelope {
	const char *message; /* "twilio_message": JSON */
	size_t message_len;
	const char *conversation_id; /* NULL: none */
	const char *from; /* the address as Twilio sent it, or NULL */
	const char *sid; /* or NULL */
	int64_t received_us;
	char channel[ENVELOPE_CHANNEL_MAX];
	const struct json *parsed; /* twilio_message, see said.h */
	bool is_event;
	struct json *json; /* owns the strings */
};
enum status envelope_read(const char *, size_t len, struct envelope *);
void envelope_release(struct envelope *);

#endif
