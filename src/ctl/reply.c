/* switchhook reply: answer a conversation. */
#include <stdio.h>

#include "ctl/ctl.h"
#include "ctl/row.h"
#include "reply/reply.h"
#include "serve/app.h"
#include "store/reply.h"
#include "twilio/rest/messages.h"

static enum status
put_reply(const struct reply *r, void *ctl)
{
	char id[24];
	const char *words = reply_words(r->error_code, r->error);
	int n = snprintf(id, sizeof(id), "r%lld", (long long)r->id);
	struct cell cells[] = {
		cell_bytes("id", id, (size_t)n),
		cell_text("conversation_id", r->conversation_id, 0),
		cell_text("state", r->state, 0),
		cell_text("sid", r->sid, 0),
		cell_text("from", r->from, 0),
		cell_text("to", r->to, 0),
		cell_text("author", r->author, 0),
		cell_text("error_code", r->error_code, 0),
		cell_text("error", words, 0),
	};

	return row_block(ctl, cells, CTL_COUNT(cells));
}

int
ctl_reply_end(struct ctl *ctl, enum reply_answer answer,
    const char *conversation, const struct buf *why, enum status st)
{
	switch (answer) {
	case REPLY_STORED:
	case REPLY_KNOWN:
		return CTL_DONE;
	case REPLY_WRONG:
		return ctl_say(ctl, CTL_USAGE, "%s", buf_str(why));
	case REPLY_NO_CONVERSATION:
		return ctl_say(
		    ctl, CTL_NO, "there is no conversation %s", conversation);
	case REPLY_OPTED_OUT:
	case REPLY_HANDED_OFF:
	case REPLY_NO_SENDER:
	case REPLY_REUSED:
		return ctl_say(
		    ctl, CTL_NO, "%s: %s", conversation, buf_str(why));
	case REPLY_BROKEN:
		break;
	}
	return ctl_end(ctl, st, "%s", conversation);
}

int
ctl_reply(struct ctl *ctl)
{
	const char *media[MESSAGES_MEDIA_MAX], *url;
	struct reply_draft d = { .conversation_id = ctl->operands[0],
		.client_id = ctl_text(ctl, "client-id"),
		.author = "switchhook",
		.text = ctl_text(ctl, "body"),
		.media = media };
	struct buf why = BUF_INIT;
	enum reply_answer answer;
	size_t i = 0;
	int64_t id;
	enum status st;
	int code;

	while ((url = ctl_each(ctl, "media", &i)) != NULL) {
		if (d.media_n == MESSAGES_MEDIA_MAX)
			return ctl_say(ctl, CTL_USAGE,
			    "--media: a message has %d at most",
			    MESSAGES_MEDIA_MAX);
		media[d.media_n++] = url;
	}
	if ((code = ctl_app(ctl)) != CTL_DONE)
		return code;
	answer = reply_write(ctl->app, &d, &id, &why, &st);
	code = ctl_reply_end(ctl, answer, d.conversation_id, &why, st);
	buf_release(&why);
	if (code != CTL_DONE)
		return code;
	if (answer == REPLY_STORED)
		reply_send(ctl->app, id);
	return ctl_end(ctl, reply_get(ctl->app->db, id, put_reply, ctl),
	    "r%lld", (long long)id);
}
