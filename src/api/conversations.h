/*
 * Conversations and what is said in them, for agents: DESIGN 12's objects. Who
 * asks is recorded with what they do (x->agent).
 */
#ifndef API_CONVERSATIONS_H
#define API_CONVERSATIONS_H

struct exchange;

/* /api/conversations */
void handle_api_conversations(struct exchange *);
void handle_api_conversation_add(struct exchange *);

/* /api/conversations/{id} and …/handoff */
void handle_api_conversation(struct exchange *);
void handle_api_conversation_set(struct exchange *);
void handle_api_handoff(struct exchange *);

#endif
