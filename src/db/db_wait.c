#include "db/db_wait.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

void
db_wait(_Atomic uint32_t *word, uint32_t value, int64_t until_us)
{
	int64_t left = until_us - clock_mono_us();
	struct timespec t = { left / 1000000, left % 1000000 * 1000 };

	if (left <= 0)
		return;
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value,
	    until_us == INT64_MAX ? NULL : &t, NULL, 0);
}

void
db_wake(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}
