#include "base/process.h"

#include <sys/prctl.h>

#include "config.h"

void
process_hide(void)
{
#ifndef SANITIZED
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}
