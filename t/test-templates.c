#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "t/test.h"
#include "twilio/template_file.h"
#include "twilio/templates.h"

#define SAY(text) "<Response><Say>" text "</Say></Response>"

/* A fresh folder for each test, with a log beside it. */
struct folder {
	char dir[256], logfile[300];
	struct log *log;
	struct templates *templates;
};

static void
folder_open(struct folder *f)
{
	static int number;

	snprintf(f->dir, sizeof(f->dir), "%s/%d", test_tmpdir(), ++number);
	CU_ASSERT_EQUAL_FATAL(mkdir(f->dir, 0755), 0);
	snprintf(f->logfile, sizeof(f->logfile), "%s.log", f->dir);
	CU_ASSERT_EQUAL_FATAL(
	    log_open(&f->log, f->logfile, LOG_FORMAT_TEXT, LOG_LEVEL_INFO),
	    ST_OK);
	CU_ASSERT_EQUAL_FATAL(
	    templates_open(&f->templates, f->dir, f->log), ST_OK);
}

static void
folder_close(struct folder *f)
{
	templates_close(f->templates);
	log_close(f->log);
}

static void
folder_path(const struct folder *f, const char *name, char out[static 600])
{
	struct buf path = BUF_INIT;

	buf_printf(&path, "%s/%s" TEMPLATES_SUFFIX, f->dir, name);
	CU_ASSERT_FATAL(path.err == ST_OK && path.len < 600);
	memcpy(out, path.data, path.len + 1);
	buf_release(&path);
}

static void
write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fputs(text, file);
	CU_ASSERT_EQUAL(fclose(file), 0);
}

static void
folder_write(const struct folder *f, const char *name, const char *text)
{
	char path[600];

	folder_path(f, name, path);
	write_file(path, text);
}

static void
folder_remove(const struct folder *f, const char *name)
{
	char path[600];

	folder_path(f, name, path);
	CU_ASSERT_EQUAL(unlink(path), 0);
}

/* How often the log has this. */
static int
logged(const struct folder *f, const char *what)
{
	char text[65536];
	FILE *file = fopen(f->logfile, "r");
	const char *at;
	size_t n;
	int times = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	fclose(file);
	for (at = text; (at = strstr(at, what)) != NULL; at++)
		times++;
	return times;
}

static bool
no_values(void *ctx, const char *name, const char **value, size_t *len)
{
	(void)ctx;
	(void)name;
	(void)value;
	(void)len;
	return false;
}

/* What the template says; "(status)" if it is not there. */
static const char *
said(const struct folder *f, const char *name, char out[static 200])
{
	struct buf document = BUF_INIT;
	struct twiml *t;
	const char *say;
	enum status st;

	/* Without CUnit's macros: threads come here too. */
	st = templates_get(f->templates, name, &t);
	if ((st == ST_OK) != (t != NULL))
		st = ST_CORRUPT;
	if (st == ST_OK)
		st = twiml_render(t, no_values, NULL, &document, NULL);
	twiml_release(t);
	say = strstr(buf_str(&document), "<Say>");
	if (st != ST_OK || say == NULL)
		snprintf(out, 200, "(%s)", status_text(st));
	else
		snprintf(out, 200, "%.*s", (int)strcspn(say + 5, "<"), say + 5);
	buf_release(&document);
	return out;
}

/* Until the files are looked at again. */
static void
wait_for_look(void)
{
	struct timespec t = { 1, 50000000 };

	nanosleep(&t, NULL);
}

static bool
is_ready(const struct folder *f, struct buf *why)
{
	buf_reset(why);
	return templates_ready(f->templates, why);
}

