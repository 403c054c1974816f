#include "twilio/rest/words.h"

#include <stddef.h>

const char *const calls_statuses[] = { "queued", "ringing", "in-progress",
	"canceled", "completed", "failed", "busy", "no-answer", NULL };

const char *const calls_directions[] = { "inbound", "outbound-api",
	"outbound-dial", "trunking-originating", "trunking-terminating", NULL };
