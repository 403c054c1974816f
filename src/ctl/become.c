#include "ctl/become.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/str.h"
#include "ctl/ctl.h"

/* The environment with another HOME, in which AWS's files are looked for. */
static enum status
set_home(struct become *b, char *const *envp, const char *home)
{
	struct buf text = BUF_INIT;
	size_t n = 0, kept = 0, i;

	while (envp[n] != NULL)
		n++;
	buf_printf(&text, "HOME=%s", home);
	b->home = buf_detach(&text);
	b->envp = calloc(n + 2, sizeof(*b->envp));
	if (b->home == NULL || b->envp == NULL)
		return ST_NOMEM;
	for (i = 0; i < n; i++)
		if (!str_starts(envp[i], "HOME="))
			b->envp[kept++] = envp[i];
	b->envp[kept] = b->home;
	return ST_OK;
}

int
become_user(struct become *b, struct ctl *ctl, const char *name)
{
	const struct passwd *user;

	*b = (struct become){ NULL, NULL };
	errno = 0;
	if ((user = getpwnam(name)) == NULL)
		return ctl_say(ctl, CTL_USAGE, "--user %s: %s", name,
		    errno == 0 || errno == ENOENT
			? "there is no such user; name the service's"
			: strerror(errno));
	if (user->pw_uid == geteuid())
		return CTL_DONE;
	if (geteuid() != 0)
		return ctl_say(ctl, CTL_USAGE,
		    "--user %s: only root can be another user; run it with "
		    "sudo",
		    name);
	if (set_home(b, ctl->envp, user->pw_dir) != ST_OK)
		return ctl_end(ctl, ST_NOMEM, "--user");
	if (initgroups(name, user->pw_gid) < 0 || setgid(user->pw_gid) < 0 ||
	    setuid(user->pw_uid) < 0)
		return ctl_say(
		    ctl, CTL_FAILED, "--user %s: %s", name, strerror(errno));
	ctl->envp = b->envp;
	return CTL_DONE;
}

void
become_release(struct become *b)
{
	free(b->envp);
	free(b->home);
}
