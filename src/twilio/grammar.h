/*
 * The grammar of voice TwiML: which elements there are, what stands in them,
 * which attributes they take, as far as is known: Twilio adds to it. Names are
 * case-sensitive.
 */
#ifndef TWILIO_GRAMMAR_H
#define TWILIO_GRAMMAR_H

#include <stdbool.h>
#include <stddef.h>

enum grammar_text {
	GRAMMAR_NO_TEXT, /* elements only */
	GRAMMAR_TEXT, /* a value: a number, a URL, a name */
	GRAMMAR_SPEECH, /* what is said: white space counts */
};

/* Lists are names divided by "|"; "" is none. */
struct grammar_element {
	const char
	    *id; /* two elements may have one tag: Sip, in Dial and Refer */
	const char *tag;
	enum grammar_text text;
	const char *attributes;
	const char *children; /* ids */
};

/* The table of grammar_table.c; the first is Response. */
extern const struct grammar_element grammar_elements[];
extern const size_t grammar_elements_n;

/* The element of that tag within parent, or NULL. */
const struct grammar_element *grammar_child(
    const struct grammar_element *parent, const char *tag);

/* The first element of that tag, wherever it may stand; or NULL. */
const struct grammar_element *grammar_find(const char *tag);

/* May child stand in parent? */
bool grammar_allows(
    const struct grammar_element *parent, const struct grammar_element *child);

bool grammar_has_attribute(const struct grammar_element *, const char *name);

/*
 * The tag, or the attribute of an element, that a misspelt one most likely
 * means: it ends at "|" or NUL. NULL if none is near.
 */
const char *grammar_near_tag(const char *wrong);
const char *grammar_near_attribute(
    const struct grammar_element *, const char *wrong);

#endif
