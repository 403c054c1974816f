/* switchhook queue run: a consumer made of any command. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/str.h"
#include "config/config.h"
#include "ctl/child.h"
#include "ctl/ctl.h"
#include "ctl/queue_reply.h"
#include "ctl/row.h"
#include "message/waiting.h"
#include "reply/reply.h"
#include "serve/app.h"
#include "store/queue.h"
#include "twilio/rest/account.h"

/* How often an empty queue is asked, and how soon after a failure. */
#define POLL_MS 500
#define TROUBLE_MS 2000
#define DOUBT_S 10
#define BACKOFF_CAP_S INT64_C(900)
#define REASON_MAX QUEUE_REPLY_REASON_MAX

/* --batch: what a command can take in at a time, and a bound for us. */
#define BATCH_MAX 100
#define BATCH_BYTES ((size_t)1 << 20)

/* Of the command's environment, behind what it has of ours. */
enum {
	VAR_QUEUE,
	VAR_ID,
	VAR_ATTEMPT,
	VAR_MESSAGES,
	VARS_ALWAYS,
	VAR_CONVERSATION = VARS_ALWAYS, /* with --reply */
	VAR_FROM,
	VAR_TO,
	VAR_CHANNEL,
	VARS_N
};

static const char *const variables[VARS_N] = { CTL_RUN_QUEUE,
	CTL_RUN_MESSAGE_ID, CTL_RUN_ATTEMPT, CTL_RUN_MESSAGES,
	CTL_RUN_CONVERSATION, CTL_RUN_FROM, CTL_RUN_TO, CTL_RUN_CHANNEL };

/* What one run of the command gets: a message, or several of a conversation. */
struct work {
	struct queue_item items[BATCH_MAX];
	const char *receipts[BATCH_MAX]; /* the items' */
	size_t n;
	int64_t attempts; /* of the one that has the most */
};

struct runner {
	struct ctl *ctl;
	struct queue *queue;
	struct waiting waiting; /* to look again before it is handed out */
	struct stop stop;
	char **command;
	char **envp; /* ours without secrets; VARS_N more; NULL */
	size_t envp_n; /* without the VARS_N */
	bool drain, batch, reply;
	bool in_doubt; /* the last look at a conversation failed */
	int64_t tries, visibility_s, backoff_s, limit;
	int64_t taken;
};

/* --- the environment ------------------------------------------------------- */

/* The command is not trusted: what gives access to the account stays here. */
static bool
is_secret(const char *entry)
{
	bool secret = str_starts(entry, "SWITCHHOOK_TWILIO_");

	for (size_t i = 0; i < options_n && !secret; i++) {
		char name[OPTION_VARIABLE_MAX];
		size_t n;

		if (!options[i].secret)
			continue;
		option_variable(&options[i], name);
		n = strlen(name);
		secret = strncmp(entry, name, n) == 0 && entry[n] == '=';
	}
	return secret;
}

/* Is it what another run has told us? */
static bool
is_told(const char *entry)
{
	for (size_t i = 0; i < VARS_N; i++) {
		size_t n = strlen(variables[i]);

		if (strncmp(entry, variables[i], n) == 0 && entry[n] == '=')
			return true;
	}
	return false;
}

static enum status
make_environment(struct runner *r)
{
	char *const *ours = r->ctl->envp;
	size_t n = 0;

	while (ours[n])
		n++;
	r->envp = calloc(n + VARS_N + 1, sizeof(*r->envp));
	if (!r->envp)
		return ST_NOMEM;
	for (size_t i = 0; i < n; i++)
		if (!is_secret(ours[i]) && !is_told(ours[i]))
			r->envp[r->envp_n++] = ours[i];
	return ST_OK;
}

/* The variables of one run; buf holds their text. */
static enum status
set_variables(struct runner *r, const struct work *w,
    const struct queue_reply *reply, struct buf vars[static VARS_N])
{
	size_t n = r->reply ? VARS_N : VARS_ALWAYS;
	char attempt[24], messages[24];
	const char *values[VARS_N] = { r->queue->name, w->items[0].id, attempt,
		messages, reply->conversation_id, reply->from, reply->to,
		reply->channel };
	enum status e = ST_OK;

	snprintf(attempt, sizeof(attempt), "%" PRId64, w->attempts);
	snprintf(messages, sizeof(messages), "%zu", w->n);
	for (size_t i = 0; i < n; i++) {
		buf_printf(&vars[i], "%s=%s", variables[i],
		    values[i] != NULL ? values[i] : "");
		r->envp[r->envp_n + i] = vars[i].data;
		if (vars[i].err != ST_OK)
			e = vars[i].err;
	}
	return e;
}