static void
test_names(void)
{
	static const char *const good[] = { "a", "gather", "birthdate-retry",
		"A.b_C-9", "9", "-x", "_", "a..b" };
	static const char *const bad[] = { "", ".", "..", ".hidden", "../a",
		"a/b", "/etc/passwd", "a\\b", "a b", "a%2fb", "a\nb", "..\\a",
		"\xc3\xa9", "a:b", "a*", "~" };
	struct folder f;
	char name[400], out[200];
	size_t i;

	folder_open(&f);
	for (i = 0; i < TEST_COUNT(good); i++)
		CU_ASSERT_TRUE(templates_name(good[i]));
	for (i = 0; i < TEST_COUNT(bad); i++) {
		CU_ASSERT_FALSE(templates_name(bad[i]));
		CU_ASSERT_STRING_EQUAL(said(&f, bad[i], out), "(not found)");
	}
	memset(name, 'a', sizeof(name));
	name[TEMPLATES_NAME_MAX] = '\0';
	folder_write(&f, name, SAY("long"));
	CU_ASSERT_STRING_EQUAL(said(&f, name, out), "long");
	name[TEMPLATES_NAME_MAX] = 'a';
	name[TEMPLATES_NAME_MAX + 1] = '\0';
	CU_ASSERT_FALSE(templates_name(name));
	name[TEMPLATES_NAME_MAX + 1] = 'a';
	name[300] = '\0';
	CU_ASSERT_STRING_EQUAL(said(&f, name, out), "(not found)");
	folder_close(&f);
}

/* A file beside the folder is out of reach, though it is there. */
static void
test_traversal(void)
{
	struct folder f;
	char path[600], out[200];

	folder_open(&f);
	snprintf(path, sizeof(path), "%s/../outside" TEMPLATES_SUFFIX, f.dir);
	write_file(path, SAY("out"));
	CU_ASSERT_STRING_EQUAL(said(&f, "../outside", out), "(not found)");
	snprintf(path, sizeof(path), "%s/sub", f.dir);
	CU_ASSERT_EQUAL(mkdir(path, 0755), 0);
	folder_write(&f, "sub/inside", SAY("in"));
	CU_ASSERT_STRING_EQUAL(said(&f, "sub/inside", out), "(not found)");
	folder_close(&f);
}

static void
test_reload(void)
{
	struct buf why = BUF_INIT;
	struct twiml *held;
	struct folder f;
	char path[600], new[600], out[200];

	folder_open(&f);
	CU_ASSERT_STRING_EQUAL(said(&f, "x", out), "(not found)");
	/* Not there is not remembered. */
	folder_write(&f, "x", SAY("one"));
	CU_ASSERT_STRING_EQUAL(said(&f, "x", out), "one");
	CU_ASSERT_EQUAL(templates_get(f.templates, "x", &held), ST_OK);
	wait_for_look();
	/* In place, of the same size, in the same tick as the look before. */
	folder_write(&f, "x", SAY("two"));
	CU_ASSERT_STRING_EQUAL(said(&f, "x", out), "two");
	folder_write(&f, "x", SAY("six"));
	CU_ASSERT_STRING_EQUAL(said(&f, "x", out), "two");
	wait_for_look();
	CU_ASSERT_STRING_EQUAL(said(&f, "x", out), "six");
	CU_ASSERT_EQUAL(logged(&f, "template loaded again"), 2);
	/* By another file moved over it. */
	folder_write(&f, "new", SAY("ten"));
	folder_path(&f, "new", new);
	folder_path(&f, "x", path);
	CU_ASSERT_EQUAL(rename(new, path), 0);
	wait_for_look();
	CU_ASSERT_STRING_EQUAL(said(&f, "x", out), "ten");
	CU_ASSERT_TRUE(is_ready(&f, &why));
	/* Gone. */
	folder_remove(&f, "x");
	wait_for_look();
	CU_ASSERT_STRING_EQUAL(said(&f, "x", out), "(not found)");
	CU_ASSERT_EQUAL(logged(&f, "template is gone"), 1);
	CU_ASSERT_TRUE(is_ready(&f, &why));
	/* What was held is as it was, and outlives the folder. */
	folder_close(&f);
	twiml_render(held, no_values, NULL, &why, NULL);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&why), "<Say>one</Say>"));
	twiml_release(held);
	buf_release(&why);
}

/*
 * A change within one tick of the file system's clock, of the same size, to
 * the same file: its stamp does not tell. So a file that was young when it was
 * read is read again.
 */
