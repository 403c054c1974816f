/* The handlers of the route table. The guard has let the request through. */
#ifndef APP_HANDLERS_H
#define APP_HANDLERS_H

#include "app/app.h"

void handle_health(struct exchange *);
void handle_ready(struct exchange *);
void handle_whatsapp(struct exchange *);
void handle_whatsapp_status(struct exchange *);
void handle_incoming_call(struct exchange *);
void handle_transfer_call(struct exchange *);
void handle_process_digits(struct exchange *);
void handle_confirm_digits(struct exchange *);
void handle_call_status(struct exchange *);
void handle_monitor_call(struct exchange *);
void handle_batch_monitor_calls(struct exchange *);
void handle_metrics(struct exchange *);

#endif
