#include "store/sender.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/utf8.h"
#include "codec/phone.h"
#include "db/db.h"
#include "store/store.h"

#define DIGITS "0123456789"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* Digits of a number with its country code, at least, and of a short code. */
#define NUMBER_MIN 7
#define SHORT_MIN 3
#define SHORT_MAX 8

/* --- prefixes -------------------------------------------------------------- */

static bool
has_prefix(const char *s, const char *prefix)
{
	return strncasecmp(s, prefix, strlen(prefix)) == 0;
}

const char *
sender_of(const char *from)
{
	static const char *const prefixes[] = { "whatsapp:", "rcs:" };
	size_t i;

	for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (has_prefix(from, prefixes[i]))
			return from + strlen(prefixes[i]);
	return from;
}

/* MESSENGER:42 as messenger:42, which is how Twilio has it. */
static void
put_small_prefix(char *out, size_t size, const char *address)
{
	size_t i, n = strchr(address, ':') == NULL ? 0 : strcspn(address, ":");

	snprintf(out, size, "%s", address);
	for (i = 0; i < n && i < size; i++)
		out[i] = (char)tolower((unsigned char)out[i]);
}

/* --- as people write them -------------------------------------------------- */

/* Characters, and what they are taken for: '0' and on for digits, '\0' is left
 * out. */
static const struct {
	uint32_t first, last;
	char plain;
} look_alikes[] = {
	{ '\t', '\r', ' ' },
	{ 0xa0, 0xa0, ' ' }, /* no-break space */
	{ 0xad, 0xad, '\0' }, /* soft hyphen */
	{ 0x61c, 0x61c, '\0' }, /* Arabic letter mark */
	{ 0x2000, 0x200a, ' ' },
	{ 0x200b, 0x200f, '\0' }, /* zero width, left-to-right mark */
	{ 0x2010, 0x2015, '-' },
	{ 0x202a, 0x202e, '\0' }, /* embeddings of a direction */
	{ 0x202f, 0x202f, ' ' },
	{ 0x205f, 0x205f, ' ' },
	{ 0x2060, 0x206f, '\0' }, /* word joiner, isolates */
	{ 0x2212, 0x2212, '-' }, /* minus */
	{ 0x3000, 0x3000, ' ' },
	{ 0xfe00, 0xfe0f, '\0' }, /* variation selectors */
	{ 0xfeff, 0xfeff, '\0' }, /* byte order mark */
	{ 0xff0b, 0xff0b, '+' }, /* of full width */
	{ 0xff10, 0xff19, '0' },
};

#define LOOK_ALIKES (sizeof(look_alikes) / sizeof(look_alikes[0]))

/* Append the character at s, of n bytes. */
static void
put_plain(struct buf *out, const char *s, size_t n)
{
	uint32_t c = utf8_code(s, n);
	char plain;
	size_t i = 0;

	while (i < LOOK_ALIKES &&
	    (c < look_alikes[i].first || c > look_alikes[i].last))
		i++;
	if (i == LOOK_ALIKES) {
		buf_put(out, s, n);
		return;
	}
	plain = look_alikes[i].plain;
	if (plain == '0')
		plain = (char)('0' + c - look_alikes[i].first);
	if (plain != '\0')
		buf_putc(out, plain);
}

/* Without what nobody sees, and without blanks at either end. */
static enum status
to_plain(const char *text, char out[static SENDER_MAX])
{
	size_t n = strlen(text), step;
	struct buf plain = BUF_INIT;
	enum status st = ST_OK;
	const char *s;
	bool valid;

	for (; n > 0 && st == ST_OK; text += step, n -= step) {
		step = utf8_step(text, n, &valid);
		if (valid)
			put_plain(&plain, text, step);
		st = valid ? plain.err : ST_MALFORMED;
	}
	s = buf_str(&plain);
	s += strspn(s, " ");
	for (n = strlen(s); n > 0 && s[n - 1] == ' ';)
		n--;
	if (st == ST_OK && n >= SENDER_MAX)
		st = ST_MALFORMED;
	if (st == ST_OK)
		snprintf(out, SENDER_MAX, "%.*s", (int)n, s);
	buf_release(&plain);
	return st;
}

