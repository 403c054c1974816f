/* Every command and its options. */
#include "base/str.h"
#include "ctl/ctl.h"

#define FLAG(name, help) \
	{ \
		name, CTL_FLAG, NULL, help, 0, 0 \
	}
#define TEXT(name, value, help) \
	{ \
		name, CTL_TEXT, value, help, 0, 0 \
	}
#define NEEDED(name, value, help) \
	{ \
		name, CTL_NEEDED, value, help, 0, 0 \
	}
#define MANY(name, value, help) \
	{ \
		name, CTL_MANY, value, help, 0, 0 \
	}
#define NUMBER(name, value, min, max, help) \
	{ \
		name, CTL_NUMBER, value, help, min, max \
	}
#define NO_OPTIONS FLAG(NULL, NULL)

#define AT_MOST(text) NUMBER("limit", "N", 1, 1000000, text)
#define SOURCE \
	TEXT("source", "SOURCE", \
	    "log: what was recorded here (default); twilio: ask it")

/* Of a made-up request. */
#define BODY \
	TEXT("data", "BODY", "the body; @FILE: of a file; -: of standard input")
#define FORM \
	MANY("param", "NAME=VALUE", \
	    "one parameter of the form; as often as wanted")
#define BODY_TYPE \
	TEXT("content-type", "TYPE", "of the body; a form if not given")
#define BODY_JSON \
	FLAG("json-body", "the same as --content-type application/json")
#define SETTINGS \
	TEXT("settings", "SETTINGS", \
	    "X-Twilio-Webhooks-Signature-Settings: " \
	    "key=ID,algorithm=HMAC_SHA256")
#define INSTEAD \
	MANY("param", "NAME=VALUE", "any parameter, in place of the usual one")
#define SERVER \
	TEXT("url", "URL", "the server, http://host:port, or the whole address")

