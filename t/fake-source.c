#include "t/fake-source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct fake_value *
find(const struct fake *f, enum reference_kind kind, const char *name,
    bool previous)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		if (f->values[i].kind == kind &&
		    f->values[i].previous == previous &&
		    strcmp(f->values[i].name, name) == 0)
			return &f->values[i];
	return NULL;
}

static void
answer(struct fake *f, struct source_item *item)
{
	const struct fake_value *v =
	    find(f, item->kind, item->name, item->previous);

	f->items++;
	item->status = v == NULL ? ST_NOTFOUND : v->status;
	if (f->outage != ST_OK)
		item->status = f->outage;
	if (item->status == ST_OK)
		item->status = buf_put(&item->value, v->text,
		    v->len != 0 ? v->len : strlen(v->text));
	else
		buf_puts(&item->why,
		    v != NULL && v->status != ST_OK ? v->text : "no answer");
}

static void
fetch(struct source *source, struct source_item *items, size_t n,
    int64_t deadline_us)
{
	struct fake *f = (struct fake *)(void *)source;
	size_t i;

	(void)deadline_us;
	pthread_mutex_lock(&f->mutex);
	f->fetches++;
	for (i = 0; i < n; i++)
		answer(f, &items[i]);
	pthread_mutex_unlock(&f->mutex);
}

static void
close_source(struct source *source)
{
	((struct fake *)(void *)source)->closed = true;
}

static const struct source_ops ops = { fetch, close_source };

void
fake_init(struct fake *f)
{
	*f = (struct fake){ .source = { &ops } };
	pthread_mutex_init(&f->mutex, NULL);
}

void
fake_destroy(struct fake *f)
{
	pthread_mutex_destroy(&f->mutex);
}

void
fake_put(struct fake *f, const struct fake_value *v)
{
	struct fake_value *old;

	pthread_mutex_lock(&f->mutex);
	old = (struct fake_value *)find(f, v->kind, v->name, v->previous);
	if (old == NULL && f->n == FAKE_MAX) {
		fprintf(stderr, "the fake is full\n");
		exit(99);
	}
	if (old == NULL)
		old = &f->values[f->n++];
	*old = *v;
	pthread_mutex_unlock(&f->mutex);
}

void
fake_ssm(struct fake *f, const char *name, const char *value)
{
	fake_put(f,
	    &(struct fake_value){
		.kind = REFERENCE_SSM, .name = name, .text = value });
}

void
fake_secret(struct fake *f, const char *id, const char *value)
{
	fake_put(f,
	    &(struct fake_value){
		.kind = REFERENCE_SECRETSMANAGER, .name = id, .text = value });
}

void
fake_previous(struct fake *f, const char *id, const char *value)
{
	fake_put(f,
	    &(struct fake_value){ .kind = REFERENCE_SECRETSMANAGER,
		.name = id,
		.previous = true,
		.text = value });
}

void
fake_outage(struct fake *f, enum status st)
{
	pthread_mutex_lock(&f->mutex);
	f->outage = st;
	pthread_mutex_unlock(&f->mutex);
}

int
fake_fetches(struct fake *f)
{
	int n;

	pthread_mutex_lock(&f->mutex);
	n = f->fetches;
	pthread_mutex_unlock(&f->mutex);
	return n;
}