/* Past every prefix that is no part of the address. */
static const char *
past_prefixes(const char *s)
{
	const char *rest;

	for (;; s = rest) {
		rest = has_prefix(s, "tel:") ? s + 4 : sender_of(s);
		if (rest == s)
			return s;
		rest += strspn(rest, " ");
	}
}

/*
 * A number with its country code, or a short code. The 0 of +44 (0)20 is
 * dialled within the country only.
 */
static bool
parse_number(const char *s, char out[static SENDER_MAX])
{
	char number[SENDER_MAX];
	size_t n = strlen(s);

	if (strspn(s, DIGITS) == n && n >= SHORT_MIN && n <= SHORT_MAX) {
		memcpy(out, s, n + 1);
		return true;
	}
	if (s[strspn(s, "( ")] != '+')
		return false;
	for (n = 0; *s != '\0'; s++) {
		if (str_starts(s, "(0)"))
			s += strlen("(0)") - 1;
		else if (*s != '/')
			number[n++] = *s;
	}
	number[n] = '\0';
	return phone_normalize(number, out) == ST_OK &&
	    strlen(out) > NUMBER_MIN;
}

/* A country's two letters and what WhatsApp has behind the dot. */
static bool
is_user_id(const char *s)
{
	return strlen(s) < SENDER_ID_MAX && strspn(s, LETTERS) == 2 &&
	    s[2] == '.' && s[3] != '\0' &&
	    strspn(s + 3, LETTERS DIGITS ".") == strlen(s + 3);
}

/* messenger:42, client:ann */
static bool
is_of_a_channel(const char *s)
{
	size_t n = strspn(s, LETTERS DIGITS "+.-");

	return n > 0 && s[n] == ':' && s[n + 1] != '\0' &&
	    strchr(s, ' ') == NULL;
}

enum status
sender_parse(const char *text, char out[static SENDER_MAX])
{
	char plain[SENDER_MAX];
	const char *address;
	enum status st;

	if ((st = to_plain(text, plain)) != ST_OK)
		return st;
	address = past_prefixes(plain);
	if (parse_number(address, out))
		return ST_OK;
	if (!is_user_id(address) && !is_of_a_channel(address))
		return ST_MALFORMED;
	put_small_prefix(out, SENDER_MAX, address);
	return ST_OK;
}

/* --- other spellings ------------------------------------------------------- */

/*
 * Mobile numbers that come with a digit behind the area code, or without it.
 * Brazil added a 9 before 2016, to mobile numbers only: their next digit was
 * 6 to 9. WhatsApp writes Mexico's with a 1 and Argentina's with a 9, which
 * others leave out.
 */
static const struct {
	const char *country;
	size_t area, rest; /* digits before and behind it */
	char digit;
	const char *next; /* what the rest may begin with */
} spellings[] = {
	{ "+55", 2, 8, '9', "6789" },
	{ "+52", 0, 10, '1', DIGITS },
	{ "+54", 0, 10, '9', DIGITS },
};

#define SPELLINGS (sizeof(spellings) / sizeof(spellings[0]))

static bool
is_number(const char *s)
{
	size_t n = *s == '+' ? strspn(s + 1, DIGITS) : 0;

	return n > 0 && n < PHONE_MAX - 1 && s[n + 1] == '\0';
}

/* The other spelling of a number; "" if there is none. */
static void
other_spelling(const char *number, char out[static PHONE_MAX])
{
	size_t i, at, n = strlen(number);
	bool with;

	*out = '\0';
	for (i = 0; i < SPELLINGS; i++) {
		if (!str_starts(number, spellings[i].country))
			continue;
		at = strlen(spellings[i].country) + spellings[i].area;
		with = n == at + 1 + spellings[i].rest;
		if ((!with && n != at + spellings[i].rest) ||
		    (with && number[at] != spellings[i].digit) ||
		    strchr(spellings[i].next, number[at + with]) == NULL)
			return;
		memcpy(out, number, at);
		if (with)
			memcpy(out + at, number + at + 1, n - at);
		else
			snprintf(out + at, PHONE_MAX - at, "%c%s",
			    spellings[i].digit, number + at);
		return;
	}
}

