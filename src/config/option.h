/* What the table of options (config.h) holds of each. */
#ifndef CONFIG_OPTION_H
#define CONFIG_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_type {
	OPTION_TEXT,
	OPTION_URL,
	OPTION_NUMBER,
	OPTION_SIZE,
	OPTION_CHOICE
};

/* What a value is needed for, and so what happens while AWS, where it is kept,
 * cannot be reached. */
enum option_need {
	NEED_OPEN, /* to open the program: until then all is 503 */
	NEED_AWS, /* to reach AWS: it cannot be kept there */
	NEED_REQUEST, /* to answer requests: it starts, and they wait */
};

struct option {
	const char *section, *key;
	enum option_type type;
	size_t offset; /* into struct config */
	const char *fallback; /* the default, as it would be written */
	bool secret; /* never shown; wiped when freed */
	const char *variable; /* another environment variable, or NULL */
	const char *before; /* goes before its value: "dynamodb:"; or NULL */
	bool classic; /* that variable makes "ssm:" the default of all options
	                 with a parameter */
	const char *parameter; /* what "ssm:" alone means, behind system_name
	                          and env_type; NULL: nothing */
	bool rotates; /* the value before this one is good as well */
	enum option_need need;
	const char *const *choices; /* OPTION_CHOICE: names in enum order, NULL
	                               at the end; "warn|warning" takes both */
	int64_t min, max; /* OPTION_NUMBER, OPTION_SIZE */
	const char *help;
};

#endif
