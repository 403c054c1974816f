/* The handlers of messages and of what became of them. */
#ifndef APP_WHATSAPP_H
#define APP_WHATSAPP_H

struct exchange;

void handle_whatsapp(struct exchange *);
void handle_whatsapp_status(struct exchange *);

#endif