static void
test_unseen_change(void)
{
	struct buf text = BUF_INIT, errors = BUF_INIT;
	struct template_stamp one, two, again;
	struct folder f;

	folder_open(&f);
	folder_write(&f, "x", SAY("one"));
	CU_ASSERT_EQUAL(
	    template_file_read(f.dir, "x", NULL, &one, &text, &errors), ST_OK);
	CU_ASSERT_FALSE(one.settled);
	folder_write(&f, "x", SAY("two"));
	buf_reset(&text);
	CU_ASSERT_EQUAL(
	    template_file_read(f.dir, "x", NULL, &two, &text, &errors), ST_OK);
	/* As if the clock had not moved between the two. */
	two.hash = one.hash;
	buf_reset(&text);
	CU_ASSERT_EQUAL(
	    template_file_read(f.dir, "x", &two, &again, &text, &errors),
	    ST_OK);
	CU_ASSERT_STRING_EQUAL(buf_str(&text), SAY("two"));
	/* Read again, and the same. */
	buf_reset(&text);
	CU_ASSERT_EQUAL(
	    template_file_read(f.dir, "x", &again, &two, &text, &errors),
	    ST_EXISTS);
	CU_ASSERT_EQUAL(two.hash, again.hash);
	/* An old file is not even read. */
	again.settled = true;
	again.hash = 0;
	CU_ASSERT_EQUAL(
	    template_file_read(f.dir, "x", &again, &two, &text, &errors),
	    ST_EXISTS);
	CU_ASSERT_EQUAL(two.hash, 0);
	folder_close(&f);
	buf_release(&text);
	buf_release(&errors);
}

static void
test_bad_edit(void)
{
	struct buf why = BUF_INIT;
	struct folder f;
	char path[600], out[200];

	folder_open(&f);
	/* One that cannot be read at all is tried again, but told of once. */
	folder_path(&f, "unread", path);
	CU_ASSERT_EQUAL(mkdir(path, 0755), 0);
	CU_ASSERT_STRING_EQUAL(
	    said(&f, "unread", out), "(wrong configuration)");
	wait_for_look();
	CU_ASSERT_STRING_EQUAL(
	    said(&f, "unread", out), "(wrong configuration)");
	CU_ASSERT_EQUAL(logged(&f, "unread.twiml.xml: it is not a regular"), 1);
	CU_ASSERT_EQUAL(rmdir(path), 0);
	folder_write(&f, "unread", SAY("mended"));
	wait_for_look();
	CU_ASSERT_STRING_EQUAL(said(&f, "unread", out), "mended");
	/* An edit. */
	folder_write(&f, "x", SAY("old"));
	CU_ASSERT_STRING_EQUAL(said(&f, "x", out), "old");
	CU_ASSERT_TRUE(is_ready(&f, &why));
	folder_write(&f, "x", "<Response>\n <Say>}</Say>{</Response>");
	wait_for_look();
	CU_ASSERT_STRING_EQUAL(said(&f, "x", out), "old");
	CU_ASSERT_STRING_EQUAL(said(&f, "x", out), "old");
	CU_ASSERT_EQUAL(logged(&f, "template refused"), 3);
	CU_ASSERT_EQUAL(logged(&f, "x.twiml.xml:2:7: "), 1);
	CU_ASSERT_FALSE(is_ready(&f, &why));
	CU_ASSERT_STRING_EQUAL(buf_str(&why),
	    "x.twiml.xml:2:7: \"}\" without \"{\"; write }} for the brace "
	    "itself");
	wait_for_look();
	CU_ASSERT_STRING_EQUAL(said(&f, "x", out), "old");
	CU_ASSERT_FALSE(is_ready(&f, &why));
	CU_ASSERT_EQUAL(logged(&f, "template refused"), 3);
	folder_write(&f, "x", SAY("new"));
	wait_for_look();
	/* Though nobody asks for it. */
	CU_ASSERT_TRUE(is_ready(&f, &why));
	CU_ASSERT_STRING_EQUAL(said(&f, "x", out), "new");
	folder_close(&f);
	buf_release(&why);
}

/* As a reload does: another of the same folder, or of this one, takes over. */
static void
folder_reload(struct folder *f, const char *dir)
{
	struct templates *next;

	CU_ASSERT_EQUAL_FATAL(templates_open(&next, dir, f->log), ST_OK);
	CU_ASSERT_EQUAL(templates_inherit(next, f->templates), ST_OK);
	templates_close(f->templates);
	f->templates = next;
}

