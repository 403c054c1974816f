#include "aws/keys.h"

#include "base/str.h"

enum status
aws_keys_set(struct aws_keys *keys, const char *id, const char *secret,
    const char *token, int64_t expires_us)
{
	enum status st = str_dup(id, &keys->access_key_id);

	if (st == ST_OK)
		st = str_dup(secret, &keys->secret);
	if (st == ST_OK)
		st = str_dup(
		    str_empty(token) ? NULL : token, &keys->session_token);
	keys->expires_us = expires_us;
	if (st != ST_OK)
		aws_keys_release(keys);
	return st;
}

void
aws_keys_release(struct aws_keys *k)
{
	char **secrets[] = { &k->secret, &k->session_token, &k->access_key_id };
	size_t i;

	for (i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
		str_wipe(secrets[i]);
	*k = (struct aws_keys){ 0 };
}
