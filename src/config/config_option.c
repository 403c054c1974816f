#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"

/* The section and key of a member of struct config, and where it is. */
#define AT(part, name) \
	.section = #part, .key = #name, \
	.offset = offsetof(struct config, part.name)

#define KILO (INT64_C(1) << 10)

static const char *const signature_modes[] = { "enforce", "report", "off",
	NULL };
/* LOG_LEVEL is shared with other programs, so their names are taken too. */
static const char *const log_levels[] = { "debug|trace", "info|notice",
	"warn|warning", "error|critical|fatal", NULL };
static const char *const log_formats[] = { "text", "json", NULL };
static const char *const unknown_senders[] = { "hold", "ignore", "ai", "human",
	"create", NULL };
static const char *const spool_modes[] = { "on", "off", NULL };
static const char *const journal_modes[] = { "wal", "rollback", NULL };

/* Keys of a section stand together, in the order of the manual. */
const struct option options[] = {
	{ AT(server, public_url), .type = OPTION_URL, .fallback = "",
	    .need = NEED_REQUEST,
	    .help = "the URL that Twilio calls, up to base_path; "
		    "signatures are checked against it" },
	{ AT(server, base_path), .type = OPTION_TEXT, .fallback = "",
	    .help = "what stands before the routes in the request's path" },
	{ AT(server, trusted_proxies), .type = OPTION_TEXT, .fallback = "",
	    .help = "addresses whose X-Forwarded headers are believed" },
	{ AT(server, signature), .type = OPTION_CHOICE, .fallback = "enforce",
	    .choices = signature_modes,
	    .help = "what happens to a webhook with a wrong signature" },
	{ AT(server, admin_token), .type = OPTION_TEXT, .fallback = "",
	    .secret = true, .need = NEED_REQUEST,
	    .help = "what a caller of the admin routes must present" },
	{ AT(server, threads), .type = OPTION_NUMBER, .fallback = "0", .min = 0,
	    .max = 1024,
	    .help = "the most worker threads; 0 lets the program choose" },
	{ AT(server, max_body), .type = OPTION_SIZE, .fallback = "100K",
	    .min = KILO, .max = KILO * KILO,
	    .help = "the largest request body that is taken" },
	{ AT(server, log_level), .type = OPTION_CHOICE, .fallback = "info",
	    .choices = log_levels, .variable = "LOG_LEVEL",
	    .help = "the least important event that is logged" },
	{ AT(server, log_target), .type = OPTION_TEXT, .fallback = "stderr",
	    .need = NEED_AWS,
	    .help = "where the log goes: stderr, syslog or a file" },
	{ AT(server, log_format), .type = OPTION_CHOICE, .fallback = "text",
	    .choices = log_formats,
	    .help = "how a line of the log is written" },
	{ AT(server, console), .type = OPTION_TEXT,
	    .fallback = PKGDATADIR "/console",
	    .help = "the folder of the page at /console; empty: no page" },

	{ AT(twilio, account_sid), .type = OPTION_TEXT, .fallback = "",
	    .parameter = "twilio-account-sid", .need = NEED_REQUEST,
	    .help = "the account, AC and 32 hexadecimal digits" },
	{ AT(twilio, auth_token), .type = OPTION_TEXT, .fallback = "",
	    .secret = true, .variable = "TWILIO_AUTH_TOKEN_SECRET_ID",
	    .before = "secretsmanager:", .parameter = "twilio-auth-token",
	    .rotates = true, .need = NEED_REQUEST,
	    .help = "the account's primary token" },
	{ AT(twilio, auth_token_previous), .type = OPTION_TEXT, .fallback = "",
	    .secret = true, .need = NEED_REQUEST,
	    .help = "the token before it, taken as well during a rotation" },
	{ AT(twilio, api_key), .type = OPTION_TEXT, .fallback = "",
	    .need = NEED_REQUEST,
	    .help = "the API key that calls are watched with, SK and 32 "
		    "hexadecimal digits; empty: account_sid and auth_token" },
	{ AT(twilio, api_secret), .type = OPTION_TEXT, .fallback = "",
	    .secret = true, .need = NEED_REQUEST,
	    .help = "the secret of that key" },
	{ AT(twilio, sender), .type = OPTION_TEXT, .fallback = "",
	    .need = NEED_REQUEST,
	    .help = "the number or address that replies are sent from to whom "
		    "nothing has come from yet" },
	{ AT(twilio, api_url), .type = OPTION_URL,
	    .fallback = "https://api.twilio.com", .need = NEED_REQUEST,
	    .help = "where Twilio's API is called" },

	{ AT(whatsapp, conversations), .type = OPTION_TEXT,
	    .fallback = "sqlite:", .variable = "CONVERSATIONS_TABLE",
	    .before = "dynamodb:",
	    .help = "where conversations are looked up" },
	{ AT(whatsapp, conversations_index), .type = OPTION_TEXT,
	    .fallback = "recipient-tel-index",
	    .help =
		"the index of a DynamoDB table by which senders are found" },
	{ AT(whatsapp, dedupe), .type = OPTION_TEXT, .fallback = "",
	    .help = "where repeats are told apart across machines, "
		    "dynamodb:TABLE; empty: here" },
	{ AT(whatsapp, ai_queue), .type = OPTION_TEXT, .fallback = "sqlite:ai",
	    .variable = "WHATSAPP_REPLIES_QUEUE_URL",
	    .help = "the queue that the AI answers" },
	{ AT(whatsapp, human_queue), .type = OPTION_TEXT,
	    .fallback = "sqlite:human", .variable = "HUMAN_HANDOFF_QUEUE_URL",
	    .help = "the queue that people answer" },
	{ AT(whatsapp, ai_delay), .type = OPTION_NUMBER, .fallback = "30",
	    .min = 0, .max = 900,
	    .help = "seconds before the AI sees a message" },
	{ AT(whatsapp, max_receives), .type = OPTION_NUMBER, .fallback = "10",
	    .min = 0, .max = 1000,
	    .help = "a message that was received more often over /sqs is a "
		    "dead letter; 0: none is" },
	{ AT(whatsapp, unknown_sender), .type = OPTION_CHOICE,
	    .fallback = "hold", .choices = unknown_senders,
	    .help = "what happens to a message without a conversation" },

	{ AT(voice, templates), .type = OPTION_TEXT,
	    .fallback = PKGDATADIR "/templates",
	    .help = "the folder of templates" },
	{ AT(voice, operator_phone_number), .type = OPTION_TEXT, .fallback = "",
	    .parameter = "operator-phone-number", .need = NEED_REQUEST,
	    .help = "who is called when people are asked for; "
		    "US numbers may be written as people do" },
	{ AT(voice, webhook_api_url), .type = OPTION_URL, .fallback = "",
	    .parameter = "webhook-api-url", .need = NEED_REQUEST,
	    .help = "where Twilio finds the next step of a call; "
		    "empty: server.public_url" },
	{ AT(voice, media_api_url), .type = OPTION_URL, .fallback = "",
	    .parameter = "media-api-url", .need = NEED_REQUEST,
	    .help = "the WebSocket that media streams go to (wss:)" },
	{ AT(voice, conversation_relay_url), .type = OPTION_URL, .fallback = "",
	    .need = NEED_REQUEST,
	    .help = "the WebSocket of the conversation relay (wss:)" },
	{ AT(voice, welcome_greeting_url), .type = OPTION_TEXT, .fallback = "",
	    .need = NEED_REQUEST,
	    .help = "what the conversation relay greets with" },
	{ AT(voice, digits_queue), .type = OPTION_TEXT,
	    .fallback = "sqlite:digits",
	    .help = "the queue of digits that callers confirmed" },
	{ AT(voice, max_attempts), .type = OPTION_NUMBER, .fallback = "3",
	    .min = 1, .max = 20,
	    .help = "how often a caller is asked the same" },

	{ AT(store, path), .type = OPTION_TEXT,
	    .fallback = LOCALSTATEDIR "/lib/switchhook/switchhook.db",
	    .help = "the file of the embedded database" },
	{ AT(store, journal), .type = OPTION_CHOICE, .fallback = "wal",
	    .choices = journal_modes,
	    .help = "how the embedded database survives a crash" },
	{ AT(store, spool), .type = OPTION_CHOICE, .fallback = "on",
	    .choices = spool_modes,
	    .help = "whether messages that a queue does not take are kept" },

	{ AT(store, keep_messages), .type = OPTION_NUMBER, .fallback = "30",
	    .min = 0, .max = 3650,
	    .help = "days that the text of messages is kept; 0: it is not" },

	{ AT(aws, region), .type = OPTION_TEXT, .fallback = "",
	    .need = NEED_AWS,
	    .help = "the region; empty: AWS_REGION, AWS_DEFAULT_REGION, "
		    "the profile's" },
	{ AT(aws, secretsmanager_region), .type = OPTION_TEXT, .fallback = "",
	    .variable = "SECRETS_MANAGER_REGION", .need = NEED_AWS,
	    .help = "the region of Secrets Manager; empty: aws.region" },
	{ AT(aws, system_name), .type = OPTION_TEXT, .fallback = "twh",
	    .variable = "SYSTEM_NAME", .classic = true, .need = NEED_AWS,
	    .help = "first part of parameter names" },
	{ AT(aws, env_type), .type = OPTION_TEXT, .fallback = "dev",
	    .variable = "ENV_TYPE", .classic = true, .need = NEED_AWS,
	    .help = "second part of parameter names" },
	{ AT(aws, proxy), .type = OPTION_URL, .fallback = "", .need = NEED_AWS,
	    .help = "the HTTP proxy by which AWS is reached" },

	{ AT(trace, otlp_url), .type = OPTION_URL, .fallback = "",
	    .need = NEED_AWS,
	    .help = "the collector that spans are posted to (OTLP, JSON)" },
	{ AT(trace, xray), .type = OPTION_TEXT, .fallback = "",
	    .need = NEED_AWS,
	    .help =
		"not used any more; a collector feeds X-Ray, see otlp_url" },
};

const size_t options_n = sizeof(options) / sizeof(options[0]);

const struct option *
option_find(const char *section, const char *key)
{
	size_t i;

	for (i = 0; i < options_n; i++)
		if (strcmp(options[i].section, section) == 0 &&
		    strcmp(options[i].key, key) == 0)
			return &options[i];
	return NULL;
}

void
option_variable(const struct option *o, char out[static OPTION_VARIABLE_MAX])
{
	char *s;

	snprintf(out, OPTION_VARIABLE_MAX, OPTION_VARIABLE_PREFIX "%s_%s",
	    o->section, o->key);
	for (s = out; *s != '\0'; s++)
		*s = (char)toupper((unsigned char)*s);
}
