/* One call of SQS's protocol: what came, what is answered. Private to src/sqs. */
#ifndef SQS_SQS_CALL_H
#define SQS_SQS_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "codec/json.h"
#include "store/queue.h"

struct exchange;

/* What may be wrong, in SQS's words. */
enum sqs_fault_kind {
	SQS_FINE,
	SQS_NO_QUEUE,
	SQS_BAD_VALUE,
	SQS_MISSING,
	SQS_BAD_JSON,
	SQS_BAD_CONTENTS,
	SQS_BAD_RECEIPT,
	SQS_BAD_ATTRIBUTE,
	SQS_EMPTY_BATCH,
	SQS_LONG_BATCH,
	SQS_SAME_IDS,
	SQS_BAD_ID,
	SQS_NOT_OFFERED,
	SQS_NO_OPERATION,
	SQS_UNAVAILABLE,
	SQS_FAULTS_N
};

struct sqs_fault {
	enum sqs_fault_kind kind;
	char message[320];
};

/* Say what is wrong, in place of what was; false, always. message NULL: the
 * usual words. */
bool sqs_fault(struct sqs_fault *, enum sqs_fault_kind, const char *message,
    ...) __attribute__((format(printf, 3, 4)));

/* A failure of the store, not of the request. */
bool sqs_fault_store(struct sqs_fault *, enum status);

/* Answer with it. */
void sqs_fault_answer(struct exchange *, const struct sqs_fault *);

#define SQS_VISIBILITY_S 30 /* of a receive that names none */

#define SQS_NAME_MAX 128 /* of a queue, "~dead" and NUL included */

struct sqs_call {
	struct exchange *x;
	const struct json *in; /* an object */
	struct buf *out; /* of the answer; empty as it begins */
	struct queue *queue; /* of QueueUrl, for the operations with one */
	char name[SQS_NAME_MAX]; /* its name */
	bool dead; /* it is the dead letters of another */
	struct sqs_fault fault;

	struct json *body; /* what in is of */
	struct receiving *receiving; /* of sqs_receive.c, or NULL */
	bool parked; /* it is answered later */
	struct sqs_call *next; /* of those that are parked */
};

/* Its last step: answer, well or with its fault. */
void sqs_call_answer(struct sqs_call *, bool fine);

/* Look whether a parked one can be answered, and do so. False: not yet. */
bool sqs_receive_look(struct sqs_call *);
void sqs_receive_release(struct sqs_call *);

/* An operation: false if it has a fault. */
typedef bool sqs_operation_fn(struct sqs_call *);

sqs_operation_fn sqs_list_queues, sqs_get_queue_url, sqs_get_queue_attributes;
sqs_operation_fn sqs_send_message, sqs_send_message_batch;
sqs_operation_fn sqs_receive_message;
sqs_operation_fn sqs_delete_message, sqs_delete_message_batch;
sqs_operation_fn sqs_change_visibility, sqs_change_visibility_batch;

/* --- parameters ------------------------------------------------------------- */

/* A text; *out is NULL if it is absent, which is a fault where it is needed. */
bool sqs_text(struct sqs_fault *, const struct json *, const char *name,
    bool needed, const char **out);

/* A number within bounds; absent: *out stays, which is a fault where it is
 * negative. */
bool sqs_int(struct sqs_fault *, const struct json *, const char *name,
    int64_t min, int64_t max, int64_t *out);

/* A list of texts; absent: *out is NULL. */
bool sqs_names(struct sqs_fault *, const struct json *, const char *name,
    const struct json **out);

/* Is the name in the list, or "All"? */
bool sqs_named(const struct json *list, const char *name);

/* The most bytes of a message. */
size_t sqs_body_max(const struct exchange *);

/* --- batches ------------------------------------------------------------------ */

#define SQS_BATCH_MAX 10

/* The entries of a batch, or (id NULL) what an operation on one message has. */
struct sqs_entry {
	const char *id;
	const struct json *in;
	struct sqs_fault fault; /* of this entry alone */
};

/* The call's Entries. */
bool sqs_entries(
    struct sqs_call *, struct sqs_entry[static SQS_BATCH_MAX], size_t *n);

/*
 * Answer for each: {"Successful":[{"Id":…}],"Failed":[…]}, or for one message
 * what is between the braces; its fault is then the call's. put appends more
 * about the i-th to what is there; NULL: there is no more.
 */
bool sqs_entries_answer(struct sqs_call *, const struct sqs_entry *, size_t n,
    void (*put)(struct buf *, size_t i, void *arg), void *arg);

/* --- queues ------------------------------------------------------------------- */

/* Is this the name of an embedded queue, or of its dead letters? */
bool sqs_is_queue(const char *name, bool *dead);

#endif
