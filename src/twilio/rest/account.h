/* Whom Twilio's REST API is asked as. */
#ifndef TWILIO_REST_ACCOUNT_H
#define TWILIO_REST_ACCOUNT_H

struct config;

/* Whom to ask, and as whom. Strings outlive the requests; our copies of the
 * secret are wiped. */
struct rest_account {
	const char *api_url; /* "https://api.twilio.com" */
	const char *account_sid;
	const char *user; /* account SID, or API key SID */
	const char *secret; /* auth token, or API key secret */
};

/* As the configuration has it, with the secrets of the moment. */
struct rest_account rest_account(
    const struct config *, const char *auth_token, const char *api_secret);

/* Why nobody can be asked as this account, and what to set; NULL: it is
 * whole. */
const char *rest_account_lacks(const struct rest_account *);

#endif