/* What is not known is played, and logged once for each version. */
static void
test_warned(void)
{
	static const char warning[] = "template taken with a warning";
	struct buf why = BUF_INIT;
	struct folder f;
	char out[200];

	folder_open(&f);
	folder_write(&f, "x",
	    "<Response>\n <say/><Pause b='1'/><Say>one</Say>"
	    "</Response>");
	CU_ASSERT_STRING_EQUAL(said(&f, "x", out), "one");
	CU_ASSERT_EQUAL(logged(&f, warning), 2);
	CU_ASSERT_EQUAL(logged(&f, "x.twiml.xml:2:2: there is no element"), 1);
	CU_ASSERT_TRUE(is_ready(&f, &why));
	wait_for_look();
	CU_ASSERT_STRING_EQUAL(said(&f, "x", out), "one");
	CU_ASSERT_EQUAL(logged(&f, warning), 2);
	folder_write(&f, "x", "<Response><Sya/><Say>two</Say></Response>");
	wait_for_look();
	CU_ASSERT_STRING_EQUAL(said(&f, "x", out), "two");
	CU_ASSERT_EQUAL(logged(&f, warning), 3);
	/* A reload takes it along, and has nothing new to say. */
	folder_reload(&f, f.dir);
	CU_ASSERT_STRING_EQUAL(said(&f, "x", out), "two");
	CU_ASSERT_EQUAL(logged(&f, warning), 3);
	CU_ASSERT_EQUAL(logged(&f, "template refused"), 0);
	folder_close(&f);
	buf_release(&why);
}

static void
test_inherited(void)
{
	struct buf why = BUF_INIT;
	struct folder f, other;
	char out[200];

	folder_open(&f);
	folder_write(&f, "x", SAY("old"));
	folder_write(&f, "gone", SAY("old"));
	folder_write(&f, "changed", SAY("old"));
	CU_ASSERT_STRING_EQUAL(said(&f, "x", out), "old");
	CU_ASSERT_STRING_EQUAL(said(&f, "gone", out), "old");
	CU_ASSERT_STRING_EQUAL(said(&f, "changed", out), "old");
	folder_write(&f, "x", "<Response>");
	folder_write(&f, "bad", "<Response>");
	folder_write(&f, "changed", SAY("new"));
	folder_remove(&f, "gone");
	/* The edit is seen after the reload only; then by one more. */
	folder_reload(&f, f.dir);
	CU_ASSERT_STRING_EQUAL(said(&f, "x", out), "old");
	CU_ASSERT_STRING_EQUAL(said(&f, "changed", out), "new");
	CU_ASSERT_STRING_EQUAL(said(&f, "gone", out), "(not found)");
	CU_ASSERT_STRING_EQUAL(said(&f, "bad", out), "(wrong configuration)");
	CU_ASSERT_EQUAL(logged(&f, "error=\"x.twiml.xml:"), 1);
	folder_reload(&f, f.dir);
	CU_ASSERT_STRING_EQUAL(said(&f, "x", out), "old");
	/* The log after each reload says that it is bad. */
	CU_ASSERT_EQUAL(logged(&f, "error=\"x.twiml.xml:"), 2);
	CU_ASSERT_FALSE(is_ready(&f, &why));
	folder_write(&f, "x", SAY("mended"));
	folder_remove(&f, "bad");
	wait_for_look();
	CU_ASSERT_STRING_EQUAL(said(&f, "x", out), "mended");
	CU_ASSERT_TRUE(is_ready(&f, &why));
	/* Of another folder nothing is taken. */
	folder_open(&other);
	folder_reload(&f, other.dir);
	CU_ASSERT_STRING_EQUAL(said(&f, "x", out), "(not found)");
	folder_close(&other);
	folder_close(&f);
	buf_release(&why);
}

/* The folder is gone, over a reload too: what was good goes on, the log has it
 * once, and all is well when it is back. */
