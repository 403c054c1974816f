/*
 * What checking a webhook's signature costs, form parsing included:
 * nanoseconds a check, the best and the median of many rounds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/kv.h"
#include "codec/form.h"
#include "twilio/signature.h"

#define ROUNDS 101
#define PER_ROUND 1000

static const char body[] =
    "SmsMessageSid=SM00000000000000000000000000000002&NumMedia=0"
    "&ProfileName=Ann+O%27Neil&MessageType=text"
    "&SmsSid=SM00000000000000000000000000000002&WaId=14155550100"
    "&SmsStatus=received&Body=Hola&To=whatsapp%3A%2B14155238886"
    "&NumSegments=1&ReferralNumMedia=0"
    "&MessageSid=SM00000000000000000000000000000002"
    "&AccountSid=AC00000000000000000000000000000001"
    "&ChannelMetadata=%7B%22type%22%3A%22whatsapp%22%2C%22data%22%3A%7B%22"
    "context%22%3A%7B%22ProfileName%22%3A%22Ann+O%27Neil%22%2C%22WaId%22%3A"
    "%2214155550100%22%7D%7D%7D&From=whatsapp%3A%2B14155550100"
    "&ApiVersion=2010-04-01";

static const char *const tokens[] = { "0123456789abcdef0123456789abcdef", "",
	NULL };

static int
by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* One check as the server does it; exits if the verdict is another. */
static void
check(const char *header, enum signature_verdict expect)
{
	struct kv form = KV_INIT;
	struct signature_input in = { .url =
					  "https://hooks.example.com/whatsapp",
		.form = &form,
		.body = body,
		.body_len = sizeof(body) - 1 };
	bool malformed;

	if (form_parse(body, sizeof(body) - 1, &form, &malformed) != ST_OK ||
	    signature_check(&in, tokens, header, NULL) != expect) {
		fprintf(stderr, "another verdict than expected\n");
		exit(1);
	}
	kv_release(&form);
}

static void
measure(const char *name, const char *header, enum signature_verdict expect)
{
	static double ns[ROUNDS];
	int64_t start;
	int round, i;

	for (round = 0; round < ROUNDS; round++) {
		start = clock_mono_us();
		for (i = 0; i < PER_ROUND; i++)
			check(header, expect);
		ns[round] =
		    (double)(clock_mono_us() - start) * 1000 / PER_ROUND;
	}
	qsort(ns, ROUNDS, sizeof(ns[0]), by_value);
	printf("%-8s %6.0f ns best, %6.0f ns median\n", name, ns[0],
	    ns[ROUNDS / 2]);
}

int
main(void)
{
	struct kv form = KV_INIT;
	struct signature_input in = { .url =
					  "https://hooks.example.com/whatsapp",
		.form = &form,
		.body = body,
		.body_len = sizeof(body) - 1 };
	char header[SIGNATURE_MAX];
	bool malformed;

	form_parse(body, sizeof(body) - 1, &form, &malformed);
	if (signature_make(&in, tokens[0], header) != ST_OK)
		return 1;
	kv_release(&form);
	printf("a WhatsApp message of %zu bytes\n", sizeof(body) - 1);
	measure("valid", header, SIGNATURE_VALID);
	measure("wrong", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=", SIGNATURE_WRONG);
	return 0;
}
