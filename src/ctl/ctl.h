/*
 * The operator's command. A row of ctl_commands is one command with its
 * options; main.c finds it, ctl_parse reads the command line by it, and run
 * does the work:
 *
 *	int ctl_NAME(struct ctl *);
 *
 * Its result is the exit status, an enum ctl_exit. Results go to ctl->out (as
 * rows: row.h), everything else to ctl->err. What a command opens through
 * struct ctl is closed by main when the command is over.
 */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/kv.h"
#include "base/status.h"
#include "reply/reply.h"

struct app;
struct aws;
struct aws_client;
struct config;
struct ctl_command;
struct db;
struct db_options;
struct log;
struct queue;
struct store;
struct waiting;

struct ctl {
	const char *config_file; /* the -c option, or NULL */
	bool json; /* one JSON object a line on out */
	char *const *envp;
	FILE *out, *err;
	size_t rows_n; /* printed so far: row.h */

	/* By ctl_parse; all point into argv. */
	const struct ctl_command *command;
	struct kv given; /* the options, name and value, in their order */
	char **operands; /* NULL-ended */
	int operands_n;

	/* NULL until a command opens it: see below. */
	struct config *config;
	struct log *log;
	struct db *db;
	struct aws *aws;
	struct aws_client *client;
	struct app *app;
	struct queue *queue;
	struct store *conversations;
};

enum ctl_exit {
	CTL_DONE = 0, /* done; the answer is yes */
	CTL_NO = 1, /* the answer is no: not found, refused, not valid */
	CTL_USAGE = 2, /* the command line is wrong */
	CTL_CONFIG = 3, /* the configuration is wrong */
	CTL_FAILED = 4, /* the world failed: disk, network, memory */
};

/* What "queue run" tells its command in the environment. */
#define CTL_RUN_QUEUE "SWITCHHOOK_QUEUE"
#define CTL_RUN_MESSAGE_ID "SWITCHHOOK_MESSAGE_ID"
#define CTL_RUN_ATTEMPT "SWITCHHOOK_ATTEMPT"
#define CTL_RUN_MESSAGES "SWITCHHOOK_MESSAGES"
/* With --reply: */
#define CTL_RUN_CONVERSATION "SWITCHHOOK_CONVERSATION"
#define CTL_RUN_FROM "SWITCHHOOK_FROM"
#define CTL_RUN_TO "SWITCHHOOK_TO"
#define CTL_RUN_CHANNEL "SWITCHHOOK_CHANNEL"

#define CTL_COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* --- how a command ends ---------------------------------------------------- */

/* The exit status that stands for a status. */
enum ctl_exit ctl_exit_of(enum status);

