#include "aws/error.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "base/str.h"
#include "codec/json.h"
#include "http/reply.h"

/* Before the codes of the SQS query protocol, as x-amzn-query-error has them.
 */
#define SQS_PREFIX "AWS.SimpleQueueService."

#define MESSAGE_MAX 240

/*
 * Codes by what they mean, from the services' references and the SDKs' lists
 * (botocore/retries/special.py, @smithy/core). Messages about signatures show
 * the canonical request, with the session token in it: never quoted.
 */
/* clang-format off */
static const struct aws_error errors[] = {
	{ "BandwidthLimitExceeded", AWS_THROTTLED, ST_BUSY, false },
	{ "EC2ThrottledException", AWS_THROTTLED, ST_BUSY, false },
	{ "KmsThrottled", AWS_THROTTLED, ST_BUSY, false },
	{ "KMS.ThrottlingException", AWS_THROTTLED, ST_BUSY, false },
	{ "LimitExceededException", AWS_THROTTLED, ST_BUSY, false },
	{ "OverLimit", AWS_THROTTLED, ST_BUSY, false },
	{ "PriorRequestNotComplete", AWS_THROTTLED, ST_BUSY, false },
	{ "ProvisionedThroughputExceededException", AWS_THROTTLED, ST_BUSY, false },
	{ "RequestLimitExceeded", AWS_THROTTLED, ST_BUSY, false },
	{ "RequestThrottled", AWS_THROTTLED, ST_BUSY, false },
	{ "RequestThrottledException", AWS_THROTTLED, ST_BUSY, false },
	{ "SlowDown", AWS_THROTTLED, ST_BUSY, false },
	{ "ThrottledException", AWS_THROTTLED, ST_BUSY, false },
	{ "Throttling", AWS_THROTTLED, ST_BUSY, false },
	{ "ThrottlingException", AWS_THROTTLED, ST_BUSY, false },
	{ "TooManyRequestsException", AWS_THROTTLED, ST_BUSY, false },
	{ "TransactionInProgressException", AWS_THROTTLED, ST_BUSY, false },

	{ "IDPCommunicationError", AWS_TRANSIENT, ST_UNAVAILABLE, false },
	{ "InternalFailure", AWS_TRANSIENT, ST_UNAVAILABLE, false },
	{ "InternalServerError", AWS_TRANSIENT, ST_UNAVAILABLE, false },
	{ "InternalServiceError", AWS_TRANSIENT, ST_UNAVAILABLE, false },
	{ "RequestTimeout", AWS_TRANSIENT, ST_TIMEOUT, false },
	{ "RequestTimeoutException", AWS_TRANSIENT, ST_TIMEOUT, false },
	{ "ReplicatedWriteConflictException", AWS_TRANSIENT, ST_BUSY, false },
	{ "ServiceUnavailable", AWS_TRANSIENT, ST_UNAVAILABLE, false },
	{ "TransactionConflictException", AWS_TRANSIENT, ST_BUSY, false },

	{ "ExpiredToken", AWS_EXPIRED, ST_DENIED, false },
	{ "ExpiredTokenException", AWS_EXPIRED, ST_DENIED, false },

	{ "AuthFailure", AWS_UNSIGNED, ST_DENIED, false },
	{ "InvalidSignatureException", AWS_UNSIGNED, ST_DENIED, false },
	{ "RequestExpired", AWS_UNSIGNED, ST_DENIED, false },
	{ "RequestInTheFuture", AWS_UNSIGNED, ST_DENIED, false },
	{ "RequestTimeTooSkewed", AWS_UNSIGNED, ST_DENIED, false },
	{ "SignatureDoesNotMatch", AWS_UNSIGNED, ST_DENIED, false },

	{ "AccessDenied", AWS_FATAL, ST_DENIED, true },
	{ "AccessDeniedException", AWS_FATAL, ST_DENIED, true },
	{ "IncompleteSignature", AWS_FATAL, ST_DENIED, false },
	{ "InvalidClientTokenId", AWS_FATAL, ST_DENIED, false },
	{ "InvalidIdentityToken", AWS_FATAL, ST_DENIED, true },
	{ "KmsAccessDenied", AWS_FATAL, ST_DENIED, true },
	{ "MissingAuthenticationToken", AWS_FATAL, ST_DENIED, false },
	{ "MissingAuthenticationTokenException", AWS_FATAL, ST_DENIED, false },
	{ "NotAuthorized", AWS_FATAL, ST_DENIED, false },
	{ "OptInRequired", AWS_FATAL, ST_DENIED, false },
	{ "UnrecognizedClientException", AWS_FATAL, ST_DENIED, false },

	{ "ConditionalCheckFailedException", AWS_FATAL, ST_EXISTS, false },

	{ "IndexNotFoundException", AWS_FATAL, ST_NOTFOUND, true },
	{ "NonExistentQueue", AWS_FATAL, ST_NOTFOUND, true },
	{ "ParameterNotFound", AWS_FATAL, ST_NOTFOUND, true },
	{ "QueueDoesNotExist", AWS_FATAL, ST_NOTFOUND, true },
	{ "ReceiptHandleIsInvalid", AWS_FATAL, ST_NOTFOUND, false },
	{ "MessageNotInflight", AWS_FATAL, ST_NOTFOUND, false },
	{ "ResourceNotFoundException", AWS_FATAL, ST_NOTFOUND, true },

	{ "DecryptionFailure", AWS_FATAL, ST_DENIED, true },
	{ "InvalidAddress", AWS_FATAL, ST_CONFIG, true },
	{ "InvalidAttributeName", AWS_FATAL, ST_CONFIG, true },
	{ "InvalidKeyId", AWS_FATAL, ST_CONFIG, true },
	{ "InvalidMessageContents", AWS_FATAL, ST_MALFORMED, false },
	{ "InvalidParameterException", AWS_FATAL, ST_CONFIG, true },
	{ "InvalidParameterValue", AWS_FATAL, ST_CONFIG, true },
	{ "InvalidRequestException", AWS_FATAL, ST_CONFIG, true },
	{ "MissingParameter", AWS_FATAL, ST_CONFIG, true },
	{ "UnsupportedOperation", AWS_FATAL, ST_UNSUPPORTED, true },
	{ "UnknownOperationException", AWS_FATAL, ST_UNSUPPORTED, false },
	{ "ValidationError", AWS_FATAL, ST_CONFIG, true },
	{ "ValidationException", AWS_FATAL, ST_CONFIG, true },
	{ NULL, AWS_FATAL, ST_IO, false },
};
/* clang-format on */

