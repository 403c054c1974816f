#include "message/said.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "codec/json.h"

/* Twilio sends 10 at most. */
#define MEDIA_MAX 20

typedef const char *get_fn(const void *source, const char *name);

static const char *
of_form(const void *source, const char *name)
{
	const char *value;

	return kv_get(source, name, &value) == ST_OK ? value : NULL;
}

const char *
said_text(const struct json *message, const char *name)
{
	const struct json *v;
	const char *text;

	if (json_member(message, name, &v) != ST_OK)
		return NULL;
	if (json_kind(v) == JSON_ARRAY && (v = json_first(v)) == NULL)
		return NULL;
	return json_text(v, &text) == ST_OK && *text != '\0' ? text : NULL;
}

static const char *
of_json(const void *source, const char *name)
{
	return said_text(source, name);
}

static enum status
read_media(get_fn *get, const void *source, struct said *s)
{
	const char *count = get(source, "NumMedia"), *url;
	char name[32];
	uint64_t n = 0;

	if (str_empty(count) || str_u64(count, MEDIA_MAX, &n) != ST_OK)
		return ST_OK;
	for (uint64_t i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "MediaUrl%d", (int)i);
		if (str_empty(url = get(source, name)))
			continue;
		buf_puts(
		    &s->media, s->media.len == 0 ? "[{\"url\":" : ",{\"url\":");
		json_put_text(&s->media, url);
		snprintf(name, sizeof(name), "MediaContentType%d", (int)i);
		buf_puts(&s->media, ",\"content_type\":");
		url = get(source, name);
		json_put_text(&s->media, str_empty(url) ? NULL : url);
		buf_putc(&s->media, '}');
	}
	return s->media.len > 0 ? buf_putc(&s->media, ']') : s->media.err;
}

static enum status
read_said(get_fn *get, const void *source, struct said *s)
{
	*s = (struct said){ .text = get(source, "Body"),
		.to = get(source, "To"),
		.name = get(source, "ProfileName"),
		.service_sid = get(source, "MessagingServiceSid") };
	return read_media(get, source, s);
}

enum status
said_of_form(const struct kv *form, struct said *s)
{
	return read_said(of_form, form, s);
}

enum status
said_of_json(const struct json *message, bool is_event, struct said *s)
{
	const struct json *data;

	if (!is_event)
		return read_said(of_json, message, s);
	*s = (struct said){ 0 };
	if (json_member(message, "data", &data) == ST_OK)
		*s = (struct said){ .text = said_text(data, "body"),
			.to = said_text(data, "to"),
			.name = said_text(data, "profileName"),
			.service_sid = said_text(data, "messagingServiceSid") };
	return ST_OK;
}

void
said_release(struct said *s)
{
	buf_release(&s->media);
}