/* "switchhook: …" on err; the result is the code, to be returned at once. */
int ctl_say(const struct ctl *, enum ctl_exit, const char *, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * The exit status that stands for a status. Anything but ST_OK is told:
 * "switchhook: …: what the status means".
 */
int ctl_end(const struct ctl *, enum status, const char *, ...)
    __attribute__((format(printf, 3, 4)));

/* The same, where why may say more than the status does. */
int ctl_end_why(const struct ctl *, enum status, const struct buf *why);

/* --- the command line ------------------------------------------------------ */

enum ctl_kind {
	CTL_FLAG,
	CTL_TEXT,
	CTL_NEEDED, /* a text without which the command cannot be */
	CTL_MANY, /* a text, as often as wanted; all others once */
	CTL_NUMBER, /* strictly decimal, min to max */
};

struct ctl_option {
	const char *name; /* without "--"; NULL: no more options */
	enum ctl_kind kind;
	const char *value; /* what the help calls its value; NULL for a flag */
	const char *help;
	int64_t min, max;
};

struct ctl_command {
	const char *name; /* one word or two: "queue receive" */
	const char *operands; /* "QUEUE RECEIPT", for the help */
	int min, max; /* how many operands; max -1: any number */
	const char *brief; /* for the list of commands */
	const char *help; /* one or more lines */
	int (*run)(struct ctl *);
	struct ctl_option options[10];
};

extern const struct ctl_command ctl_commands[];
extern const size_t ctl_commands_n;

/*
 * Read the command line of ctl->command, argv[0] being the command's last
 * word: "--name value" or "--name=value", in any place before "--", all else
 * operands. True: go on. False: *code is what to return (a mistake was reported
 * on err, or --help was asked for and is on out).
 *
 * This is no getopt_long, which would take "--lim" for --limit and an option
 * twice, and "--body --json" for a body, where --json is for all commands.
 */
bool ctl_parse(struct ctl *, int argc, char **argv, int *code);

/* What the command line says. NULL, or otherwise: nothing. */
const char *ctl_text(const struct ctl *, const char *option);
int64_t ctl_number(const struct ctl *, const char *option, int64_t otherwise);
bool ctl_flag(const struct ctl *, const char *option);

/* Each value of an option that may be given often, from *i = 0 on; NULL at
 * the end. */
const char *ctl_each(const struct ctl *, const char *option, size_t *i);

/* --- what a command works on ----------------------------------------------- */

/*
 * Open it, unless it is: CTL_DONE, or reported on err. main calls ctl_close,
 * which takes whatever there is.
 */

/* ctl->config, references resolved. */
int ctl_config(struct ctl *);

/*
 * ctl->config, ctl->log and ctl->db, for commands that look at or change what
 * is stored. No token is needed for that. Where ctl->app is open, its database
 * serves: what changes both is then one transaction.
 */
int ctl_open(struct ctl *);

/* How to open the database of ctl->config; its log is ctl->log. */
struct db_options ctl_db_options(const struct ctl *);

/*
 * ctl->app: everything a request needs, to answer one in process with
 * door_memory; as strict as the server's own start.
 */
int ctl_app(struct ctl *);

void ctl_close(struct ctl *);

/* What the configured queues are called, NULL-ended. */
extern const char *const ctl_queue_roles[];

/*
 * ctl->queue: a queue by its role, its URL ("sqlite:NAME", …), or the bare name
 * of an embedded queue. It opens the store first, and closes the queue that was
 * open before.
 */
int ctl_queue(struct ctl *, const char *name);

/* ctl->conversations: what whatsapp.conversations names. */
int ctl_conversations(struct ctl *);

/* The same, with what is needed to move what waits. */
int ctl_waiting(struct ctl *, struct waiting *);

/* How a command ends that has written a reply; CTL_DONE: it is stored. */
int ctl_reply_end(struct ctl *, enum reply_answer, const char *conversation,
    const struct buf *why, enum status);

/* --- the commands ---------------------------------------------------------- */

int ctl_call(struct ctl *);
int ctl_calls_list(struct ctl *);
int ctl_calls_show(struct ctl *);
int ctl_calls_tail(struct ctl *);
int ctl_check(struct ctl *);
int ctl_conversation_add(struct ctl *);
int ctl_conversation_handoff(struct ctl *);
int ctl_conversation_list(struct ctl *);
int ctl_conversation_remove(struct ctl *);
int ctl_conversation_set(struct ctl *);
int ctl_conversation_show(struct ctl *);
int ctl_message(struct ctl *);
int ctl_message_show(struct ctl *);
int ctl_message_status(struct ctl *);
int ctl_queue_ack(struct ctl *);
int ctl_queue_dead(struct ctl *);
int ctl_queue_list(struct ctl *);
int ctl_queue_peek(struct ctl *);
int ctl_queue_receive(struct ctl *);
int ctl_queue_redrive(struct ctl *);
int ctl_queue_route(struct ctl *);
int ctl_queue_release(struct ctl *);
int ctl_queue_run(struct ctl *);
int ctl_refused(struct ctl *);
int ctl_refused_explain(struct ctl *);
int ctl_reply(struct ctl *);
int ctl_sign(struct ctl *);
int ctl_spool_flush(struct ctl *);
int ctl_spool_list(struct ctl *);
int ctl_status(struct ctl *);
int ctl_store_check(struct ctl *);
int ctl_store_copy(struct ctl *);
int ctl_store_recover(struct ctl *);
int ctl_verify(struct ctl *);

#endif
