/* The messages of a conversation, both ways, for agents; answering. */
#ifndef API_MESSAGES_H
#define API_MESSAGES_H

struct exchange;

/* /api/conversations/{id}/messages */
void handle_api_messages(struct exchange *);
void handle_api_reply(struct exchange *);

/* …/{reply}/resend and drop */
void handle_api_resend(struct exchange *);
void handle_api_drop(struct exchange *);

#endif
