#include "site/routes.h"

#include "message/whatsapp.h"
#include "serve/health.h"
#include "voice/voice.h"
#include "watch/metrics_page.h"
#include "watch/monitor.h"

const struct route app_routes[] = {
	{ METHOD_GET, "/health", GUARD_OPEN, handle_health, ACCEPT_FORM },
	{ METHOD_GET, "/ready", GUARD_OPEN, handle_ready, ACCEPT_FORM },
	{ METHOD_POST, "/whatsapp", GUARD_SIGNED, handle_whatsapp,
	    ACCEPT_FORM_OR_JSON },
	{ METHOD_POST, "/whatsapp/status", GUARD_SIGNED, handle_whatsapp_status,
	    ACCEPT_FORM },
	{ METHOD_POST, "/handle-incoming-call/{template}", GUARD_SIGNED,
	    handle_incoming_call, ACCEPT_FORM },
	{ METHOD_POST, "/transfer-call", GUARD_SIGNED, handle_transfer_call,
	    ACCEPT_FORM },
	{ METHOD_POST, "/process-digits/{target}", GUARD_SIGNED,
	    handle_process_digits, ACCEPT_FORM },
	{ METHOD_POST, "/confirm-digits/{target}", GUARD_SIGNED,
	    handle_confirm_digits, ACCEPT_FORM },
	{ METHOD_POST, "/call-status", GUARD_SIGNED, handle_call_status,
	    ACCEPT_FORM },
	{ METHOD_GET, "/monitor-call/{call_sid}", GUARD_ADMIN,
	    handle_monitor_call, ACCEPT_FORM },
	{ METHOD_GET, "/batch-monitor-calls", GUARD_ADMIN,
	    handle_batch_monitor_calls, ACCEPT_FORM },
	{ METHOD_GET, "/metrics", GUARD_ADMIN, handle_metrics, ACCEPT_FORM },
};

const size_t app_routes_n = sizeof(app_routes) / sizeof(app_routes[0]);
