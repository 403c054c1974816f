#include "ctl/message_form.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "codec/json.h"
#include "config/config.h"

#define NO_ACCOUNT "AC00000000000000000000000000000000"

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

static bool
is_whatsapp(const char *address)
{
	return str_starts(address, "whatsapp:");
}

static const char *
content_type(const char *url)
{
	size_t len = strcspn(url, "?#");

	for (size_t i = 0; i < CTL_COUNT(content_types); i++) {
		size_t n = strlen(content_types[i].suffix);

		if (len > n &&
		    strncasecmp(url + len - n, content_types[i].suffix, n) == 0)
			return content_types[i].content_type;
	}
	return "application/octet-stream";
}

/* MessageType of WhatsApp: by the first medium, if there is one. */
static const char *
message_type(const char *url)
{
	const char *type = url != NULL ? content_type(url) : "";

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

static const char *
text_or(const struct ctl *ctl, const char *option, const char *otherwise)
{
	const char *text = ctl_text(ctl, option);

	return text != NULL ? text : otherwise;
}

/* The sender's name; WhatsApp only. */
static const char *
profile(const struct ctl *ctl)
{
	return text_or(ctl, "profile", "Test");
}

static const char *
account_sid(const struct ctl *ctl)
{
	const char *sid = ctl->config->twilio.account_sid;

	return str_empty(sid) ? NO_ACCOUNT : sid;
}

/* One parameter, and which messages have it. */
enum channel { BOTH, SMS, WHATSAPP };
struct parameter {
	enum channel channel;
	const char *name, *value; /* NULL: left out */
};

static enum status
add_all(const struct ctl *ctl, struct webhook *w, const struct parameter *p,
    size_t n, enum channel channel)
{
	enum status st = ST_OK;

	for (; n-- > 0 && st == ST_OK; p++)
		if (p->channel == BOTH || p->channel == channel)
			st = webhook_add(ctl, w, p->name, p->value);
	return st;
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
add_media(const struct ctl *ctl, struct webhook *w)
{
	enum status st = ST_OK;
	const char *url;
	size_t i = 0, n;
	char name[40];

	for (n = 0; st == ST_OK && (url = ctl_each(ctl, "media", &i)); n++) {
		snprintf(name, sizeof(name), "MediaContentType%zu", n);
		st = webhook_add(ctl, w, name, content_type(url));
		snprintf(name, sizeof(name), "MediaUrl%zu", n);
		if (st == ST_OK)
			st = webhook_add(ctl, w, name, url);
	}
	return st;
}

size_t
message_media_n(const struct ctl *ctl)
{
	size_t i = 0, n = 0;

	while (ctl_each(ctl, "media", &i) != NULL)
		n++;
	return n;
}

/* In the order in which Twilio was seen to send them. */
static enum status
add_inbound(const struct ctl *ctl, struct webhook *w, const char *sid,
    const char *wa_id, const char *metadata)
{
	const char *from = ctl_text(ctl, "from");
	bool whatsapp = is_whatsapp(from);
	/* Twilio's own example numbers: they belong to nobody. */
	const char *to = text_or(
	    ctl, "to", whatsapp ? "whatsapp:+14155238886" : "+15005550006");
	char media_n[24];
	const struct parameter form[] = {
		{ SMS, "ToCountry", "US" },
		{ SMS, "ToState", "" },
		{ BOTH, "SmsMessageSid", sid },
		{ BOTH, "NumMedia", media_n },
		{ SMS, "ToCity", "" },
		{ SMS, "FromZip", "" },
		{ WHATSAPP, "ProfileName", profile(ctl) },
		{ WHATSAPP, "MessageType",
		    message_type(ctl_text(ctl, "media")) },
		{ BOTH, "SmsSid", sid },
		{ WHATSAPP, "WaId", wa_id },
		{ SMS, "FromState", "" },
		{ BOTH, "SmsStatus", "received" },
		{ SMS, "FromCity", "" },
		{ BOTH, "Body", text_or(ctl, "body", "") },
		{ SMS, "FromCountry", "US" },
		{ BOTH, "To", to },
		{ SMS, "ToZip", "" },
		{ BOTH, "NumSegments", "1" },
		{ WHATSAPP, "ReferralNumMedia", "0" },
		{ BOTH, "MessageSid", sid },
		{ BOTH, "AccountSid", account_sid(ctl) },
		{ WHATSAPP, "ChannelMetadata", metadata },
		{ BOTH, "From", from },
		{ BOTH, "ApiVersion", "2010-04-01" },
	};

	snprintf(media_n, sizeof(media_n), "%zu", message_media_n(ctl));
	return add_all(
	    ctl, w, form, CTL_COUNT(form), whatsapp ? WHATSAPP : SMS);
}

enum status
message_form(const struct ctl *ctl, struct webhook *w, const char *sid)
{
	struct buf wa_id = BUF_INIT, metadata = BUF_INIT;
	enum status st = put_digits(&wa_id, ctl_text(ctl, "from"));

	if (st == ST_OK)
		st = put_metadata(&metadata, profile(ctl), buf_str(&wa_id));
	if (st == ST_OK)
		st = add_inbound(
		    ctl, w, sid, buf_str(&wa_id), buf_str(&metadata));
	if (st == ST_OK)
		st = add_media(ctl, w);
	buf_release(&wa_id);
	buf_release(&metadata);
	return st;
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
message_status_form(const struct ctl *ctl, struct webhook *w, const char *sid)
{
	const char *to = text_or(ctl, "to", "whatsapp:+14155550100");
	const char *status = ctl_text(ctl, "status");
	bool whatsapp = is_whatsapp(to);
	const struct parameter form[] = {
		{ BOTH, "ErrorCode", ctl_text(ctl, "error") },
		{ WHATSAPP, "EventType", event_type(status) },
		{ BOTH, "SmsSid", sid },
		{ BOTH, "SmsStatus", status },
		{ BOTH, "MessageStatus", status },
		{ WHATSAPP, "ChannelToAddress",
		    whatsapp ? to + strlen("whatsapp:") : NULL },
		{ BOTH, "To", to },
		{ WHATSAPP, "ChannelPrefix", "whatsapp" },
		{ BOTH, "MessageSid", sid },
		{ BOTH, "AccountSid", account_sid(ctl) },
		{ BOTH, "From", text_or(ctl, "from", "whatsapp:+14155238886") },
		{ BOTH, "ApiVersion", "2010-04-01" },
	};

	return add_all(
	    ctl, w, form, CTL_COUNT(form), whatsapp ? WHATSAPP : SMS);
}
