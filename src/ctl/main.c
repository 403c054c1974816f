/* switchhook: the operator's command. Finds the command and calls it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "base/process.h"
#include "base/str.h"
#include "ctl/ctl.h"
#include "ctl/terminal.h"
#include "door/door.h"

extern char **environ;

struct command {
	const char *name; /* one word or two */
	const char *help;
	int (*run)(const struct ctl *, int argc, char **argv);
};

static const struct command commands[] = {
	{ "check", "check the configuration", ctl_check },
	{ "conversation add", "make a conversation", ctl_conversation_add },
	{ "conversation list", "list conversations, newest first",
	    ctl_conversation_list },
	{ "conversation show", "show one conversation", ctl_conversation_show },
	{ "conversation handoff", "hand a conversation to people, or back",
	    ctl_conversation_handoff },
	{ "queue list", "count what waits on each queue", ctl_queue_list },
	{ "queue peek", "look at messages without taking them",
	    ctl_queue_peek },
	{ "queue receive", "take one message", ctl_queue_receive },
	{ "queue ack", "say that a message is done with", ctl_queue_ack },
	{ "queue release", "give a message back", ctl_queue_release },
	{ "queue dead", "list dead letters", ctl_queue_dead },
	{ "queue redrive", "make dead letters due again", ctl_queue_redrive },
	{ "queue run", "feed each message to a command", ctl_queue_run },
	{ "message", "send a message as Twilio would", ctl_message },
	{ "message status", "send a status callback as Twilio would",
	    ctl_message_status },
	{ "message show", "show where a message went", ctl_message_show },
	{ "spool list", "list what remote queues have not taken",
	    ctl_spool_list },
	{ "spool flush", "send it now", ctl_spool_flush },
	{ "store copy", "copy the database, in use or not", ctl_store_copy },
	{ "store check", "say what is wrong with the database",
	    ctl_store_check },
	{ "store recover", "save what can be read of a damaged one",
	    ctl_store_recover },
	{ "call", "play a whole call as Twilio would", ctl_call },
	{ "status", "is all well, and if not, what to do", ctl_status },
	{ "calls list", "list calls, newest first", ctl_calls_list },
	{ "calls show", "show one call and its time line", ctl_calls_show },
	{ "calls tail", "print status events as they come", ctl_calls_tail },
	{ "sign", "make Twilio's signature of a request", ctl_sign },
	{ "verify", "check a signature and say why it does not fit",
	    ctl_verify },
};

static void
put_usage(FILE *to)
{
	fputs("Usage: switchhook [-c FILE] [--json] COMMAND …\n"
	      "\n"
	      "  -c, --config FILE      the configuration file\n"
	      "  --json                 one JSON object a line\n"
	      "  -h, --help             this; after a command, its own help\n"
	      "  -V, --version          the version\n"
	      "\n"
	      "Commands:\n",
	    to);
	for (size_t i = 0; i < CTL_COUNT(commands); i++)
		fprintf(to, "  %-22s %s\n", commands[i].name, commands[i].help);
	fputs("\n"
	      "Exit status: 0 done, 1 the answer is no, 2 usage, "
	      "3 configuration, 4 failure.\n",
	    to);
}

/* Is this command's name that word, or word and next? */
static bool
fits(const struct command *c, const char *word, const char *next)
{
	size_t n = strlen(word);

	if (strncmp(c->name, word, n) != 0)
		return false;
	if (!next)
		return c->name[n] == '\0';
	return c->name[n] == ' ' && str_eq(c->name + n + 1, next);
}

/* The longest name that argv begins with; *words is how many it has. */
static const struct command *
find(int argc, char **argv, int *words)
{
	for (*words = argc > 1 ? 2 : 1; *words > 0; --*words)
		for (size_t i = 0; i < CTL_COUNT(commands); i++)
			if (fits(&commands[i], argv[0],
				*words == 2 ? argv[1] : NULL))
				return &commands[i];
	return NULL;
}

static bool
is_help(const char *word)
{
	return str_eq(word, "-h") || str_eq(word, "--help") ||
	    str_eq(word, "help");
}

