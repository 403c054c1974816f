/*
 * The configuration. One table (option.c) holds every key's name, type,
 * default, bounds, other environment variable, whether it is a secret, and
 * help; reading, `-t`, `switchhook check`, switchhook.conf(5) and the tests
 * all come from it. References (file:, env:, …) stay text here; src/params
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

enum signature_mode { SIGNATURE_ENFORCE, SIGNATURE_REPORT, SIGNATURE_OFF };
enum unknown_sender {
	UNKNOWN_HOLD,
	UNKNOWN_IGNORE,
	UNKNOWN_AI,
	UNKNOWN_HUMAN,
	UNKNOWN_CREATE,
};
enum journal_mode { JOURNAL_WAL, JOURNAL_ROLLBACK };

/* Where a value was set, for messages: "switchhook.conf:12" or a variable. */
struct config_origin {
	const char *file; /* NULL: the default, or the environment */
	int line;
	const char *variable; /* NULL unless it came from the environment */
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
		char *log_target;
	} server;
	struct {
		char *account_sid, *auth_token, *auth_token_previous, *api_url;
	} twilio;
	struct {
		char *conversations, *ai_queue, *human_queue;
		int64_t ai_delay;
		int64_t unknown_sender; /* enum unknown_sender */
	} whatsapp;
	struct {
		char *path;
		int64_t journal; /* enum journal_mode */
	} store;
	char *file; /* what was read; NULL: no file at all */
	struct config_origin *origins; /* one an option, in table order */
};

enum option_type {
	OPTION_TEXT,
	OPTION_URL,
	OPTION_NUMBER,
	OPTION_SIZE,
	OPTION_CHOICE
};

struct option {
	const char *section, *key;
	enum option_type type;
	size_t offset; /* into struct config */
	const char *fallback; /* the default, as it would be written */
	bool secret; /* never shown; wiped when freed */
	const char *variable; /* another environment variable, or NULL */
	const char *const *choices; /* OPTION_CHOICE: names in enum order */
	int64_t min, max; /* OPTION_NUMBER, OPTION_SIZE */
	const char *help;
};

extern const struct option options[];
extern const size_t options_n;

/*
 * Which file is ours: the -c option; SWITCHHOOK_CONF, then
 * REDIRECT_SWITCHHOOK_CONF of envp; switchhook.conf beside the binary;
 * /etc/switchhook/switchhook.conf. *path is NULL if none of the last two is
 * there. The caller frees it.
 */
enum status config_find(const char *given, char *const *envp, char **path);

/*
 * Read a file (NULL: none) and the environment over it. ST_CONFIG: errors has
 * one line a mistake, "FILE:LINE: section.key: what is wrong; what to do".
 * The caller frees *out with config_free, which wipes secrets.
 */
enum status config_load(struct config **out, const char *path,
    char *const *envp, struct buf *errors);
void config_free(struct config *);

/* "FILE:LINE" or the variable's name or "default", for a message. */
void config_where(
    const struct config *, const char *section, const char *key, struct buf *);

/* Every setting as it stands, one "section.key = value" a line, secrets as
 * "(set)" or "(not set)"; for `switchhook check`. */
void config_show(const struct config *, struct buf *out);

/* The value of an option as text; secrets too. For src/params. */
char **config_text(struct config *, const struct option *);

#endif
