/*
 * GUARD_ACCESS_KEY: is the request signed with AWS Signature Version 4, by a key
 * of [access_keys]?
 */
#ifndef SERVE_ACCESS_KEY_H
#define SERVE_ACCESS_KEY_H

#include <stdbool.h>

struct exchange;

/* False if it answered, in the words of AWS; else x->agent is the key's ID. */
bool access_key_pass(struct exchange *);

#endif
