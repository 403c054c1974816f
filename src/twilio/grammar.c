#include "twilio/grammar.h"

#include <string.h>

#include "config/nearest.h"

/* The name after this one in a list, or NULL. */
static const char *
next_name(const char *name)
{
	name += strcspn(name, "|");
	return *name == '|' ? name + 1 : NULL;
}

static bool
in_list(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (; list != NULL; list = next_name(list))
		if (len > 0 && strcspn(list, "|") == len &&
		    memcmp(list, name, len) == 0)
			return true;
	return false;
}

bool
grammar_allows(
    const struct grammar_element *parent, const struct grammar_element *child)
{
	return in_list(parent->children, child->id);
}

const struct grammar_element *
grammar_child(const struct grammar_element *parent, const char *tag)
{
	size_t i;

	for (i = 0; i < grammar_elements_n; i++)
		if (strcmp(grammar_elements[i].tag, tag) == 0 &&
		    grammar_allows(parent, &grammar_elements[i]))
			return &grammar_elements[i];
	return NULL;
}

const struct grammar_element *
grammar_find(const char *tag)
{
	size_t i;

	for (i = 0; i < grammar_elements_n; i++)
		if (strcmp(grammar_elements[i].tag, tag) == 0)
			return &grammar_elements[i];
	return NULL;
}

bool
grammar_has_attribute(const struct grammar_element *element, const char *name)
{
	return in_list(element->attributes, name);
}

const char *
grammar_near_tag(const char *wrong)
{
	struct nearest nearest = { 0 };
	const char *best = NULL;
	size_t i;

	for (i = 0; i < grammar_elements_n; i++)
		if (nearest_offer(&nearest, wrong, grammar_elements[i].tag))
			best = grammar_elements[i].tag;
	return best;
}

const char *
grammar_near_attribute(const struct grammar_element *element, const char *wrong)
{
	struct nearest nearest = { 0 };
	const char *best = NULL, *name;

	for (name = element->attributes; name != NULL; name = next_name(name))
		if (nearest_offer(&nearest, wrong, name))
			best = name;
	return best;
}
