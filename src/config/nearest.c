#include "config/nearest.h"

#include <ctype.h>
#include <string.h>

#define NAME_MAX_LEN 63 /* longer names are not misspellings of ours */

static int
fold(char c)
{
	return c == '-' ? '_' : tolower((unsigned char)c);
}

static size_t
min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

static bool
same(char a, char b)
{
	return fold(a) == fold(b);
}

/*
 * Levenshtein's distance, but two letters that changed places are one edit; row
 * by row, of which three are kept; lb <= NAME_MAX_LEN.
 */
static size_t
edit_distance(const char *a, size_t la, const char *b, size_t lb)
{
	size_t rows[3][NAME_MAX_LEN + 1], *row, *above, *before, i, j;

	row = rows[0];
	for (j = 0; j <= lb; j++)
		row[j] = j;
	for (i = 1; i <= la; i++) {
		before = rows[(i + 1) % 3];
		above = row;
		row = rows[i % 3];
		row[0] = i;
		for (j = 1; j <= lb; j++) {
			row[j] = min3(above[j] + 1, row[j - 1] + 1,
			    above[j - 1] + !same(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) &&
			    same(a[i - 2], b[j - 1]) &&
			    before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
	}
	return row[lb];
}

bool
nearest_offer(struct nearest *best, const char *wrong, const char *name)
{
	size_t lw = strlen(wrong), ln = strcspn(name, "|"), d;
	const size_t most = (ln + 2) / 3;

	if (lw == 0 || lw > NAME_MAX_LEN || ln > NAME_MAX_LEN)
		return false;
	if (lw > ln + most || ln > lw + most)
		return false; /* their lengths alone are too far apart */
	d = edit_distance(wrong, lw, name, ln);
	if (d > most || (best->found && best->distance <= d))
		return false;
	*best = (struct nearest){ .found = true, .distance = d };
	return true;
}
