/* The handlers of messages and of what became of them. */
#ifndef MESSAGE_WHATSAPP_H
#define MESSAGE_WHATSAPP_H

struct exchange;

void handle_whatsapp(struct exchange *);
void handle_whatsapp_status(struct exchange *);

#endif