static void
test_folder_gone(void)
{
	struct buf why = BUF_INIT;
	struct folder f;
	char away[300], out[200];
	int i;

	folder_open(&f);
	folder_write(&f, "x", SAY("old"));
	CU_ASSERT_STRING_EQUAL(said(&f, "x", out), "old");
	snprintf(away, sizeof(away), "%s.away", f.dir);
	CU_ASSERT_EQUAL(rename(f.dir, away), 0);
	for (i = 0; i < 2; i++) {
		wait_for_look();
		CU_ASSERT_STRING_EQUAL(said(&f, "x", out), "old");
		CU_ASSERT_STRING_EQUAL(
		    said(&f, "other", out), "(not available now)");
	}
	CU_ASSERT_EQUAL(logged(&f, "is not there; put it back"), 1);
	folder_reload(&f, f.dir);
	CU_ASSERT_STRING_EQUAL(said(&f, "x", out), "old");
	CU_ASSERT_EQUAL(logged(&f, "is not there; put it back"), 2);
	CU_ASSERT_FALSE(is_ready(&f, &why));
	CU_ASSERT_EQUAL(rename(away, f.dir), 0);
	wait_for_look();
	CU_ASSERT_STRING_EQUAL(said(&f, "x", out), "old");
	CU_ASSERT_TRUE(is_ready(&f, &why));
	folder_close(&f);
	buf_release(&why);
}

/* A template that was never good; and one that nobody asked for. */
static void
test_bad_from_the_start(void)
{
	struct buf why = BUF_INIT;
	struct folder f;
	char out[200];

	folder_open(&f);
	folder_write(&f, "x", "<Response>");
	folder_write(&f, "unasked", "<Response>");
	CU_ASSERT_STRING_EQUAL(said(&f, "x", out), "(wrong configuration)");
	CU_ASSERT_STRING_EQUAL(said(&f, "x", out), "(wrong configuration)");
	CU_ASSERT_EQUAL(logged(&f, "template refused"), 1);
	folder_write(&f, "x", SAY("good"));
	wait_for_look();
	CU_ASSERT_STRING_EQUAL(said(&f, "x", out), "good");
	CU_ASSERT_FALSE(is_ready(&f, &why));
	CU_ASSERT_EQUAL(
	    strncmp(buf_str(&why), "unasked.twiml.xml:1:11: ", 24), 0);
	folder_close(&f);
	CU_ASSERT_EQUAL(
	    templates_open(&f.templates, "/nonexistent", NULL), ST_OK);
	CU_ASSERT_STRING_EQUAL(said(&f, "x", out), "(not available now)");
	CU_ASSERT_FALSE(is_ready(&f, &why));
	CU_ASSERT_STRING_EQUAL(
	    buf_str(&why), "/nonexistent: No such file or directory");
	templates_close(f.templates);
	buf_release(&why);
}

static void
collect(
    void *ctx, const char *name, const struct twiml *twiml, const char *errors)
{
	struct buf *all = ctx;

	buf_printf(
	    all, "%s %s\n%s", name, twiml == NULL ? "bad" : "good", errors);
}

static void
test_odd_files(void)
{
	struct buf all = BUF_INIT, text = BUF_INIT;
	struct folder f;
	char path[600], target[600];

	folder_open(&f);
	folder_path(&f, "a-folder", path);
	CU_ASSERT_EQUAL(mkdir(path, 0755), 0);
	folder_path(&f, "b-fifo", path);
	CU_ASSERT_EQUAL(mkfifo(path, 0644), 0);
	while (text.len <= 65536)
		buf_puts(&text, "<!-- long -->");
	buf_puts(&text, SAY("x"));
	folder_write(&f, "c-long", buf_str(&text));
	snprintf(target, sizeof(target), "%s/elsewhere", f.dir);
	write_file(target, SAY("x"));
	folder_path(&f, "d-link", path);
	CU_ASSERT_EQUAL(symlink(target, path), 0);
	folder_path(&f, "e-loop", path);
	CU_ASSERT_EQUAL(symlink(path, path), 0);
	folder_path(&f, "f-nowhere", path);
	CU_ASSERT_EQUAL(symlink("nowhere", path), 0);
	folder_write(&f, "g name", SAY("x"));
	folder_write(&f, ".h.swp", SAY("x"));
	folder_write(&f, "i", SAY("x"));
	folder_write(&f, "j-empty", "");
	CU_ASSERT_EQUAL(templates_each(f.templates, collect, &all), ST_OK);
	CU_ASSERT_STRING_EQUAL(buf_str(&all),
	    "a-folder bad\n"
	    "a-folder.twiml.xml: it is not a regular file; make it one\n"
	    "b-fifo bad\n"
	    "b-fifo.twiml.xml: it is not a regular file; make it one\n"
	    "c-long bad\n"
	    "c-long.twiml.xml: longer than 65536 bytes; make it shorter\n"
	    "d-link good\n"
	    "e-loop bad\n"
	    "e-loop.twiml.xml: it may not be read; let the responder's user "
	    "read it\n"
	    "g name bad\n"
	    "g name.twiml.xml: no such name can be asked for; use 1 to 64 of "
	    "A-Z a-z 0-9 . _ -\n"
	    "i good\n"
	    "j-empty bad\n"
	    "j-empty.twiml.xml:1:1: there is no element; write one\n");
	folder_close(&f);
	buf_release(&all);
	buf_release(&text);
}

