#include "site/routes.h"

#include "api/conversations.h"
#include "api/messages.h"
#include "api/queues.h"
#include "api/refused.h"
#include "api/summary.h"
#include "message/whatsapp.h"
#include "serve/health.h"
#include "sqs/sqs.h"
#include "voice/voice.h"
#include "watch/console.h"
#include "watch/metrics_page.h"
#include "watch/monitor.h"

const struct route app_routes[] = {
	{ METHOD_GET, "/health", GUARD_OPEN, handle_health, ACCEPT_FORM,
	    WEBHOOK_NONE },
	{ METHOD_GET, "/ready", GUARD_OPEN, handle_ready, ACCEPT_FORM,
	    WEBHOOK_NONE },
	{ METHOD_POST, "/whatsapp", GUARD_SIGNED, handle_whatsapp,
	    ACCEPT_FORM_OR_JSON, WEBHOOK_MESSAGE },
	{ METHOD_POST, "/whatsapp/status", GUARD_SIGNED, handle_whatsapp_status,
	    ACCEPT_FORM_OR_JSON, WEBHOOK_MESSAGE_STATUS },
	{ METHOD_POST, "/handle-incoming-call/{template}", GUARD_SIGNED,
	    handle_incoming_call, ACCEPT_FORM, WEBHOOK_CALL },
	{ METHOD_POST, "/transfer-call", GUARD_SIGNED, handle_transfer_call,
	    ACCEPT_FORM, WEBHOOK_CALL },
	{ METHOD_POST, "/process-digits/{target}", GUARD_SIGNED,
	    handle_process_digits, ACCEPT_FORM, WEBHOOK_CALL },
	{ METHOD_POST, "/confirm-digits/{target}", GUARD_SIGNED,
	    handle_confirm_digits, ACCEPT_FORM, WEBHOOK_CALL },
	{ METHOD_POST, "/call-status", GUARD_SIGNED, handle_call_status,
	    ACCEPT_FORM, WEBHOOK_CALL_STATUS },
	{ METHOD_GET, "/monitor-call/{call_sid}", GUARD_ADMIN,
	    handle_monitor_call, ACCEPT_FORM, WEBHOOK_NONE },
	{ METHOD_GET, "/batch-monitor-calls", GUARD_ADMIN,
	    handle_batch_monitor_calls, ACCEPT_FORM, WEBHOOK_NONE },
	{ METHOD_POST, "/sqs", GUARD_ACCESS_KEY, handle_sqs, ACCEPT_ANY,
	    WEBHOOK_NONE },
	{ METHOD_GET, "/metrics", GUARD_ADMIN, handle_metrics, ACCEPT_FORM,
	    WEBHOOK_NONE },
	{ METHOD_GET, "/api/summary", GUARD_ADMIN, handle_api_summary,
	    ACCEPT_FORM, WEBHOOK_NONE },
	{ METHOD_GET, "/api/refused", GUARD_ADMIN, handle_api_refused,
	    ACCEPT_FORM, WEBHOOK_NONE },
	{ METHOD_GET, "/api/queues/{name}", GUARD_ADMIN, handle_api_queue,
	    ACCEPT_FORM, WEBHOOK_NONE },
	{ METHOD_POST, "/api/queues/{name}/redrive", GUARD_ADMIN,
	    handle_api_redrive, ACCEPT_JSON, WEBHOOK_NONE },
	{ METHOD_GET, "/api/conversations", GUARD_AGENT,
	    handle_api_conversations, ACCEPT_FORM, WEBHOOK_NONE },
	{ METHOD_POST, "/api/conversations", GUARD_AGENT,
	    handle_api_conversation_add, ACCEPT_JSON, WEBHOOK_NONE },
	{ METHOD_GET, "/api/conversations/{id}", GUARD_AGENT,
	    handle_api_conversation, ACCEPT_FORM, WEBHOOK_NONE },
	{ METHOD_POST, "/api/conversations/{id}", GUARD_AGENT,
	    handle_api_conversation_set, ACCEPT_JSON, WEBHOOK_NONE },
	{ METHOD_POST, "/api/conversations/{id}/handoff", GUARD_AGENT,
	    handle_api_handoff, ACCEPT_JSON, WEBHOOK_NONE },
	{ METHOD_GET, "/api/conversations/{id}/messages", GUARD_AGENT,
	    handle_api_messages, ACCEPT_FORM, WEBHOOK_NONE },
	{ METHOD_POST, "/api/conversations/{id}/messages", GUARD_AGENT,
	    handle_api_reply, ACCEPT_JSON, WEBHOOK_NONE },
	{ METHOD_POST, "/api/conversations/{id}/messages/{reply}/resend",
	    GUARD_AGENT, handle_api_resend, ACCEPT_JSON, WEBHOOK_NONE },
	{ METHOD_POST, "/api/conversations/{id}/messages/{reply}/drop",
	    GUARD_AGENT, handle_api_drop, ACCEPT_JSON, WEBHOOK_NONE },
	{ METHOD_GET, "/console", GUARD_OPEN, handle_console, ACCEPT_FORM,
	    WEBHOOK_NONE },
	{ METHOD_GET, "/console/{file}", GUARD_OPEN, handle_console_file,
	    ACCEPT_FORM, WEBHOOK_NONE },
};

const size_t app_routes_n = sizeof(app_routes) / sizeof(app_routes[0]);

route_fn *const app_webhooks[WEBHOOK_N] = {
	[WEBHOOK_MESSAGE] = handle_whatsapp,
	[WEBHOOK_MESSAGE_STATUS] = handle_whatsapp_status,
	[WEBHOOK_CALL] = handle_call_astray,
	[WEBHOOK_CALL_STATUS] = handle_call_status,
};