/* Pairs have the shorter spelling, so that either finds them. */
static const char *
paired_spelling(const char *number, char room[static PHONE_MAX])
{
	other_spelling(number, room);
	return *room != '\0' && strlen(room) < strlen(number) ? room : number;
}

/* --- pairs ----------------------------------------------------------------- */

struct pair {
	const char *number, *user_id; /* one is NULL: it is looked for */
	char found[SENDER_ID_MAX]; /* "": there is none */
};

static enum status
pair_job(struct db *db, void *arg)
{
	struct pair *p = arg;
	struct db_rows *rows;
	const char *found;
	enum status st;

	p->found[0] = '\0';
	st = p->number != NULL
	    ? db_query(db, &rows,
		  "SELECT user_id FROM sender_pair WHERE number = ?1", "t",
		  p->number)
	    : db_query(db, &rows,
		  "SELECT number FROM sender_pair WHERE user_id = ?1", "t",
		  p->user_id);
	if (st == ST_OK && (st = db_next(rows)) == ST_OK) {
		if ((found = db_text(rows, 0)) == NULL)
			st = ST_NOMEM;
		else
			snprintf(p->found, sizeof(p->found), "%s", found);
	}
	db_done(rows);
	return st == ST_NOTFOUND ? ST_OK : st;
}

enum status
sender_learn(struct db *db, const char *sender, const char *user_id)
{
	char room[PHONE_MAX];

	if (user_id == NULL || !is_number(sender) || !is_user_id(user_id))
		return ST_OK;
	return db_run(db,
	    "INSERT OR REPLACE INTO sender_pair (number, user_id)"
	    " SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM sender_pair"
	    " WHERE number = ?1 AND user_id = ?2)",
	    "tt", paired_spelling(sender, room), user_id);
}

/* --- names ----------------------------------------------------------------- */

static void
add_name(struct sender_names *names, const char *name)
{
	char *room = names->other[names->n - 1];

	snprintf(room, SENDER_ID_MAX, "%s", name);
	names->name[names->n++] = room;
}

static void
add_other_spelling(struct sender_names *names, const char *number)
{
	char other[PHONE_MAX];

	other_spelling(number, other);
	if (*other != '\0')
		add_name(names, other);
}

static void
add_small_prefix(struct sender_names *names, const char *sender)
{
	char plain[SENDER_ID_MAX];

	put_small_prefix(plain, sizeof(plain), sender);
	if (strlen(sender) < sizeof(plain) && strcmp(plain, sender) != 0)
		add_name(names, plain);
}

enum status
sender_names(struct db *db, const char *sender, const char *user_id,
    struct sender_names *names)
{
	bool number = is_number(sender);
	char room[PHONE_MAX];
	struct pair pair = { 0 };
	enum status st = ST_OK;

	names->name[0] = sender;
	names->n = 1;
	if (!number && !is_user_id(sender)) {
		add_small_prefix(names, sender);
		return ST_OK;
	}
	pair.number = number ? paired_spelling(sender, room) : NULL;
	pair.user_id = number ? NULL : sender;
	if (number)
		add_other_spelling(names, sender);
	if (number && user_id != NULL && is_user_id(user_id))
		add_name(names, user_id);
	else if ((st = db_read(db, pair_job, &pair)) == ST_OK &&
	    *pair.found != '\0')
		add_name(names, pair.found);
	if (!number && names->n > 1)
		add_other_spelling(names, names->name[1]);
	return st;
}

enum status
sender_newest(struct store *store, const struct sender_names *names,
    struct conversation *out)
{
	struct conversation c;
	enum status st = ST_NOTFOUND, found;
	size_t i;

	*out = (struct conversation){ 0 };
	for (i = 0; i < names->n; i++) {
		found = store->ops->newest(store, names->name[i], &c);
		if (found == ST_NOTFOUND)
			continue;
		if (found != ST_OK) {
			conversation_release(out);
			return found;
		}
		if (st == ST_OK && c.created_us <= out->created_us) {
			conversation_release(&c);
			continue;
		}
		conversation_release(out);
		*out = c;
		st = ST_OK;
	}
	return st;
}
