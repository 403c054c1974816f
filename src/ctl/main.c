/* switchhook: the operator's command. Finds the command and calls it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/process.h"
#include "base/str.h"
#include "config.h"
#include "ctl/ctl.h"
#include "ctl/terminal.h"
#include "door/door.h"

extern char **environ;

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
	for (size_t i = 0; i < ctl_commands_n; i++)
		fprintf(to, "  %-22s %s\n", ctl_commands[i].name,
		    ctl_commands[i].brief);
	fputs("\n"
	      "Exit status: 0 done, 1 the answer is no, 2 usage, "
	      "3 configuration, 4 failure.\n",
	    to);
}

/* Is this command's name that word, or word and next? */
static bool
command_fits(const struct ctl_command *c, const char *word, const char *next)
{
	size_t n = strlen(word);

	if (strncmp(c->name, word, n) != 0)
		return false;
	if (!next)
		return c->name[n] == '\0';
	return c->name[n] == ' ' && str_eq(c->name + n + 1, next);
}

/* The longest name that argv begins with; *words is how many it has. */
static const struct ctl_command *
find_command(int argc, char **argv, int *words)
{
	for (*words = argc > 1 ? 2 : 1; *words > 0; --*words)
		for (size_t i = 0; i < ctl_commands_n; i++)
			if (command_fits(&ctl_commands[i], argv[0],
				*words == 2 ? argv[1] : NULL))
				return &ctl_commands[i];
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
unknown_command(const struct ctl *ctl, int argc, char **argv)
{
	size_t n = strlen(argv[0]), found = 0;
	bool asked =
	    argc > 1 && (str_eq(argv[1], "--help") || str_eq(argv[1], "-h"));
	FILE *to = asked ? ctl->out : ctl->err;

	for (size_t i = 0; i < ctl_commands_n; i++) {
		const struct ctl_command *c = &ctl_commands[i];

		if (strncmp(c->name, argv[0], n) != 0 || c->name[n] != ' ')
			continue;
		if (found++ == 0)
			fprintf(to, "Commands of switchhook %s:\n", argv[0]);
		fprintf(to, "  %-22s %s\n", c->name, c->brief);
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
	const char *bad = NULL;
	int words, code;

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
	ctl->command = find_command(argc - 1, argv + 1, &words);
	if (ctl->command == NULL)
		return unknown_command(ctl, argc - 1, argv + 1);
	if (ctl_parse(ctl, argc - words, argv + words, &code))
		code = ctl->command->run(ctl);
	ctl_close(ctl);
	return code;
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