/* --- one run of the command ------------------------------------------------ */

/* What became of it. */
enum result {
	RESULT_DONE,
	RESULT_RELEASED,
	RESULT_DEAD,
	RESULT_HANDED_OFF,
	RESULT_LOST
};

static const char *
result_name(enum result result)
{
	switch (result) {
	case RESULT_DONE:
		return "done";
	case RESULT_RELEASED:
		return "released";
	case RESULT_DEAD:
		return "dead";
	case RESULT_HANDED_OFF:
		return "handed_off";
	case RESULT_LOST:
		break;
	}
	return "lost";
}

struct outcome {
	enum result result;
	const char *reason; /* NULL: none */
	int64_t delay_s;
	bool settled; /* nothing is left to be done with the messages */
	int64_t reply; /* the id of the one that was stored; 0: none */
};

/*
 * Twice as long after each try, up to the cap, and then a random part of the
 * upper half: messages that failed together do not come back together.
 */
static int64_t
backoff(const struct runner *r, int64_t attempts)
{
	int64_t cap =
	    r->backoff_s > BACKOFF_CAP_S ? r->backoff_s : BACKOFF_CAP_S;

	return backoff_delay(r->backoff_s, attempts - 1, cap, 50);
}

static void
put_outcome(struct runner *r, const struct work *w, const struct outcome *o)
{
	const char *name = r->queue->name, *id = w->items[0].id;
	const char *result = result_name(o->result);
	char reply[24] = "";

	if (o->reply != 0)
		snprintf(reply, sizeof(reply), "r%" PRId64, o->reply);
	for (size_t i = 0; i < w->n && r->ctl->json; i++) {
		const struct queue_item *item = &w->items[i];
		struct cell cells[] = { cell_text("id", item->id, 0),
			cell_text("queue", name, 0),
			cell_int("attempts", item->attempts, 0),
			cell_text("result", result, 0),
			cell_optional(cell_text("reason", o->reason, 0)),
			cell_int("delay_s", o->delay_s, 0),
			cell_optional(cell_text("reply", reply, 0)) };

		(void)row_line(r->ctl, cells, CTL_COUNT(cells));
	}
	if (r->ctl->json || o->reason == NULL)
		return;
	if (w->n == 1)
		ctl_say(r->ctl, CTL_DONE, "%s %s, try %" PRId64 ": %s; %s",
		    name, id, w->attempts, o->reason, result);
	else
		ctl_say(r->ctl, CTL_DONE,
		    "%s %s and %zu more, try %" PRId64 ": %s; %s", name, id,
		    w->n - 1, w->attempts, o->reason, result);
}

/* A store that is busy is asked again: the work itself is done. */
static enum status
settle(struct runner *r, const struct work *w, const struct outcome *o)
{
	const struct queue_ops *ops = r->queue->ops;
	struct queue_end end = {
		.how = QUEUE_RELEASE, .delay_s = o->delay_s, .reason = o->reason
	};
	enum status e = ST_BUSY;

	if (o->result == RESULT_DONE)
		end.how = QUEUE_ACK;
	else if (o->result == RESULT_DEAD)
		end.how = QUEUE_BURY;
	for (int i = 0; i < 5 && e == ST_BUSY; i++) {
		if (r->batch)
			e = ops->settle(r->queue, w->receipts, w->n, &end);
		else if (o->result == RESULT_DONE)
			e = ops->ack(r->queue, w->receipts[0]);
		else if (o->result == RESULT_DEAD)
			e = ops->bury(r->queue, w->receipts[0], o->reason);
		else
			e = ops->release(
			    r->queue, w->receipts[0], o->delay_s, o->reason);
	}
	return e;
}

