/*
 * A main for fuzz targets where there is no libFuzzer: every seed, then
 * changed seeds, always the same ones. t/fuzz/fuzz-NAME takes the files of
 * t/fuzz/seeds/NAME; FUZZ_ROUNDS says how many changed ones (default 2000).
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define SEEDS_MAX 64
#define INPUT_MAX ((size_t)64 << 10)

struct input {
	size_t len;
	uint8_t data[INPUT_MAX];
};

struct corpus {
	struct input *seeds[SEEDS_MAX];
	size_t n;
};

/* xorshift: the same inputs everywhere. */
static uint32_t
next(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static struct input *
read_seed(const char *dir, const char *name)
{
	struct input *in = malloc(sizeof(*in));
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (in == NULL || (f = fopen(path, "rb")) == NULL) {
		perror(path);
		exit(99);
	}
	in->len = fread(in->data, 1, sizeof(in->data), f);
	fclose(f);
	return in;
}

/* In the order of their names, whatever the file system's is. */
static void
read_corpus(const char *dir, struct corpus *c)
{
	struct dirent **entries;
	int n, i;

	if ((n = scandir(dir, &entries, NULL, alphasort)) < 0) {
		perror(dir);
		exit(99);
	}
	for (i = 0; i < n; i++) {
		if (entries[i]->d_name[0] != '.' && c->n < SEEDS_MAX)
			c->seeds[c->n++] = read_seed(dir, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
}

/* Put n bytes at a place of in, over what is there or before it. */
static void
paste(struct input *in, size_t at, const uint8_t *data, size_t n, int over)
{
	if (at + n > INPUT_MAX || (!over && in->len + n > INPUT_MAX))
		return;
	if (!over)
		memmove(in->data + at + n, in->data + at, in->len - at);
	memmove(in->data + at, data, n);
	if (!over)
		in->len += n;
	else if (at + n > in->len)
		in->len = at + n;
}

static void
change(struct input *in, const struct corpus *c, uint32_t *state)
{
	static const char interesting[] = "\0\n\r\t ;#=:[]\"'%/?@\x7f\x80\xff";
	const struct input *other = c->seeds[next(state) % c->n];
	size_t at = in->len == 0 ? 0 : next(state) % in->len, from, n;
	uint8_t byte = (uint8_t)next(state);

	switch (next(state) % 6) {
	case 0:
		byte = (uint8_t)interesting[byte % (sizeof(interesting) - 1)];
		/* fall through */
	case 1:
		paste(in, at, &byte, 1, next(state) % 2 == 0);
		break;
	case 2: /* drop some */
		n = in->len == at ? 0 : next(state) % (in->len - at);
		memmove(in->data + at, in->data + at + n, in->len - at - n);
		in->len -= n;
		break;
	case 3: /* a piece of another, or of itself */
		from = other->len == 0 ? 0 : next(state) % other->len;
		n = other->len == from ? 0 : next(state) % (other->len - from);
		paste(in, at, other->data + from, n, next(state) % 2 == 0);
		break;
	case 4: /* a byte many times */
		for (n = next(state) % 600; n > 0; n--)
			paste(in, at, &byte, 1, 0);
		break;
	case 5:
		if (in->len > 0)
			in->data[at] ^= (uint8_t)(1 << next(state) % 8);
		break;
	}
}

int
main(int argc, char **argv)
{
	const char *srcdir = getenv("SRCDIR"), *rounds = getenv("FUZZ_ROUNDS");
	const char *name = strrchr(argv[0], '-');
	struct corpus c = { .n = 0 };
	struct input *in = malloc(sizeof(*in));
	unsigned long n, i, changes;
	uint32_t state = 20261121;
	char dir[2048];

	(void)argc;
	n = rounds == NULL ? 2000 : strtoul(rounds, NULL, 10);
	snprintf(dir, sizeof(dir), "%s/t/fuzz/seeds/%s",
	    srcdir == NULL ? "." : srcdir, name == NULL ? "" : name + 1);
	read_corpus(dir, &c);
	if (c.n == 0 || in == NULL) {
		fprintf(stderr, "no seeds in %s\n", dir);
		return 99;
	}
	for (i = 0; i < c.n; i++)
		LLVMFuzzerTestOneInput(c.seeds[i]->data, c.seeds[i]->len);
	for (i = 0; i < n; i++) {
		*in = *c.seeds[next(&state) % c.n];
		for (changes = next(&state) % 8; changes > 0; changes--)
			change(in, &c, &state);
		LLVMFuzzerTestOneInput(in->data, in->len);
	}
	printf("%zu seeds, %lu changed ones\n", c.n, n);
	for (i = 0; i < c.n; i++)
		free(c.seeds[i]);
	free(in);
	return 0;
}