/* Copy what can be a code; what cannot ends it. */
static void
copy_code(const char *from, char out[static AWS_CODE_MAX])
{
	size_t n = 0;

	while (n < AWS_CODE_MAX - 1 &&
	    (isalnum((unsigned char)from[n]) ||
		(from[n] != '\0' && strchr(".-_", from[n]) != NULL))) {
		out[n] = from[n];
		n++;
	}
	out[n] = '\0';
}

void
aws_error_code(const struct http_reply *reply, const struct json *body,
    char out[static AWS_CODE_MAX])
{
	const char *code = http_reply_header(reply, "x-amzn-query-error");
	const char *hash;

	/* "AWS.SimpleQueueService.NonExistentQueue;Sender" */
	if (code != NULL && str_starts(code, SQS_PREFIX))
		code += strlen(SQS_PREFIX);
	/* "ValidationException:http://internal.amazon.com/…" */
	if (str_empty(code))
		code = http_reply_header(reply, "x-amzn-errortype");
	if (str_empty(code) && body != NULL)
		(void)json_member_text(body, "__type", &code);
	/* "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException" */
	if (code != NULL && (hash = strrchr(code, '#')) != NULL)
		code = hash + 1;
	copy_code(code == NULL ? "" : code, out);
}

/* Without a code that we know, the HTTP status has to do. */
static struct aws_error
by_http(int http)
{
	switch (http) {
	case 429:
		return (struct aws_error){ "", AWS_THROTTLED, ST_BUSY, false };
	case 500:
	case 502:
	case 503:
	case 504:
		return (struct aws_error){ "", AWS_TRANSIENT, ST_UNAVAILABLE,
			false };
	case 401:
	case 403:
		return (struct aws_error){ "", AWS_FATAL, ST_DENIED, false };
	case 404:
		return (struct aws_error){ "", AWS_FATAL, ST_NOTFOUND, false };
	case 413:
		return (struct aws_error){ "", AWS_FATAL, ST_TOOBIG, false };
	default:
		/* A redirect, or a kind of refusal we have never heard of. */
		return (struct aws_error){ "", AWS_FATAL,
			http >= 500 ? ST_UNAVAILABLE : ST_CONFIG, false };
	}
}

struct aws_error
aws_error_find(const char *code, int http)
{
	const struct aws_error *e;

	for (e = errors; e->code != NULL; e++)
		if (strcmp(e->code, code) == 0)
			return *e;
	return by_http(http);
}

void
aws_error_put_message(struct buf *out, const struct json *body)
{
	const char *message = NULL;
	size_t n;

	if (body == NULL)
		return;
	if (json_member_text(body, "message", &message) != ST_OK &&
	    json_member_text(body, "Message", &message) != ST_OK)
		return;
	/* A whole character or none; no line ends. */
	n = strnlen(message, MESSAGE_MAX);
	while (n > 0 && ((unsigned char)message[n] & 0xc0) == 0x80)
		n--;
	buf_puts(out, ": ");
	for (; n > 0; n--, message++)
		buf_putc(
		    out, iscntrl((unsigned char)*message) ? ' ' : *message);
}