const struct ctl_command ctl_commands[] = {
	{ "check", "", 0, 0, "check the configuration",
	    "Read the configuration as a server would, look at what it names, "
	    "and report\nwhat is wrong, with file, line and key, and what to "
	    "do.",
	    ctl_check,
	    { FLAG("show", "print every setting as it stands, secrets masked"),
		FLAG("strict", "take warnings for mistakes"),
		TEXT("user", "NAME",
		    "check as this user, the service's; for root") } },

	{ "conversation add", "", 0, 0, "make a conversation",
	    "Make a conversation. Messages of its sender are then routed by "
	    "it.",
	    ctl_conversation_add,
	    { NEEDED("tel", "NUMBER", "the sender, as in '+1 415 555 0100'"),
		NEEDED("id", "ID", "the conversation's name, of your choice"),
		TEXT("thread", "ID", "the AI's thread"),
		TEXT("company", "ID", "whose customer it is"),
		TEXT("project", "ID", "what it is about"),
		FLAG("handoff", "people answer from the start") } },
	{ "conversation list", "", 0, 0, "list conversations, newest first",
	    "List conversations, newest first.", ctl_conversation_list,
	    { TEXT(
		  "tel", "NUMBER", "only those of this sender, under any name"),
		AT_MOST("at most so many (100)") } },
	{ "conversation show", "[ID]", 0, 1, "show one conversation",
	    "Show a conversation, by its id or by its sender.",
	    ctl_conversation_show,
	    { TEXT("tel", "NUMBER",
		"the newest of this sender, the one that counts") } },
	{ "conversation handoff", "ID on|off", 2, 2,
	    "hand a conversation to people, or back",
	    "on: people answer from the next message on. off: the AI does.",
	    ctl_conversation_handoff, { NO_OPTIONS } },
	{ "conversation set", "ID", 1, 1, "change a conversation",
	    "Change what is given, and nothing else. An empty value, as in "
	    "--thread '', takes\nit away.",
	    ctl_conversation_set,
	    { TEXT("tel", "NUMBER", "the sender"),
		TEXT("thread", "ID", "the AI's thread"),
		TEXT("company", "ID", "whose customer it is"),
		TEXT("project", "ID", "what it is about"),
		TEXT("handoff", "on|off", "people answer, or the AI"),
		TEXT("opted-out", "on|off",
		    "the sender wants no more messages") } },
	{ "conversation remove", "ID", 1, 1, "remove a conversation",
	    "Remove a conversation. What waits on a queue stays there; then an "
	    "older conversation\nof its sender counts, or the sender is "
	    "unknown.",
	    ctl_conversation_remove, { NO_OPTIONS } },

	{ "queue list", "", 0, 0, "count what waits on each queue",
	    "Count what is ready, delayed, taken and dead on each configured "
	    "queue.",
	    ctl_queue_list, { NO_OPTIONS } },
	{ "queue peek", "QUEUE", 1, 1, "look at messages without taking them",
	    "Show what waits, oldest first, without taking it.", ctl_queue_peek,
	    { AT_MOST("at most so many (10)") } },
	{ "queue receive", "QUEUE", 1, 1, "take one message",
	    "Take the message that is due longest. Its receipt serves to ack "
	    "or release it;\nwithout either it is due again when the time is "
	    "over.",
	    ctl_queue_receive,
	    { NUMBER("visibility", "SECONDS", 1, 43200,
		"how long nobody else gets it (60)") } },
	{ "queue ack", "QUEUE RECEIPT", 2, 2, "say that a message is done with",
	    "Say that a received message is done with: it is removed.",
	    ctl_queue_ack, { NO_OPTIONS } },
	{ "queue release", "QUEUE RECEIPT", 2, 2, "give a message back",
	    "Give a received message back to the queue.", ctl_queue_release,
	    { NUMBER(
		"delay", "SECONDS", 0, 43200, "due again only then (0)") } },
	{ "queue dead", "QUEUE", 1, 1, "list dead letters",
	    "Show the dead letters, oldest first, each with its reason.",
	    ctl_queue_dead, { AT_MOST("at most so many (10)") } },
	{ "queue redrive", "QUEUE [ID]", 1, 2, "make dead letters due again",
	    "Make a dead letter due again, with its count of attempts back "
	    "at zero.",
	    ctl_queue_redrive,
	    { FLAG("all", "every dead letter of the queue") } },
	{ "queue route", "[QUEUE]", 0, 1, "put what is held where it belongs",
	    "Put what waits on a queue (unrouted) where its sender's "
	    "conversation says, in\norder. What has no conversation stays, "
	    "unless --to says where it goes.",
	    ctl_queue_route,
	    { TEXT("tel", "NUMBER", "only what this sender wrote"),
		TEXT("to", "ai|human",
		    "to that queue, whatever the conversation says") } },
	{ "queue run", "QUEUE -- COMMAND [ARGUMENT …]", 2, -1,
	    "feed each message to a command",
	    "Feed each message to COMMAND's standard input. Exit status 0 "
	    "removes it from the\nqueue; else it comes again after a pause, "
	    "doubled each time, and becomes a dead\nletter after --tries. "
	    "Runs until SIGTERM or SIGINT.",
	    ctl_queue_run,
	    { FLAG("drain", "end when nothing is due, in place of waiting"),
		FLAG("batch",
		    "all that waits of a conversation, one JSON object a line"),
		FLAG("reply",
		    "what it prints is the reply; exit status 10: people are "
		    "to answer"),
		NUMBER(
		    "tries", "N", 1, 1000, "a dead letter after so many (5)"),
		NUMBER("visibility", "SECONDS", 1, 43200,
		    "the command is killed after it (60)"),
		NUMBER("backoff", "SECONDS", 0, 43200,
		    "pause after the first failed try (10)"),
		NUMBER("limit", "N", 1, INT64_MAX,
		    "end after so many messages, or the batch with the "
		    "last") } },

	{ "message", "", 0, 0, "send a message as Twilio would",
	    "Send a message as Twilio would, signed with twilio.auth_token: "
	    "to a server (--url),\nor, without one, answered in this process "
	    "by the same code. Tells where it went.",
	    ctl_message,
	    { NEEDED("from", "ADDRESS",
		  "the sender, whatsapp:+14155550100 or, SMS, +1…"),
		TEXT("body", "TEXT", "what is said"),
		TEXT("to", "ADDRESS", "your number at Twilio"),
		TEXT("sid", "SID", "MessageSid, to repeat a message (new)"),
		MANY("media", "URL", "a medium; up to 10 times"),
		TEXT("profile", "NAME", "the sender's name in WhatsApp"),
		INSTEAD, SERVER } },
	{ "message status", "", 0, 0, "send a status callback as Twilio would",
	    "Send the status callback of an outbound message as Twilio would; "
	    "see message.",
	    ctl_message_status,
	    { NEEDED("sid", "SID", "MessageSid of what was sent"),
		NEEDED("status", "STATUS",
		    "queued, sent, delivered, read, undelivered, failed"),
		TEXT("error", "CODE", "ErrorCode"),
		TEXT("from", "ADDRESS", "your number at Twilio"),
		TEXT("to", "ADDRESS", "whom it was sent to"), INSTEAD,
		SERVER } },
	{ "message show", "SID", 1, 1, "show where a message went",
	    "Show where an inbound message went, or what became of an "
	    "outbound one.",
	    ctl_message_show, { NO_OPTIONS } },

	{ "reply", "CONVERSATION", 1, 1, "answer a conversation",
	    "Answer a conversation: the reply is stored, then sent to Twilio, "
	    "once. What cannot\nbe sent now is sent later; what became of it "
	    "is told.",
	    ctl_reply,
	    { TEXT("body", "TEXT", "what is said, 1600 characters at most"),
		MANY("media", "URL", "a medium, https; up to 10 times"),
		TEXT("client-id", "ID",
		    "the same again is the same reply, and sent once") } },

	{ "spool list", "", 0, 0, "list what remote queues have not taken",
	    "List what waits for a queue that could not be reached, oldest "
	    "first.",
	    ctl_spool_list, { AT_MOST("how many at most (100)") } },
	{ "spool flush", "", 0, 0, "send it now",
	    "Send what waits, each once, now. Exit status 1: something still "
	    "waits.\nFor cron, where no server runs that does it.",
	    ctl_spool_flush,
	    { FLAG("restored",
		"send what is held in a copy of the database, too") } },

	{ "store copy", "FILE", 1, 1, "copy the database, in use or not",
	    "Copy the database into a new file, while it is in use or not.",
	    ctl_store_copy, { NO_OPTIONS } },
	{ "store check", "[FILE]", 0, 1, "say what is wrong with the database",
	    "Look at all of the database, or of a copy of it, and say what is "
	    "wrong.\nExit status 1: something is.",
	    ctl_store_check, { NO_OPTIONS } },
	{ "store recover", "FILE", 1, 1,
	    "save what can be read of a damaged one",
	    "Save what can be read of a damaged database into a new file.\n"
	    "Exit status 1: something is lost.",
	    ctl_store_recover, { NO_OPTIONS } },

	{ "status", "", 0, 0, "is all well, and if not, what to do",
	    "Say whether store, clock, spool and queues are well, and what to "
	    "do where they\nare not. Exit status 1: something is not.",
	    ctl_status, { NO_OPTIONS } },

	{ "call", "", 0, 0, "play a whole call as Twilio would",
	    "Play a whole call as Twilio would: every request signed, every "
	    "verb told,\nkeys posted to where the template says.",
	    ctl_call,
	    { NEEDED("from", "NUMBER", "the caller, +14155550100"),
		TEXT("template", "NAME", "where the call begins (gather)"),
		TEXT("digits", "KEYS,…",
		    "what is keyed in, one part for each question; without it "
		    "you are asked"),
		TEXT("to", "NUMBER", "your number at Twilio"),
		TEXT("sid", "SID", "CallSid (new)"),
		TEXT("url", "URL",
		    "the server, http://host:port; without it: in "
		    "process") } },

	{ "calls list", "", 0, 0, "list calls, newest first",
	    "List calls, newest first: those of the last 24 hours, or of a "
	    "range of time.",
	    ctl_calls_list,
	    { TEXT("start-date", "TIME",
		  "that started then or later: 2026-11-21, or with "
		  "T18:50:00Z"),
		TEXT("end-date", "TIME",
		    "that started then or earlier; a day is included whole"),
		TEXT("status", "STATUS",
		    "queued, ringing, in-progress, completed, busy, …"),
		TEXT("direction", "DIRECTION",
		    "inbound, outbound-api, outbound-dial, …"),
		TEXT("from", "ADDRESS", "who called: +14155550100, sip:…"),
		TEXT("to", "ADDRESS", "who was called"),
		TEXT("parent-call-sid", "SID", "calls that this one dialled"),
		AT_MOST("at most so many (100)"), SOURCE } },
	{ "calls show", "SID", 1, 1, "show one call and its time line",
	    "Show a call: what is known of it, its status events, and which "
	    "digits the\ncaller confirmed. Digits are personal data: their "
	    "values are shown with --digits.",
	    ctl_calls_show,
	    { FLAG(
		  "digits", "show what the caller keyed in and confirmed, too"),
		SOURCE } },
	{ "calls tail", "", 0, 0, "print status events as they come",
	    "Print each status event of a call as it is recorded, until "
	    "SIGINT or SIGTERM.",
	    ctl_calls_tail,
	    { NUMBER("lines", "N", 0, 1000000,
		"begin with the last N that are there (0); also -n N") } },

	{ "refused", "", 0, 0, "list signatures that did not fit",
	    "List the last signatures that did not fit, newest first: at most "
	    "20, 5 of a cause,\none a second.",
	    ctl_refused, { NO_OPTIONS } },
	{ "refused explain", "ID", 1, 1, "say why one did not fit",
	    "Say why a signature did not fit, and what to do. ID is one of the "
	    "list, or the\nrequest_id of the log.",
	    ctl_refused_explain, { NO_OPTIONS } },

	{ "sign", "URL", 1, 1, "make Twilio's signature of a request",
	    "Print the X-Twilio-Signature that Twilio would send with a "
	    "request to\nthis URL, made with twilio.auth_token. A body that "
	    "is not a form is\ncovered by bodySHA256 in the URL, which is "
	    "added "
	    "where it is missing. --settings names a shared key to sign with "
	    "instead.",
	    ctl_sign,
	    { BODY, FORM, BODY_TYPE, BODY_JSON, SETTINGS,
		TEXT("token-file", "FILE",
		    "sign with the token in this file (-: standard "
		    "input)") } },
	{ "verify", "URL", 1, 1,
	    "check a signature and say why it does not fit",
	    "Tell whether a signature belongs to a request to this URL, "
	    "under\ntwilio.auth_token or twilio.auth_token_previous, or the "
	    "shared key that\n--settings names: exit status 0 if it does, 1 if "
	    "not.",
	    ctl_verify,
	    { NEEDED("signature", "SIGNATURE", "X-Twilio-Signature as it came"),
		FLAG("explain", "look for the cause where it does not fit"),
		BODY, FORM, BODY_TYPE, BODY_JSON, SETTINGS,
		TEXT("method", "METHOD", "POST or GET, which has no body"),
		TEXT("token-file", "FILE",
		    "check with the token in this file (-: standard "
		    "input)") } },
};

const size_t ctl_commands_n = CTL_COUNT(ctl_commands);
