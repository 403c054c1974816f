/* Being the user of the service, so that what is found is what it will find. */
#ifndef CTL_BECOME_H
#define CTL_BECOME_H

struct ctl;

/*
 * Root becomes that user for good, with the user's groups, and ctl->envp has
 * the user's HOME. For anybody else the name must be their own. CTL_DONE, or
 * reported on err. The caller calls become_release, whatever the result.
 */
struct become {
	char **envp;
	char *home;
};

int become_user(struct become *, struct ctl *, const char *name);
void become_release(struct become *);

#endif
