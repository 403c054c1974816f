/* Sections with names of the operator's making: from the environment. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "config/section.h"

#define KEY_MAX 96

/* "SHOP" is the key that the file has as "Shop", or else "shop". */
static void
list_key(const struct config_list *list, const char *upper, char *key)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (strcasecmp(list->pairs[i].key, upper) == 0)
			upper = list->pairs[i].key;
	snprintf(key, KEY_MAX, "%s", upper);
	for (i = 0; i < list->n; i++)
		if (strcmp(list->pairs[i].key, key) == 0)
			return;
	for (; *key != '\0'; key++)
		*key = (char)tolower((unsigned char)*key);
}

/* Does the variable's NAME stand for this target ("-" being "_")? */
static bool
same_target(const char *target, const char *upper, size_t n)
{
	size_t i;

	for (i = 0; i < n && target[i] != '\0'; i++)
		if (toupper((unsigned char)target[i]) != upper[i] &&
		    !(target[i] == '-' && upper[i] == '_'))
			return false;
	return i == n && target[n] == '\0';
}

/* The header "digits NAME" that the first n characters stand for. */
static void
digits_header(const struct config *c, const char *upper, size_t n, char *header)
{
	size_t i;

	for (i = 0; i < c->targets_n; i++)
		if (same_target(c->targets[i].name, upper, n)) {
			snprintf(
			    header, KEY_MAX, "digits %s", c->targets[i].name);
			return;
		}
	snprintf(header, KEY_MAX, "digits %.*s", (int)n, upper);
	for (; *header != '\0'; header++)
		*header = (char)tolower((unsigned char)*header);
}

/* "ZIP_MIN_LENGTH" is [digits zip] min_length. */
static bool
split_digits(
    const struct config *c, const char *rest, char *header, const char **key)
{
	static const char *const keys[][2] = { { "_FORMAT", "format" },
		{ "_MIN_LENGTH", "min_length" },
		{ "_MAX_LENGTH", "max_length" }, { "_MIN", "min" },
		{ "_MAX", "max" } };
	size_t n = strlen(rest), k, i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		k = strlen(keys[i][0]);
		if (n <= k || strcmp(rest + n - k, keys[i][0]) != 0)
			continue;
		*key = keys[i][1];
		digits_header(c, rest, n - k, header);
		return true;
	}
	return false;
}

enum status
section_set_variable(
    struct config *c, const char *name, const char *value, struct buf *why)
{
	struct config_origin origin = { 0 };
	char header[KEY_MAX] = "", own[KEY_MAX] = "";
	const char *rest, *key = own, *wrong = NULL;
	struct section s;
	enum status st;

	if (!str_starts(name, OPTION_VARIABLE_PREFIX))
		return ST_NOTFOUND;
	rest = name + strlen(OPTION_VARIABLE_PREFIX);
	if (str_starts(rest, "MENU_")) {
		memcpy(header, "menu", sizeof("menu"));
		list_key(&c->menu, rest + strlen("MENU_"), own);
	} else if (str_starts(rest, "VALUES_")) {
		memcpy(header, "values", sizeof("values"));
		list_key(&c->values, rest + strlen("VALUES_"), own);
	} else if (!str_starts(rest, "DIGITS_") ||
	    !split_digits(c, rest + strlen("DIGITS_"), header, &key)) {
		return ST_NOTFOUND;
	}
	st = section_find(c, header, &s, &wrong);
	if (st == ST_CONFIG)
		buf_puts(why, wrong);
	if (st == ST_OK)
		st = str_dup(name, &origin.variable);
	if (st == ST_OK)
		st = section_set(c, &s, key, value, &origin, why);
	if (st != ST_OK)
		free(origin.variable);
	return st;
}
