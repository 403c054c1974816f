#include "db/db_sums.h"

#include <string.h>

/* The entry of this name and label, a new one if there is room; or NULL. */
static struct db_sum *
find(struct db_sum *sums, size_t *n, size_t max, const char *name,
    const char *label)
{
	struct db_sum *s;

	for (s = sums; s < sums + *n; s++)
		if (strcmp(s->label, label) == 0 && strcmp(s->name, name) == 0)
			return s;
	if (*n == max)
		return NULL;
	++*n;
	memcpy(s->name, name, strlen(name) + 1);
	memcpy(s->label, label, strlen(label) + 1);
	s->n = 0;
	return s;
}

bool
db_sums_add(struct db_sums *s, const char *name, const char *label)
{
	struct db_sum *sum;

	/* So much may come from the job to the others when it is done. */
	if (strlen(name) >= DB_SUM_NAME_MAX ||
	    strlen(label) >= DB_SUM_LABEL_MAX ||
	    s->all_n + DB_SUMS_JOB_MAX > DB_SUMS_MAX)
		return false;
	sum = find(s->job, &s->job_n, DB_SUMS_JOB_MAX, name, label);
	if (sum != NULL)
		sum->n++;
	return sum != NULL;
}

void
db_sums_end_job(struct db_sums *s, bool keep)
{
	struct db_sum *to;
	size_t i;

	for (i = 0; keep && i < s->job_n; i++) {
		to = find(s->all, &s->all_n, DB_SUMS_MAX, s->job[i].name,
		    s->job[i].label);
		to->n += s->job[i].n;
	}
	s->job_n = 0;
}

void
db_sums_reset(struct db_sums *s)
{
	s->all_n = s->job_n = 0;
}

enum status
db_sums_write(const struct db_sums *s, struct db *db, db_sum_fn *fn)
{
	const struct db_sum *sum = s->all;
	enum status st = ST_OK;

	for (; st == ST_OK && sum < s->all + s->all_n; sum++)
		st = fn(db, sum->name, sum->label, sum->n);
	return st;
}
