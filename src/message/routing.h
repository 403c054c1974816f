/*
 * Where a message goes: the sender's newest conversation decides the queue,
 * and the configuration what becomes of senders without one.
 */
#ifndef MESSAGE_ROUTING_H
#define MESSAGE_ROUTING_H

#include <stdbool.h>
#include <stdint.h>

#include "message/ports.h"
#include "store/sender.h"
#include "store/store.h"

struct routing {
	const char *outcome; /* static, for the log: "ai", "human",
	                      * "unrouted", "ignored" */
	const char *role; /* static, the queue's; NULL: none (ignored) */
	int64_t delay_s;
	struct sender_names
	    names; /* of the sender; so it is not to be copied */
	struct conversation conversation; /* id NULL: there is none */
	bool unknown; /* the sender had none */
	bool create; /* the conversation is new and still to be added */
};

/*
 * Look the sender up, under each of its names (store/sender.h), and decide.
 * user_id is the ExternalUserId that came, or NULL. new_id and now_us are for a
 * conversation that unknown_sender = create makes. ST_OK, or what the look-up
 * gave. The caller gives it to routing_release.
 */
enum status routing_decide(const struct ports *, const char *sender,
    const char *user_id, const char *new_id, int64_t now_us, struct routing *);

/* Add the conversation if it is new. ST_OK also if another was quicker. */
enum status routing_create(const struct ports *, const struct routing *);

void routing_release(struct routing *);

#endif
