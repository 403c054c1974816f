#include "base/owner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void
owner_give(int fd, const char *path)
{
	char *dir, *slash;
	struct stat st;

	if (geteuid() != 0)
		return;
	if ((dir = strdup(path)) != NULL &&
	    (slash = strrchr(dir, '/')) != NULL) {
		slash[slash == dir ? 1 : 0] = '\0';
		if (stat(dir, &st) == 0 && fchown(fd, st.st_uid, st.st_gid) < 0)
			errno = 0; /* then it stays root's */
	}
	free(dir);
}
