#include "base/kv.h"

#include <stdlib.h>
#include <string.h>

void
kv_release(struct kv *kv)
{
	free(kv->pairs);
	free(kv->mem);
	*kv = (struct kv)KV_INIT;
}

enum status
kv_add(struct kv *kv, const char *name, size_t name_len, const char *value,
    size_t value_len)
{
	struct kv_pair *pairs;
	size_t cap;

	if (kv->n == kv->cap) {
		cap = kv->cap == 0 ? 32 : kv->cap * 2;
		pairs = reallocarray(kv->pairs, cap, sizeof(*pairs));
		if (pairs == NULL)
			return ST_NOMEM;
		kv->pairs = pairs;
		kv->cap = cap;
	}
	kv->pairs[kv->n++] =
	    (struct kv_pair){ name, value, name_len, value_len };
	return ST_OK;
}

enum status
kv_put(struct kv *kv, const char *name, const char *value)
{
	return kv_add(kv, name, strlen(name), value, strlen(value));
}

const struct kv_pair *
kv_find(const struct kv *kv, const char *name, size_t *count)
{
	const struct kv_pair *found = NULL, *p;
	size_t len = strlen(name), n = 0, i;

	for (i = 0; i < kv->n; i++) {
		p = &kv->pairs[i];
		if (p->name_len != len || memcmp(p->name, name, len) != 0)
			continue;
		if (n++ == 0)
			found = p;
	}
	if (count != NULL)
		*count = n;
	return found;
}

enum status
kv_get(const struct kv *kv, const char *name, const char **value)
{
	const struct kv_pair *p;
	size_t count;

	*value = NULL;
	if ((p = kv_find(kv, name, &count)) == NULL)
		return ST_NOTFOUND;
	if (count > 1 || memchr(p->value, '\0', p->value_len) != NULL)
		return ST_MALFORMED;
	*value = p->value;
	return ST_OK;
}