/* What the templates that come with Switchhook ask for. */
static const char *const shipped[][2] = {
	{ "birthdate", " process_url" },
	{ "birthdate-confirmation", " confirm_url spoken" },
	{ "birthdate-confirmed", " spoken" },
	{ "birthdate-invalid-input", " process_url" },
	{ "birthdate-retry", " process_url" },
	{ "connect", " conversation_relay_url welcome_greeting_url" },
	{ "connect-stream", " media_api_url From" },
	{ "dial", " operator_phone_number" },
	{ "gather", " transfer_url" },
	{ "hangup", "" },
};

static void
test_shipped(void)
{
	struct buf names = BUF_INIT, all = BUF_INIT;
	const struct twiml_name *list;
	struct templates *t;
	struct twiml *twiml;
	char dir[4096];
	size_t i, j, n;

	snprintf(dir, sizeof(dir), "%s/templates", getenv("SRCDIR"));
	CU_ASSERT_EQUAL(templates_open(&t, dir, NULL), ST_OK);
	for (i = 0; i < TEST_COUNT(shipped); i++) {
		CU_ASSERT_EQUAL_FATAL(
		    templates_get(t, shipped[i][0], &twiml), ST_OK);
		list = twiml_names(twiml, &n);
		buf_reset(&names);
		for (j = 0; j < n; j++)
			buf_printf(&names, " %s", list[j].name);
		CU_ASSERT_STRING_EQUAL(buf_str(&names), shipped[i][1]);
		twiml_release(twiml);
	}
	buf_reset(&names);
	for (i = 0; i < TEST_COUNT(shipped); i++)
		buf_printf(&names, "%s good\n", shipped[i][0]);
	CU_ASSERT_EQUAL(templates_each(t, collect, &all), ST_OK);
	CU_ASSERT_EQUAL(all.len, names.len);
	templates_close(t);
	buf_release(&names);
	buf_release(&all);
}

/*
 * How often a file was opened since the watch began. Closing is watched too,
 * since the kernel makes one event of two alike.
 */
static int
opens(int watch)
{
	char events[65536] __attribute__((aligned(8)));
	const struct inotify_event *event;
	ssize_t n, at;
	int times = 0;

	while ((n = read(watch, events, sizeof(events))) > 0)
		for (at = 0; at < n;) {
			event = (const struct inotify_event *)(events + at);
			times += (event->mask & IN_OPEN) != 0;
			at += (ssize_t)(sizeof(*event) + event->len);
		}
	return times;
}

#define THREADS 4

struct race {
	struct folder f;
	atomic_bool stop;
	atomic_int wrong, renders, gone;
};

/* Ask for the template and look at what it says, over and over. */
static void *
ask(void *arg)
{
	struct race *race = arg;
	char out[200], again[200];

	while (!race->stop) {
		said(&race->f, "x", out);
		race->renders++;
		if (strcmp(out, "(not found)") == 0)
			race->gone++;
		else if (strncmp(out, "version ", 8) != 0)
			race->wrong++;
		said(&race->f, "never", again);
		if (strcmp(again, "(not found)") != 0)
			race->wrong++;
	}
	return NULL;
}

