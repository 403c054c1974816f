#include "ctl/message_form.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "codec/json.h"

#define NO_ACCOUNT "AC00000000000000000000000000000000"

/* Every value that a parameter can have. */
struct values {
	const char *sid, *from, *to, *body, *account, *profile, *media_n;
	const char *type; /* MessageType: text, image, … */
	const char *wa_id; /* the sender's digits */
	const char *metadata; /* ChannelMetadata */
	const char *status, *error, *event, *prefix, *channel_to;
	const char *country, *version, *received, *zero, *one, *empty;
};

#define V(member) offsetof(struct values, member)

/* In the order in which Twilio was seen to send them. */
struct parameter {
	const char *name;
	bool sms, whatsapp;
	size_t value; /* its offset in struct values */
};

static const struct parameter inbound[] = {
	{ "ToCountry", true, false, V(country) },
	{ "ToState", true, false, V(empty) },
	{ "SmsMessageSid", true, true, V(sid) },
	{ "NumMedia", true, true, V(media_n) },
	{ "ToCity", true, false, V(empty) },
	{ "FromZip", true, false, V(empty) },
	{ "ProfileName", false, true, V(profile) },
	{ "MessageType", false, true, V(type) },
	{ "SmsSid", true, true, V(sid) },
	{ "WaId", false, true, V(wa_id) },
	{ "FromState", true, false, V(empty) },
	{ "SmsStatus", true, true, V(received) },
	{ "FromCity", true, false, V(empty) },
	{ "Body", true, true, V(body) },
	{ "FromCountry", true, false, V(country) },
	{ "To", true, true, V(to) },
	{ "ToZip", true, false, V(empty) },
	{ "NumSegments", true, true, V(one) },
	{ "ReferralNumMedia", false, true, V(zero) },
	{ "MessageSid", true, true, V(sid) },
	{ "AccountSid", true, true, V(account) },
	{ "ChannelMetadata", false, true, V(metadata) },
	{ "From", true, true, V(from) },
	{ "ApiVersion", true, true, V(version) },
};

static const struct parameter callback[] = {
	{ "ErrorCode", true, true, V(error) },
	{ "EventType", false, true, V(event) },
	{ "SmsSid", true, true, V(sid) },
	{ "SmsStatus", true, true, V(status) },
	{ "MessageStatus", true, true, V(status) },
	{ "ChannelToAddress", false, true, V(channel_to) },
	{ "To", true, true, V(to) },
	{ "ChannelPrefix", false, true, V(prefix) },
	{ "MessageSid", true, true, V(sid) },
	{ "AccountSid", true, true, V(account) },
	{ "From", true, true, V(from) },
	{ "ApiVersion", true, true, V(version) },
};

