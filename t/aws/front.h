/* The front (front.cjs) as the tests see it, and clients of it. */
#ifndef T_AWS_FRONT_H
#define T_AWS_FRONT_H

#include <stdbool.h>
#include <stddef.h>

#include "aws/client.h"
#include "codec/json.h"
#include "t/test.h"

/* Connect to the front that AWS_FRONT names; false: there is none. */
bool front_open(void);
void front_close(void);

/* "http://127.0.0.1:PORT", and with TLS "https://localhost:PORT". */
const char *front_url(void);
const char *front_tls_url(void);

/* Is this address ("169.254.169.254") one of the front's here? */
bool front_has(const char *address);

/* Set what front.cjs calls its state; with "reset" also the rest of it. */
void front_set(const char *json, ...) __attribute__((format(printf, 1, 2)));

/* The state; the caller frees it. */
struct json *front_state(void);

/* How many requests of an operation, or path, came since the reset. */
size_t front_count(const char *operation);

/* A header, or the body ("" for name), of the last of them; "" if there is
 * none. The caller frees it. */
char *front_last(const char *operation, const char *name);
void front_last_is(const char *operation, const char *name, const char *want);
bool front_last_has(const char *operation, const char *name, const char *part);

/* --- an environment and what is opened with it ------------------------------ */

#define RIG_VARS 24

struct rig {
	char *vars[RIG_VARS + 1];
	size_t n;
	struct aws *aws;
	struct aws_client *client;
	struct log *log; /* or NULL */
	const char *proxy;
};

/* "NAME=value", …: added to the environment. */
void rig_var(struct rig *, const char *, ...)
    __attribute__((format(printf, 2, 3)));

/* What all need: region, and the front as the endpoint of all services. */
void rig_init(struct rig *);
void rig_keys(struct rig *, const char *id, const char *secret);

/* Open; the test ends if that fails. */
void rig_open(struct rig *);
/* The status of opening instead, with the words. */
enum status rig_try(struct rig *, struct buf *why);
void rig_close(struct rig *);

/* Environment with the keys that the front knows, opened. */
void rig_start(struct rig *);

/* A call that changes nothing: DynamoDB's ListTables. */
enum status rig_call(struct rig *);

/* Any call with a body; the reply is dropped. */
enum status rig_ask(struct rig *, enum aws_service, const char *operation,
    const char *body, ...) __attribute__((format(printf, 4, 5)));

/* Assert that the last failure's words have this part. */
void rig_error_has(struct rig *, const char *part);

/* A file of that content in the test's directory; its path is static. */
const char *rig_file(const char *name, const char *content);

#define COUNT(operation, n) CU_ASSERT_EQUAL(front_count(operation), (size_t)(n))

/* The cases, by file. */
extern const struct test call_tests[], key_tests[], table_tests[],
    queue_tests[], value_tests[], source_tests[];
extern const size_t call_tests_n, key_tests_n, table_tests_n, queue_tests_n,
    value_tests_n, source_tests_n;

/* Back ends for the contract suites. */
void tables_use_contract(void);
void queues_use_contract(void);

#endif
