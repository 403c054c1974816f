/* The process environment, as a door or main hands it down. */
#ifndef CONFIG_ENV_H
#define CONFIG_ENV_H

/*
 * The value of a variable, or NULL; the first counts if there are several, as
 * in getenv. envp ends with NULL, or is NULL. The result points into it.
 */
const char *env_get(char *const *envp, const char *name);

#endif
