/*
 * The shared files of AWS's own tools, ~/.aws/config and ~/.aws/credentials
 * (https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html): what
 * they say of one profile.
 *
 * No INI file: settings nest below others by their indent, and values go on in
 * indented lines that no setting is on; so libinih does not read it.
 *
 * Which files and which profile comes from the environment: AWS_CONFIG_FILE,
 * AWS_SHARED_CREDENTIALS_FILE, HOME; AWS_PROFILE, AWS_DEFAULT_PROFILE, else
 * "default".
 */
#ifndef AWS_PROFILE_H
#define AWS_PROFILE_H

#include "base/buf.h"
#include "base/status.h"

/* A file of this kind is not larger. */
#define PROFILE_FILE_MAX ((size_t)256 << 10)

struct profile;

/*
 * Read both files; one that is not there is empty. envp is only read during
 * the call. ST_OK; ST_NOMEM; ST_CONFIG, and *why names what is wrong: a file
 * that was named but cannot be read, a line that is not a setting, or a profile
 * that was named but is in neither file.
 */
enum status profile_load(struct profile **, char *const *envp, struct buf *why);
void profile_free(struct profile *); /* wipes; NULL is allowed */

const char *profile_name(const struct profile *);

/*
 * The value of a key, or NULL; "" counts as absent. Keys are in lower case.
 * profile_get looks in the config file, then in the credentials file. Strings
 * live as long as the profile.
 */
const char *profile_get(const struct profile *, const char *key);
const char *profile_credential(const struct profile *, const char *key);
const char *profile_config(const struct profile *, const char *key);

/* "FILE:LINE" of what profile_get gives; nothing if that is NULL. */
void profile_where(const struct profile *, const char *key, struct buf *);

/* The environment variable's value, else that of profile_get. */
const char *profile_setting(const struct profile *, char *const *envp,
    const char *variable, const char *key);

/* The key below a service in the [services] section that the profile names:
 * profile_service(p, "dynamodb", "endpoint_url"). */
const char *profile_service(
    const struct profile *, const char *service, const char *key);

#endif