static int
finish(struct runner *r, const struct work *w, struct outcome *o)
{
	enum status e = o->settled ? ST_OK : settle(r, w, o);

	if (e == ST_NOTFOUND) {
		o->reason = "took longer than the visibility time-out, so it "
			    "comes once more";
		o->result = RESULT_LOST;
		e = ST_OK;
	}
	if (e != ST_OK)
		return ctl_end(
		    r->ctl, e, "%s %s", r->queue->name, w->items[0].id);
	put_outcome(r, w, o);
	return CTL_DONE;
}

/* Why a try failed, in words. False: it did not fail. */
static bool
failed(const struct runner *r, const struct child_result *result,
    char reason[static REASON_MAX])
{
	switch (result->end) {
	case CHILD_EXITED:
		snprintf(reason, REASON_MAX, "exit status %d", result->code);
		return result->code != 0;
	case CHILD_SIGNALLED:
		snprintf(reason, REASON_MAX, "killed by signal %d (%s)",
		    result->code, strsignal(result->code));
		return true;
	case CHILD_OVERDUE:
		snprintf(reason, REASON_MAX,
		    "not done within %" PRId64 " s, killed", r->visibility_s);
		return true;
	case CHILD_STOPPED:
		snprintf(reason, REASON_MAX, "killed, the run was stopped");
		return true;
	case CHILD_NOT_STARTED:
		snprintf(reason, REASON_MAX, "cannot be started: %s",
		    strerror(result->code));
		return true;
	}
	return true;
}

/* A batch as lines. Within JSON an end of line is a blank like any other. */
static enum status
put_lines(const struct work *w, struct buf *out)
{
	for (size_t i = 0; i < w->n; i++) {
		const char *body = w->items[i].body;

		for (size_t j = 0; j < w->items[i].len; j++)
			buf_putc(out,
			    body[j] == '\n' || body[j] == '\r' ? ' ' : body[j]);
		buf_putc(out, '\n');
	}
	return out->err;
}

/*
 * Run the command on it. It is killed while we still hold the messages, a
 * tenth before the end of their visibility, so that nobody else works on them.
 */
static struct child_result
try(struct runner *r, const struct work *w, int64_t received_us,
    const struct queue_reply *reply, struct buf *printed)
{
	int64_t span = r->visibility_s * 1000000;
	int64_t margin = span / 10 < 5000000 ? span / 10 : 5000000;
	struct buf vars[VARS_N] = { { 0 } };
	struct buf lines = BUF_INIT;
	struct child child = { .argv = r->command,
		.envp = r->envp,
		.input = w->items[0].body,
		.input_len = w->items[0].len,
		.out_to_err = r->ctl->json,
		.output = r->reply ? printed : NULL,
		.output_max = QUEUE_REPLY_OUTPUT,
		.term_us = received_us + span - margin,
		.kill_us = received_us + span - margin / 2 };
	struct child_result result = { CHILD_NOT_STARTED, ENOMEM };
	enum status e = set_variables(r, w, reply, vars);

	if (e == ST_OK && r->batch) {
		e = put_lines(w, &lines);
		child.input = lines.data;
		child.input_len = lines.len;
	}
	if (e == ST_OK)
		result = child_run(&child, &r->stop);
	for (size_t i = 0; i < VARS_N; i++)
		buf_release(&vars[i]);
	buf_release(&lines);
	return result;
}

/* The command has ended: what is to become of the messages. False: it was a
 * failed try, see reason. */
static bool
judge(const struct runner *r, const struct child_result *result,
    struct queue_reply *reply, const struct buf *printed, struct outcome *o)
{
	bool people = r->reply && result->end == CHILD_EXITED &&
	    result->code == QUEUE_REPLY_PEOPLE;
	enum queue_reply_end end = QUEUE_REPLY_DONE;

	if (failed(r, result, reply->reason) && !people)
		return false;
	if (people) {
		end = queue_reply_hand_over(reply);
	} else if (r->reply) {
		*reply->reason = '\0';
		end = queue_reply_store(reply, printed);
	}
	o->reply = reply->id;
	o->settled = end != QUEUE_REPLY_DONE;
	if (end == QUEUE_REPLY_HANDED_OFF)
		o->result = RESULT_HANDED_OFF;
	if (*reply->reason != '\0' && r->reply)
		o->reason = reply->reason;
	return end != QUEUE_REPLY_FAILED;
}