/* By the end of a URL's path: what Twilio would say of the file. */
static const struct {
	const char *suffix, *content_type;
} content_types[] = {
	{ ".jpg", "image/jpeg" },
	{ ".jpeg", "image/jpeg" },
	{ ".png", "image/png" },
	{ ".gif", "image/gif" },
	{ ".webp", "image/webp" },
	{ ".ogg", "audio/ogg" },
	{ ".mp3", "audio/mpeg" },
	{ ".amr", "audio/amr" },
	{ ".mp4", "video/mp4" },
	{ ".3gp", "video/3gpp" },
	{ ".pdf", "application/pdf" },
	{ ".vcf", "text/vcard" },
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

bool
message_is_whatsapp(const char *address)
{
	return str_starts(address, "whatsapp:");
}

static const char *
content_type(const char *url)
{
	size_t len = strcspn(url, "?#");

	for (size_t i = 0; i < COUNT(content_types); i++) {
		size_t n = strlen(content_types[i].suffix);

		if (len > n &&
		    strncasecmp(url + len - n, content_types[i].suffix, n) == 0)
			return content_types[i].content_type;
	}
	return "application/octet-stream";
}

/* MessageType of WhatsApp: by the first medium. */
static const char *
message_type(const struct kv *media)
{
	const char *type = media->n ? content_type(media->pairs[0].value) : "";

	if (str_empty(type))
		return "text";
	if (str_starts(type, "image/"))
		return "image";
	if (str_starts(type, "audio/"))
		return "audio";
	if (str_starts(type, "video/"))
		return "video";
	return str_eq(type, "text/vcard") ? "contacts" : "document";
}

static enum status
fill(struct webhook *w, const struct parameter *table, size_t n, bool whatsapp,
    const struct values *values)
{
	enum status e = ST_OK;

	for (size_t i = 0; i < n && e == ST_OK; i++) {
		const char *value;

		memcpy(&value, (const char *)values + table[i].value,
		    sizeof(value));
		if (value && (whatsapp ? table[i].whatsapp : table[i].sms))
			e = webhook_add(w, table[i].name, value);
	}
	return e;
}

/* The digits of an address: "whatsapp:+14155550100" has 14155550100. */
static enum status
put_digits(struct buf *out, const char *address)
{
	for (; *address != '\0'; address++)
		if (isdigit((unsigned char)*address))
			buf_putc(out, *address);
	return out->err;
}

/* ChannelMetadata, a JSON text in a form field. */
static enum status
put_metadata(struct buf *out, const char *profile, const char *wa_id)
{
	buf_puts(out,
	    "{\"type\":\"whatsapp\",\"data\":{\"context\":"
	    "{\"ProfileName\":");
	json_put_text(out, profile);
	buf_puts(out, ",\"WaId\":");
	json_put_text(out, wa_id);
	return buf_puts(out, "}}}");
}

static enum status
add_media(struct webhook *w, const struct kv *media)
{
	enum status e = ST_OK;

	for (size_t i = 0; i < media->n && e == ST_OK; i++) {
		const char *url = media->pairs[i].value;
		char name[40];

		snprintf(name, sizeof(name), "MediaContentType%zu", i);
		e = webhook_add(w, name, content_type(url));
		snprintf(name, sizeof(name), "MediaUrl%zu", i);
		if (e == ST_OK)
			e = webhook_add(w, name, url);
	}
	return e;
}

enum status
message_form_fill(struct webhook *w, const struct message_form *m)
{
	struct buf wa_id = BUF_INIT, metadata = BUF_INIT;
	char media_n[24];
	struct values values = { .sid = m->sid,
		.from = m->from,
		.to = m->to,
		.body = m->body,
		.account =
		    str_empty(m->account_sid) ? NO_ACCOUNT : m->account_sid,
		.profile = m->profile,
		.media_n = media_n,
		.type = message_type(&m->media),
		.country = "US",
		.version = "2010-04-01",
		.received = "received",
		.zero = "0",
		.one = "1",
		.empty = "" };
	enum status e = put_digits(&wa_id, m->from);

	snprintf(media_n, sizeof(media_n), "%zu", m->media.n);
	values.wa_id = buf_str(&wa_id);
	if (e == ST_OK)
		e = put_metadata(&metadata, m->profile, values.wa_id);
	values.metadata = buf_str(&metadata);
	if (e == ST_OK)
		e = fill(w, inbound, COUNT(inbound),
		    message_is_whatsapp(m->from), &values);
	if (e == ST_OK)
		e = add_media(w, &m->media);
	buf_release(&wa_id);
	buf_release(&metadata);
	return e;
}

/* EventType of WhatsApp: "READ"; there is none before delivery. */
static const char *
event_type(const char *status)
{
	if (str_eq(status, "delivered"))
		return "DELIVERED";
	return str_eq(status, "read") ? "READ" : NULL;
}

enum status
status_form_fill(struct webhook *w, const struct status_form *s)
{
	bool whatsapp = message_is_whatsapp(s->to);
	struct values values = { .sid = s->sid,
		.from = s->from,
		.to = s->to,
		.account =
		    str_empty(s->account_sid) ? NO_ACCOUNT : s->account_sid,
		.status = s->status,
		.error = s->error_code,
		.event = event_type(s->status),
		.prefix = "whatsapp",
		.channel_to = whatsapp ? s->to + strlen("whatsapp:") : NULL,
		.version = "2010-04-01" };

	return fill(w, callback, COUNT(callback), whatsapp, &values);
}
