#include "twilio/rest/account.h"

#include "base/str.h"
#include "config/config.h"

struct rest_account
rest_account(
    const struct config *c, const char *auth_token, const char *api_secret)
{
	bool has_key = *c->twilio.api_key != '\0';

	return (struct rest_account){
		.api_url = c->twilio.api_url,
		.account_sid = c->twilio.account_sid,
		.user = has_key ? c->twilio.api_key : c->twilio.account_sid,
		.secret = has_key ? api_secret : auth_token,
	};
}

const char *
rest_account_lacks(const struct rest_account *a)
{
	if (str_empty(a->account_sid))
		return "Twilio cannot be asked: set twilio.account_sid in the "
		       "configuration";
	if (!str_empty(a->user) && !str_empty(a->secret))
		return NULL;
	return str_eq(a->user, a->account_sid)
	    ? "Twilio cannot be asked: set twilio.auth_token, or "
	      "twilio.api_key and twilio.api_secret, in the configuration"
	    : "Twilio cannot be asked: set twilio.api_secret in the "
	      "configuration";
}