static int
attempt(struct runner *r, const struct work *w, int64_t received_us)
{
	char reason[REASON_MAX] = "";
	const struct waiting_taken taken = { r->queue, w->items, w->receipts,
		w->n };
	struct queue_reply reply = { .ctl = r->ctl,
		.waiting = &r->waiting,
		.taken = &taken,
		.reason = reason };
	struct outcome o = { .result = RESULT_DONE };
	struct child_result result = { CHILD_EXITED, 0 };
	struct buf printed = BUF_INIT;
	bool good = !r->reply || queue_reply_begin(&reply);
	int code;

	if (good) {
		result = try(r, w, received_us, &reply, &printed);
		good = judge(r, &result, &reply, &printed, &o);
	}
	if (!good)
		o = w->attempts >= r->tries
		    ? (struct outcome){ .result = RESULT_DEAD,
			      .reason = reason }
		    : (struct outcome){ .result = RESULT_RELEASED,
			      .reason = reason,
			      .delay_s = backoff(r, w->attempts) };
	code = finish(r, w, &o);
	if (o.reply != 0)
		reply_send(r->ctl->app, o.reply);
	queue_reply_release(&reply);
	buf_release(&printed);
	return result.end == CHILD_NOT_STARTED ? CTL_FAILED : code;
}

/* One that takes its consumer down with it never gets to fail. */
static int
handle(struct runner *r, const struct work *w, int64_t received_us)
{
	struct outcome o = { .result = RESULT_DEAD,
		.reason = "its tries were never finished" };

	return w->attempts > r->tries ? finish(r, w, &o)
				      : attempt(r, w, received_us);
}

/* --- the loop -------------------------------------------------------------- */

/* Nothing to do, or no way to: CTL_DONE with *more false ends the run. */
static int
pause_run(struct runner *r, enum status e, bool *more)
{
	if (e == ST_NOTFOUND) {
		*more = !r->drain;
		if (*more)
			stop_wait(&r->stop, POLL_MS);
		return CTL_DONE;
	}
	if (e == ST_CORRUPT) {
		ctl_say(r->ctl, CTL_FAILED,
		    "%s: a message was damaged and is now a dead letter",
		    r->queue->name);
		return CTL_DONE;
	}
	ctl_end(r->ctl, e, "%s", r->queue->name);
	/* A server waits until the trouble is over, cron calls again. */
	*more = !r->drain && e != ST_CONFIG;
	if (*more)
		stop_wait(&r->stop, TROUBLE_MS);
	return *more ? CTL_DONE : (int)ctl_exit_of(e);
}

/*
 * The next message that may be handed out. Whoever cannot tell whether people
 * have taken over must not answer: it waits, and while nothing can be looked up
 * no other is taken, since each taking counts as a try.
 */
static enum status
next_item(struct runner *r, struct queue_item *item)
{
	bool moved = true;
	enum status e = r->in_doubt ? waiting_can_look(&r->waiting) : ST_OK;

	while (e == ST_OK && moved) {
		queue_item_release(item);
		e = r->queue->ops->receive(r->queue, r->visibility_s, item);
		if (e != ST_OK)
			return e;
		e = waiting_look_again(&r->waiting, r->queue, item, &moved);
	}
	r->in_doubt = e != ST_OK;
	if (e != ST_OK && item->receipt)
		r->queue->ops->release(r->queue, item->receipt, DOUBT_S,
		    "its conversation could not be looked up");
	/* These two are said of messages. */
	return e == ST_NOTFOUND || e == ST_CORRUPT ? ST_UNAVAILABLE : e;
}

/* The message that is due longest, and with --batch what waits of its group. */
static enum status
take(struct runner *r, struct work *w)
{
	const struct queue_ops *ops = r->queue->ops;
	enum status e = next_item(r, &w->items[0]);
	size_t more = 0;

	w->n = 1; /* to be released, at any rate */
	if (e == ST_OK && r->batch) {
		e = ops->receive_more(r->queue, w->items[0].receipt, true,
		    w->items[0].len < BATCH_BYTES
			? BATCH_BYTES - w->items[0].len
			: 0,
		    w->items + 1, BATCH_MAX - 1, &more);
		/* Not by halves; if this fails too, it comes again later. */
		if (e != ST_OK)
			(void)ops->release(
			    r->queue, w->items[0].receipt, 0, NULL);
		if (e == ST_NOTFOUND)
			e = ST_BUSY;
		w->n += more;
	}
	w->attempts = 0;
	for (size_t i = 0; i < w->n; i++) {
		w->receipts[i] = w->items[i].receipt;
		if (w->attempts < w->items[i].attempts)
			w->attempts = w->items[i].attempts;
	}
	return e;
}

