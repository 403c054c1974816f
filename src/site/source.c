#include "site/source.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "aws/client.h"
#include "aws/secretsmanager.h"
#include "aws/ssm.h"
#include "base/clock.h"
#include "base/str.h"

struct source_aws {
	struct source base;
	struct aws *aws;
	struct aws_client *client; /* NULL before the first fetch */
	char *region;
};

void
source_items_release(struct source_item *items, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		buf_wipe(&items[i].value);
		buf_release(&items[i].why);
	}
}

void
source_close(struct source *s)
{
	if (s != NULL)
		s->ops->close(s);
}

/* It did not work; why becomes one line. */
static void
fail(struct source_item *item, enum status st, const char *why)
{
	item->status = st;
	for (; *why != '\0'; why++)
		buf_putc(&item->why, iscntrl((unsigned char)*why) ? ' ' : *why);
}

static void
fail_all(struct source_item *items, size_t n, enum reference_kind kind,
    enum status st, const char *why)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (items[i].kind == kind)
			fail(&items[i], st, why);
}

/* A refusal of one name that refused all of them. */
static bool
is_refusal(enum status st)
{
	return st == ST_DENIED || st == ST_CONFIG;
}

static void
take_parameter(
    struct source_aws *s, struct source_item *item, const struct ssm_value *v)
{
	struct buf why = BUF_INIT;

	item->status = v->status;
	if (v->status == ST_OK) {
		item->status =
		    buf_put(&item->value, v->value, strlen(v->value));
	} else {
		buf_printf(&why, "Parameter Store has none of this name in %s",
		    aws_region(s->aws));
		fail(item, v->status, buf_str(&why));
	}
	buf_release(&why);
}

/* Ask for some in one go: ST_OK if each has its answer. */
static enum status
ask_ssm(struct source_aws *s, struct source_item **items, size_t n)
{
	struct ssm_value *values = calloc(n, sizeof(*values));
	enum status st = ST_NOMEM;
	size_t i;

	if (values == NULL)
		return ST_NOMEM;
	for (i = 0; i < n; i++)
		values[i].name = items[i]->name;
	st = ssm_get(s->client, values, n);
	for (i = 0; st == ST_OK && i < n; i++)
		take_parameter(s, items[i], &values[i]);
	ssm_release(values, n);
	free(values);
	return st;
}

/*
 * All parameters, and if that is refused one by one: then each that may be
 * had is had, and of the others it is known which they are.
 */
static void
fetch_ssm(struct source_aws *s, struct source_item **items, size_t n)
{
	enum status st = ask_ssm(s, items, n);
	size_t i;

	if (st == ST_OK)
		return;
	for (i = 0; i < n; i++)
		if (n == 1 || !is_refusal(st))
			fail(items[i], st,
			    st == ST_NOMEM ? "" : aws_client_error(s->client));
		else
			fetch_ssm(s, &items[i], 1);
}

static void
copy_item(struct source_item *to, const struct source_item *from)
{
	to->status = from->status;
	if (from->status == ST_OK)
		to->status =
		    buf_put(&to->value, buf_str(&from->value), from->value.len);
	buf_puts(&to->why, buf_str(&from->why));
}

/* The one before it that asked for the same, or NULL. */
static const struct source_item *
find_same(const struct source_item *items, size_t i)
{
	size_t k;

	for (k = 0; k < i; k++)
		if (items[k].kind == items[i].kind &&
		    items[k].previous == items[i].previous &&
		    str_eq(items[k].name, items[i].name))
			return &items[k];
	return NULL;
}

static void
fetch_secret(struct source_aws *s, struct source_item *item)
{
	enum status st = secretsmanager_get(s->client, s->region, item->name,
	    item->previous ? SECRETSMANAGER_PREVIOUS : SECRETSMANAGER_CURRENT,
	    &item->value);

	item->status = st;
	if (st != ST_OK && st != ST_NOMEM)
		fail(item, st, aws_client_error(s->client));
}

/* What failed by no fault of the one secret: the others need not be tried. */
static bool
is_outage(enum status st)
{
	return st == ST_UNAVAILABLE || st == ST_TIMEOUT || st == ST_IO;
}

static void
fetch_secrets(struct source_aws *s, struct source_item *items, size_t n)
{
	const struct source_item *same, *broken = NULL;
	size_t i;

	for (i = 0; i < n; i++) {
		if (items[i].kind != REFERENCE_SECRETSMANAGER)
			continue;
		if ((same = find_same(items, i)) != NULL)
			copy_item(&items[i], same);
		else if (broken != NULL)
			copy_item(&items[i], broken);
		else
			fetch_secret(s, &items[i]);
		if (is_outage(items[i].status))
			broken = &items[i];
	}
}

static bool
open_client(struct source_aws *s, struct source_item *items, size_t n)
{
	struct buf why = BUF_INIT;
	enum status st = ST_OK;

	if (s->client == NULL)
		st = aws_client_open(&s->client, s->aws, &why);
	/* Without libcurl: that does not pass. */
	if (st == ST_UNAVAILABLE)
		st = ST_CONFIG;
	if (st != ST_OK) {
		fail_all(items, n, REFERENCE_SSM, st, buf_str(&why));
		fail_all(items, n, REFERENCE_SECRETSMANAGER, st, buf_str(&why));
	}
	buf_release(&why);
	return st == ST_OK;
}

static void
aws_fetch(struct source *base, struct source_item *items, size_t n,
    int64_t deadline_us)
{
	struct source_aws *s = (struct source_aws *)(void *)base;
	struct source_item **ssm;
	size_t i, count = 0;
	int64_t half_us;

	if (n == 0 || !open_client(s, items, n))
		return;
	if ((ssm = calloc(n, sizeof(struct source_item *))) == NULL) {
		fail_all(items, n, REFERENCE_SSM, ST_NOMEM, "");
		fail_all(items, n, REFERENCE_SECRETSMANAGER, ST_NOMEM, "");
		return;
	}
	for (i = 0; i < n; i++)
		if (items[i].kind == REFERENCE_SSM)
			ssm[count++] = &items[i];
	/* One service that hangs must not use up the other's time. */
	half_us = clock_mono_us() / 2 + deadline_us / 2;
	aws_client_begin(
	    s->client, count < n ? half_us : deadline_us, NULL, NULL);
	if (count > 0)
		fetch_ssm(s, ssm, count);
	aws_client_begin(s->client, deadline_us, NULL, NULL);
	fetch_secrets(s, items, n);
	free(ssm);
}

static void
aws_source_close(struct source *base)
{
	struct source_aws *s = (struct source_aws *)(void *)base;

	aws_client_close(s->client);
	free(s->region);
	free(s);
}

static const struct source_ops aws_ops = { aws_fetch, aws_source_close };

enum status
source_aws_open(struct source **out, struct aws *aws, const char *region)
{
	struct source_aws *s = calloc(1, sizeof(*s));

	*out = NULL;
	if (s == NULL)
		return ST_NOMEM;
	s->base.ops = &aws_ops;
	s->aws = aws;
	if (str_dup(region, &s->region) != ST_OK) {
		free(s);
		return ST_NOMEM;
	}
	*out = &s->base;
	return ST_OK;
}
