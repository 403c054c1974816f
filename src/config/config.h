/*
 * The configuration. One table (config_option.c) holds every key's name, type,
 * default, bounds, other environment variable, whether it is a secret, and
 * help; reading, `-t`, `switchhook check`, switchhook.conf(5) and the tests
 * all come from it. References (file:, env:, …) stay text here; src/site
 * resolves them.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/kv.h"
#include "base/log.h"
#include "base/status.h"
#include "codec/digits.h"
#include "config/option.h"

enum signature_mode { SIGNATURE_ENFORCE, SIGNATURE_REPORT, SIGNATURE_OFF };
enum unknown_sender {
	UNKNOWN_HOLD,
	UNKNOWN_IGNORE,
	UNKNOWN_AI,
	UNKNOWN_HUMAN,
	UNKNOWN_CREATE,
};
enum spool_mode { SPOOL_ON, SPOOL_OFF };
enum journal_mode { JOURNAL_WAL, JOURNAL_ROLLBACK };

/* Where a value was set, for messages: "switchhook.conf:12" or a variable. */
struct config_origin {
	const char *file; /* NULL: the default, or the environment */
	int line;
	char *variable; /* NULL unless it came from the environment */
	bool bad; /* a mistake was reported: what stands there is not a value */

	/* Of what is kept at AWS (src/site). */
	char *reference; /* where: "ssm:NAME", …; NULL: it stands here */
	char *previous; /* the value before this one; NULL: none; wiped */
	bool implied; /* the reference is a default that nobody wrote */
	bool missing; /* AWS cannot be reached: "" stands in for the value */
};

/* A section whose keys or title the operator makes up: [menu], [shared_keys],
 * [agents], [digits zip]. */
struct config_pair {
	char *key, *value;
	struct config_origin origin;
};

struct config_section {
	const struct section_kind *kind;
	char *title; /* "" if it has none */
	struct config_pair *pairs;
	size_t n;
};

/* [digits NAME]: what a caller may key in for a target. */
struct digits_target {
	const char *name;
	struct digits_rule rule;
};

/* Strings are never NULL: "" is unset. */
struct config {
	struct {
		char *public_url, *base_path, *trusted_proxies;
		int64_t signature; /* enum signature_mode */
		char *admin_token;
		int64_t threads, max_body;
		int64_t log_level; /* enum log_level */
		int64_t log_format; /* enum log_format */
		char *log_target, *console;
	} server;
	struct {
		char *account_sid, *auth_token, *auth_token_previous;
		char *api_key, *api_secret, *api_url;
		char *sender;
	} twilio;
	struct {
		char *conversations, *ai_queue, *human_queue;
		char *conversations_index, *dedupe;
		int64_t ai_delay, max_receives;
		int64_t unknown_sender; /* enum unknown_sender */
	} whatsapp;
	struct {
		char *path;
		int64_t journal; /* enum journal_mode */
		int64_t spool; /* enum spool_mode */
		int64_t keep_messages; /* days */
	} store;
	struct {
		char *templates, *operator_phone_number;
		char *webhook_api_url, *media_api_url;
		char *conversation_relay_url, *welcome_greeting_url;
		char *digits_queue;
		int64_t max_attempts;
	} voice;
	struct {
		char *region, *secretsmanager_region;
		char *system_name, *env_type, *proxy;
	} aws;
	struct {
		char *otlp_url, *xray;
	} trace;
	struct config_section *sections;
	size_t sections_n;
	struct digits_target *targets; /* made of them by config_check */
	size_t targets_n;
	char *file; /* what was read; NULL: no file at all */
	bool unread; /* it cannot be read, which was reported */
	struct config_origin *origins; /* one an option, in table order */
	size_t missing; /* values of which the origin says so */
};

extern const struct option options[];
extern const size_t options_n;

/* The file when none is named and none lies beside the binary. */
#define CONFIG_FILE SYSCONFDIR "/switchhook/switchhook.conf"

/* No line of the file, and no value, may be longer than this many bytes. */
#define CONFIG_LINE_MAX 8191

/*
 * Which file is ours: the -c option; SWITCHHOOK_CONF, then
 * REDIRECT_SWITCHHOOK_CONF of envp; switchhook.conf beside the binary;
 * CONFIG_FILE. *path is NULL if none of the last two is there. The caller
 * frees it. ST_OK or ST_NOMEM.
 */