static int
loop(struct runner *r)
{
	int code = CTL_DONE;
	bool more = true;

	while (code == CTL_DONE && more && !r->stop.asked) {
		struct work w = { .n = 0 };
		int64_t now = clock_mono_us();
		enum status e = take(r, &w);

		if (e == ST_OK) {
			code = handle(r, &w, now);
			r->taken += (int64_t)w.n;
			more = r->limit == 0 || r->taken < r->limit;
		} else {
			code = pause_run(r, e, &more);
		}
		while (w.n > 0)
			queue_item_release(&w.items[--w.n]);
		stop_wait(&r->stop, 0);
	}
	return code;
}

/* A reply goes the way of all others, and what is handed to people comes from
 * the AI's queue. */
static int
open_reply(struct runner *r)
{
	const struct app *app = r->ctl->app;
	const struct config *c = app->config;
	const struct rest_account account =
	    rest_account(c, app->secrets->tokens[0], app->secrets->api_secret);
	const char *lacks = rest_account_lacks(&account);

	if (!str_eq(r->queue->name, c->whatsapp.ai_queue) ||
	    str_eq(r->queue->name, c->whatsapp.human_queue))
		return ctl_say(r->ctl, CTL_USAGE,
		    "queue run: --reply is for the queue of whatsapp.ai_queue, "
		    "%s, not for %s",
		    c->whatsapp.ai_queue, r->queue->name);
	if (lacks != NULL)
		ctl_say(r->ctl, CTL_DONE, "queue run: replies will wait: %s",
		    lacks);
	r->waiting.by = "machine";
	return CTL_DONE;
}

static int
open_queue(struct runner *r)
{
	/* First: its database is then the queue's. */
	int code = r->reply ? ctl_app(r->ctl) : CTL_DONE;

	if (code == CTL_DONE)
		code = ctl_queue(r->ctl, r->ctl->operands[0]);
	r->queue = r->ctl->queue;
	if (code == CTL_DONE && r->batch && r->queue->ops->receive_more == NULL)
		code = ctl_say(r->ctl, CTL_USAGE,
		    "queue run: %s cannot take several messages at once; leave "
		    "out --batch, or use a queue in the embedded database "
		    "(sqlite:NAME)",
		    r->queue->name);
	if (code == CTL_DONE)
		code = ctl_waiting(r->ctl, &r->waiting);
	if (code == CTL_DONE && r->reply)
		code = open_reply(r);
	return code;
}

static int
run_queue(struct runner *r)
{
	int code = open_queue(r);

	if (code == CTL_DONE)
		code = ctl_end(r->ctl, make_environment(r), "queue run");
	if (code == CTL_DONE) {
		if (stop_open(&r->stop) == ST_OK)
			code = loop(r);
		else
			code = ctl_say(
			    r->ctl, CTL_FAILED, "signals: %s", strerror(errno));
		stop_close(&r->stop);
	}
	free(r->envp);
	return code;
}

int
ctl_queue_run(struct ctl *ctl)
{
	struct runner r = { .ctl = ctl,
		.command = ctl->operands + 1,
		.drain = ctl_flag(ctl, "drain"),
		.batch = ctl_flag(ctl, "batch"),
		.reply = ctl_flag(ctl, "reply"),
		.tries = ctl_number(ctl, "tries", 5),
		.visibility_s = ctl_number(ctl, "visibility", 60),
		.backoff_s = ctl_number(ctl, "backoff", 10),
		.limit = ctl_number(ctl, "limit", 0) };
	const char *path = getenv("PATH");

	/* Before a message is taken: a slip of the pen is not its fault. */
	if (!child_findable(r.command[0], path ? path : "/bin:/usr/bin"))
		return ctl_say(ctl, CTL_USAGE,
		    "queue run: cannot run %s: no such program on PATH, or "
		    "not executable",
		    r.command[0]);
	return run_queue(&r);
}
