/*
 * The operator's command. One row of the table in main.c is one command; it
 * calls
 *
 *	int ctl_NAME(const struct ctl *, int argc, char **argv);
 *
 * with argv[0] the command's last word ("list" of "queue list"), and exits
 * with what that returns, an enum ctl_exit. Results go to ctl->out, everything
 * else to ctl->err. main.c takes -c and --json, which may stand anywhere before
 * "--", so a command only looks at ctl->json; ctl_parse takes --help.
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

struct app;
struct aws;
struct aws_client;
struct config;
struct db;
struct log;
struct queue;
struct store;

struct ctl {
	const char *config_file; /* the -c option, or NULL */
	bool json; /* one JSON object a line on out */
	char *const *envp;
	FILE *out, *err;
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

/* The exit code that stands for a status. */
enum ctl_exit ctl_exit_of(enum status);

/* "switchhook: …" on err; the result is the code, to be returned at once. */
int ctl_say(const struct ctl *, enum ctl_exit, const char *, ...)
    __attribute__((format(printf, 3, 4)));

/* "switchhook: …: what the status means"; the result is ctl_exit_of. */
int ctl_fail(const struct ctl *, enum status, const char *, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Options: one of flag, text, number and list is where the value goes.
 * An option may be given once, one with a list as often as wanted.
 */
struct ctl_option {
	const char *name; /* without "--" */
	const char *value; /* what the help calls its value; NULL for a flag */
	const char *help;
	bool *flag;
	const char **text; /* points into argv */
	int64_t *number; /* strictly decimal, min to max */
	int64_t min, max;
	struct kv *list; /* name: the option's; values point into argv */
	bool required;
};

/* For tables of options. value is what the help calls the value. */
struct ctl_option ctl_flag(const char *name, bool *, const char *help);
struct ctl_option ctl_text(
    const char *name, const char *value, const char **text, const char *help);
struct ctl_option ctl_needed(
    const char *name, const char *value, const char **text, const char *help);
struct ctl_option ctl_number(const char *name, const char *value,
    int64_t *number, int64_t min, int64_t max, const char *help);
struct ctl_option ctl_list(
    const char *name, const char *value, struct kv *list, const char *help);

/* How one command is called. */
struct ctl_syntax {
	const char *command; /* "queue receive" */
	const char *operands; /* "QUEUE RECEIPT", for the help */
	const char *help; /* one or more lines */
	int min, max; /* how many operands; max -1: any number */
	const struct ctl_option *options;
	size_t options_n;
};

#define CTL_COUNT(table) (sizeof(table) / sizeof((table)[0]))

/*
 * Take the options out of argv: "--name value" or "--name=value", in any
 * place before "--". What is left are the operands, argv[1] to argv[*n], and
 * argv[*n + 1] is NULL. True: go on. False: *code is what to return (a
 * mistake was told on err, or --help was asked for and is on out).
 */
bool ctl_parse(const struct ctl *, const struct ctl_syntax *, int argc,
    char **argv, int *n, int *code);

/* The configuration, references resolved. CTL_DONE, or told on err. */
int ctl_config(const struct ctl *, struct config **);

/*
 * The configuration and the embedded store, for commands that look at or
 * change what is stored. No token is needed for that.
 */
struct ctl_session {
	struct config *config;
	struct log *log;
	struct db *db;
	struct aws *aws; /* opened when a store or queue lies there */
	struct aws_client *client;
};

/* CTL_DONE, or told on err; ctl_close takes a half-open one. */
int ctl_open(const struct ctl *, struct ctl_session *);
void ctl_close(struct ctl_session *);

/* What the configured queues are called, NULL-ended. */
extern const char *const ctl_queue_roles[];

/*
 * A queue by its role, its URL ("sqlite:NAME", …), or the bare name of an
 * embedded queue. The caller closes it.
 */
int ctl_queue(const struct ctl *, struct ctl_session *, const char *name,
    struct queue **);

/* whatsapp.conversations. The caller closes it. */
int ctl_conversations(
    const struct ctl *, struct ctl_session *, struct store **);

/*
 * Everything a request needs, to answer one in process with door_memory; as
 * strict as the server's own start. The caller calls app_close.
 */
int ctl_app(const struct ctl *, struct app **);

int ctl_check(const struct ctl *, int argc, char **argv);
int ctl_conversation_add(const struct ctl *, int argc, char **argv);
int ctl_conversation_list(const struct ctl *, int argc, char **argv);
int ctl_conversation_show(const struct ctl *, int argc, char **argv);
int ctl_conversation_handoff(const struct ctl *, int argc, char **argv);
int ctl_queue_list(const struct ctl *, int argc, char **argv);
int ctl_queue_peek(const struct ctl *, int argc, char **argv);
int ctl_queue_receive(const struct ctl *, int argc, char **argv);
int ctl_queue_ack(const struct ctl *, int argc, char **argv);
int ctl_queue_release(const struct ctl *, int argc, char **argv);
int ctl_queue_dead(const struct ctl *, int argc, char **argv);
int ctl_queue_redrive(const struct ctl *, int argc, char **argv);
int ctl_queue_run(const struct ctl *, int argc, char **argv);
int ctl_message(const struct ctl *, int argc, char **argv);
int ctl_message_status(const struct ctl *, int argc, char **argv);
int ctl_message_show(const struct ctl *, int argc, char **argv);
int ctl_sign(const struct ctl *, int argc, char **argv);
int ctl_store_copy(const struct ctl *, int argc, char **argv);
int ctl_store_check(const struct ctl *, int argc, char **argv);
int ctl_store_recover(const struct ctl *, int argc, char **argv);
int ctl_spool_list(const struct ctl *, int argc, char **argv);
int ctl_spool_flush(const struct ctl *, int argc, char **argv);
int ctl_status(const struct ctl *, int argc, char **argv);
int ctl_call(const struct ctl *, int argc, char **argv);
int ctl_calls_list(const struct ctl *, int argc, char **argv);
int ctl_calls_show(const struct ctl *, int argc, char **argv);
int ctl_calls_tail(const struct ctl *, int argc, char **argv);
int ctl_verify(const struct ctl *, int argc, char **argv);

#endif
