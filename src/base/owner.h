/* Whose a new file is. */
#ifndef BASE_OWNER_H
#define BASE_OWNER_H

/*
 * Root is only visiting: what it makes is given to the owner of the directory
 * that path is in, so that the server can open it. Where that fails, and for
 * anyone else, it stays as it is.
 */
void owner_give(int fd, const char *path);

#endif