enum status config_find(const char *given, char *const *envp, char **path);

/*
 * Where the files of /console are: server.console, or where that is at its
 * default and not there, "console" beside the binary. *path is NULL if there is
 * no page here. The caller frees it. ST_OK or ST_NOMEM.
 */
enum status config_find_console(const struct config *, char **path);

/*
 * Three steps make a configuration: config_load, resolving references,
 * config_check. settings_load (site/settings.h) takes them in order; it is what
 * a program calls. Each step lists all its mistakes and goes past values that
 * an earlier one found bad, so that the operator sees every mistake once.
 *
 * errors has one line a mistake, ended by a newline:
 * "FILE:LINE: section.key: what is wrong; what to do". Secrets are never in it.
 */

/*
 * Read a file (NULL: none) and the environment over it: for each option
 * SWITCHHOOK_<SECTION>_<KEY>, then the file, then the option's other variable
 * (when it is not empty), then "ssm:" where the environment has a classic
 * variable and the option a parameter, then the default. envp is the process
 * environment, never the parameters of a request; NULL is none.
 * ST_OK; ST_CONFIG with mistakes in errors: *out is made all the same, for the
 * next steps to list theirs; ST_NOMEM: *out is NULL.
 * The caller frees *out with config_free, which wipes secrets.
 */
enum status config_load(struct config **out, const char *path,
    char *const *envp, struct buf *errors);
void config_free(struct config *);

/*
 * Check what types do not tell (URLs, addresses, account SID, …), after
 * references are resolved, and bring it to one form: public_url and api_url
 * without fragment and trailing "/", base_path "/" as "".
 * ST_OK, ST_CONFIG, ST_NOMEM.
 */
enum status config_check(struct config *, struct buf *errors);

/* What is wrong with this value of a text option, or NULL; the same check of
 * one value, which may be shortened. */
const char *config_check_text(const struct option *, char *value);

/*
 * What answering Twilio needs beyond that, and the operator's command does
 * not: a token or a shared key (that is there or missing for now), unless
 * server.signature is off. For the start of a responder and for `switchhook check`. ST_OK,
 * ST_CONFIG, ST_NOMEM.
 */
enum status config_check_server(const struct config *, struct buf *errors);

/* "FILE:LINE" or the variable's name or "default", for a message. */
void config_where(
    const struct config *, const char *section, const char *key, struct buf *);

/*
 * False if there is no voice here: voice.templates is at its default and that
 * folder is not there. A site for messages alone is then quite in order.
 */
bool config_has_voice(const struct config *);

/* Every setting as it stands, one "section.key = value" a line, secrets as
 * "(set)" or "(not set)", the password of a URL as "***"; for
 * `switchhook check`. */
void config_show(const struct config *, struct buf *out);

/* The section of this name and title; a key of it. NULL: there is none. */
const struct config_section *config_section(
    const struct config *, const char *name, const char *title);
const struct config_pair *config_pair(
    const struct config_section *, const char *key);

/* The template that a key of [menu] plays ("1", "other"), or NULL. */
const char *config_menu(const struct config *, const char *key);

/* The shared key of this ID; of NULL, the first. NULL: there is none. */
const struct config_pair *config_shared_key(
    const struct config *, const char *id, size_t len);

/* The same of [access_keys]: an ID and its secret. */
const struct config_pair *config_access_key(
    const struct config *, const char *id, size_t len);

/* Who does something that is in no [agents]: the holder of server.admin_token,
 * and a program. */
#define AGENT_ADMIN "admin"
#define AGENT_MACHINE "machine"

/* A target by its name; the one that a template belongs to ("birthdate-retry"
 * to "birthdate"). NULL: none. */
const struct digits_target *config_target(
    const struct config *, const char *name);
const struct digits_target *config_target_of(
    const struct config *, const char *template);

/* What the configuration puts in place of {name}: a text of [voice] that is
 * set, or an entry of [values]. NULL: nothing. */
const char *config_placeholder(const struct config *, const char *name);

/* The option of that name, or NULL. */
const struct option *option_find(const char *section, const char *key);

/* Its own variable: SWITCHHOOK_<SECTION>_<KEY>. */
#define OPTION_VARIABLE_PREFIX "SWITCHHOOK_"
#define OPTION_VARIABLE_MAX 64
void option_variable(
    const struct option *, char out[static OPTION_VARIABLE_MAX]);

#endif
