/*
 * POST /sqs: the JSON protocol of SQS (X-Amz-Target: AmazonSQS.SendMessage, …;
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/) over
 * the queues of the embedded database, for workers on other machines.
 *
 * A queue is there as soon as its name is one (store/sqlite_queue.h); its dead
 * letters are a queue of their own, NAME~dead, which its RedrivePolicy names.
 * Otherwise than at SQS a message may have a delay and a group together, a
 * deduplication id is heeded on every queue, for five minutes, and a receipt
 * that has run out is refused.
 */
#ifndef SQS_SQS_H
#define SQS_SQS_H

struct exchange;

void handle_sqs(struct exchange *);

#endif