/* No such command: list those that begin with the same word, or all. */
static int
unknown(const struct ctl *ctl, int argc, char **argv)
{
	size_t n = strlen(argv[0]), found = 0;
	bool asked =
	    argc > 1 && (str_eq(argv[1], "--help") || str_eq(argv[1], "-h"));
	FILE *to = asked ? ctl->out : ctl->err;

	for (size_t i = 0; i < CTL_COUNT(commands); i++) {
		const struct command *c = &commands[i];

		if (strncmp(c->name, argv[0], n) != 0 || c->name[n] != ' ')
			continue;
		if (found++ == 0)
			fprintf(to, "Commands of switchhook %s:\n", argv[0]);
		fprintf(to, "  %-22s %s\n", c->name, c->help);
	}
	if (found > 0)
		return asked ? CTL_DONE : CTL_USAGE;
	fprintf(ctl->err, "switchhook: no command %s\n\n", argv[0]);
	put_usage(ctl->err);
	return CTL_USAGE;
}

/*
 * Take the options that every command has out of what stands before "--".
 * False: *bad is one that has no value.
 */
static bool
take_globals(struct ctl *ctl, int *argc, char **argv, const char **bad)
{
	int kept = 1, i = 1;

	for (; i < *argc && !str_eq(argv[i], "--"); i++) {
		if (str_eq(argv[i], "--json")) {
			ctl->json = true;
		} else if (str_starts(argv[i], "--config=")) {
			ctl->config_file = strchr(argv[i], '=') + 1;
		} else if (str_eq(argv[i], "-c") ||
		    str_eq(argv[i], "--config")) {
			*bad = argv[i];
			if (++i >= *argc)
				return false;
			ctl->config_file = argv[i];
		} else {
			argv[kept++] = argv[i];
		}
	}
	while (i < *argc)
		argv[kept++] = argv[i++];
	argv[kept] = NULL;
	*argc = kept;
	return true;
}

static int
run(struct ctl *ctl, int argc, char **argv)
{
	const struct command *c;
	const char *bad = NULL;
	int words;

	if (!take_globals(ctl, &argc, argv, &bad))
		return ctl_say(ctl, CTL_USAGE, "%s: a file is needed", bad);
	if (argc < 2 || is_help(argv[1])) {
		put_usage(argc < 2 ? ctl->err : ctl->out);
		return argc < 2 ? CTL_USAGE : CTL_DONE;
	}
	if (str_eq(argv[1], "-V") || str_eq(argv[1], "--version")) {
		fprintf(ctl->out, "switchhook %s\n", PACKAGE_VERSION);
		return CTL_DONE;
	}
	c = find(argc - 1, argv + 1, &words);
	if (!c)
		return unknown(ctl, argc - 1, argv + 1);
	return c->run(ctl, argc - words, argv + words);
}

/* Somebody put it where a web server runs programs. */
static int
refuse_cgi(const struct ctl *ctl)
{
	door_cgi_begin(DOOR_CGI_SECONDS);
	door_cgi_error(ctl->envp, 403,
	    "This is the operator's command and answers no requests");
	return ctl_say(ctl, CTL_USAGE,
	    "run as a CGI program (REQUEST_METHOD or GATEWAY_INTERFACE is "
	    "set): take it out of the web server's reach");
}

int
main(int argc, char **argv)
{
	struct ctl ctl = { .envp = environ,
		.out = terminal_open(STDOUT_FILENO),
		.err = terminal_open(STDERR_FILENO) };
	int code;

	process_hide();
	if (ctl.out == NULL || ctl.err == NULL)
		return CTL_FAILED;
	/* The arguments are the caller's, not the operator's. */
	code = door_is_cgi(environ) ? refuse_cgi(&ctl) : run(&ctl, argc, argv);

	/* A result that nobody can read is none. */
	if (fflush(ctl.out) != 0 || ferror(ctl.out))
		code = ctl_say(&ctl, CTL_FAILED, "cannot write the result: %s",
		    strerror(errno));
	fclose(ctl.out);
	fclose(ctl.err);
	return code;
}
