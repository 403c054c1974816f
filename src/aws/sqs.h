/*
 * Queues at SQS: named, as everywhere in AWS, by their address,
 * "https://sqs.REGION.amazonaws.com/ACCOUNT/NAME".
 *
 * "…/sqs/NAME" is a queue of another Switchhook's embedded database, which
 * speaks the same protocol (sqs/sqs.h): requests go to "…/sqs". It takes a delay
 * beside group and dedupe, keeps order within a group, and heeds a dedupe.
 *
 * What SQS does otherwise than store/queue.h says:
 * - An item may come twice (standard queues), and a queue that is empty is
 *   known to be so only after a second of waiting.
 * - No delay is longer than 900 seconds; a longer one is cut to that. FIFO
 *   queues (NAME.fifo) have no delay of an item's own: there it is left out.
 * - FIFO: order is kept within a group; an item without one has a group to
 *   itself. The same dedupe within five minutes is taken once.
 * - To look is to receive: it counts as one, and hides the item meanwhile. A
 *   queue that counts receives (RedrivePolicy) is therefore not looked at, but
 *   its dead letters are.
 * - Dead letters are another queue, the one that the RedrivePolicy names;
 *   without one there is no burial. Only a handle that received an item can
 *   bury it. Buried or redriven it is a new item, with another id.
 * - The reason of a release is known to this handle alone. Of a burial it goes
 *   along, as the attribute "Reason".
 * - stats are approximate; a released item that is not due counts as taken; the
 *   oldest is not known (0).
 */
#ifndef AWS_SQS_H
#define AWS_SQS_H

#include "base/buf.h"
#include "base/status.h"
#include "store/queue.h"

struct aws_client;

/* Bytes of a body; a queue may be set to take less. */
#define SQS_BODY_MAX ((size_t)1 << 20)

#define SQS_DELAY_MAX_S 900
#define SQS_VISIBILITY_MAX_S 43200

struct sqs_options {
	const char *url; /* of the queue */
	int wait_s; /* of receive, for an item to come: 1 is usual, 0 quick */
};

/*
 * A queue for the client's thread; the client must outlive it. Nobody is asked
 * yet. ST_OK; ST_CONFIG, and *why says what is wrong; ST_NOMEM.
 *
 * Its operations give what aws_call gives (aws/client.h), and after a failure
 * aws_client_error has the words. push is ST_TOOBIG or ST_MALFORMED for a body
 * that SQS does not take: it has 1 to SQS_BODY_MAX bytes, in UTF-8, of
 * characters that XML 1.0 has. No such queue is ST_CONFIG.
 */
enum status sqs_open(struct aws_client *, const struct sqs_options *,
    struct queue **, struct buf *why);

#endif
