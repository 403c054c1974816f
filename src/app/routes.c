#include "app/app.h"
#include "app/handlers.h"

const struct route app_routes[] = {
	{ METHOD_GET, "/health", GUARD_OPEN, handle_health, ACCEPT_FORM },
	{ METHOD_GET, "/ready", GUARD_OPEN, handle_ready, ACCEPT_FORM },
	{ METHOD_POST, "/whatsapp", GUARD_SIGNED, handle_whatsapp,
	    ACCEPT_FORM_OR_JSON },
	{ METHOD_POST, "/whatsapp/status", GUARD_SIGNED, handle_whatsapp_status,
	    ACCEPT_FORM },
};

const size_t app_routes_n = sizeof(app_routes) / sizeof(app_routes[0]);