static void
race_start(struct race *race, pthread_t threads[THREADS])
{
	int i;

	for (i = 0; i < THREADS; i++)
		CU_ASSERT_EQUAL(
		    pthread_create(&threads[i], NULL, ask, race), 0);
}

static void
race_stop(struct race *race, pthread_t threads[THREADS])
{
	int i;

	race->stop = true;
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

/* Not looked at more than once a second, however many ask. */
static void
test_looks(void)
{
	struct race race = { .stop = false };
	pthread_t threads[THREADS];
	char path[600];
	int watch, looks;

	folder_open(&race.f);
	folder_write(&race.f, "x", SAY("version 1"));
	folder_path(&race.f, "x", path);
	watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	CU_ASSERT(inotify_add_watch(watch, path, IN_OPEN | IN_CLOSE) >= 0);
	race_start(&race, threads);
	wait_for_look();
	wait_for_look();
	race_stop(&race, threads);
	/* At once, after a second, after two; the last may be missed. */
	looks = opens(watch);
	CU_ASSERT(looks == 2 || looks == 3);
	CU_ASSERT_EQUAL(race.wrong, 0);
	CU_ASSERT(race.renders > 1000);
	close(watch);
	folder_close(&race.f);
}

/* Threads render while the file is edited in all the ways there are. */
static void
test_race(void)
{
	static const char *const bad[] = { "<Response>", "", "<a/>", SAY("{"),
		"<Response><Say>version 0</Say>" };
	const bool quick = getenv("SWITCHHOOK_TEST_QUICK") != NULL;
	struct race race = { .stop = false };
	int64_t end = clock_mono_us() + (quick ? 3000000 : 8000000);
	pthread_t threads[THREADS];
	struct buf why = BUF_INIT;
	char text[200], path[600], new[600];
	struct timespec pause = { 0, 20000000 };
	int i;

	folder_open(&race.f);
	folder_write(&race.f, "x", SAY("version 0"));
	folder_path(&race.f, "x", path);
	folder_path(&race.f, "new", new);
	/* Once read, there is always one to keep. */
	CU_ASSERT_STRING_EQUAL(said(&race.f, "x", text), "version 0");
	race_start(&race, threads);
	for (i = 1; clock_mono_us() < end; i++) {
		snprintf(text, sizeof(text), SAY("version %d"), i);
		write_file(i % 3 == 0 ? new : path,
		    i % 5 == 0 ? bad[i / 5 % TEST_COUNT(bad)] : text);
		if (i % 3 == 0)
			CU_ASSERT_EQUAL(rename(new, path), 0);
		if (i % 50 == 0) {
			unlink(path);
			nanosleep(&pause, NULL);
			/* Whole at once: nothing older is left to keep. */
			write_file(new, SAY("version 0"));
			CU_ASSERT_EQUAL(rename(new, path), 0);
		}
		(void)is_ready(&race.f, &why);
		nanosleep(&pause, NULL);
	}
	write_file(path, SAY("version last"));
	race_stop(&race, threads);
	CU_ASSERT_EQUAL(race.wrong, 0);
	CU_ASSERT(race.renders > race.gone);
	wait_for_look();
	CU_ASSERT_STRING_EQUAL(said(&race.f, "x", text), "version last");
	CU_ASSERT_TRUE(is_ready(&race.f, &why));
	folder_close(&race.f);
	buf_release(&why);
}

int
main(void)
{
	static const struct test tests[] = {
		{ "names", test_names },
		{ "traversal", test_traversal },
		{ "reload", test_reload },
		{ "unseen change", test_unseen_change },
		{ "bad edit", test_bad_edit },
		{ "warned of", test_warned },
		{ "taken along by a reload", test_inherited },
		{ "a folder that is gone", test_folder_gone },
		{ "bad from the start", test_bad_from_the_start },
		{ "odd files", test_odd_files },
		{ "shipped", test_shipped },
		{ "looks", test_looks },
		{ "race", test_race },
	};

	return test_main("templates", tests, TEST_COUNT(tests));
}
