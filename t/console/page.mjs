// The page at /console in Chromium, before the API of t/console/mock.mjs.
//
// usage: node page.mjs FOLDER SCREENSHOTS [CASE...]
//
// FOLDER has the page's files, CHROMIUM names the browser. The last line is
// {"passed": N, "failures": ["NAME: …"]}.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { ADMIN, AGENT, iso, serve } from "./mock.mjs";
import { fill } from "./sample.mjs";
import { accessible, box, choose, conversations, eventually, launch, log, signIn,
	sound, tab, view } from "./browser.mjs";
import { HOSTILE, poison } from "./hostile.mjs";

const [folder, shots, ...names] = process.argv.slice(2);
const AT_A_TIME = 3;

async function opened(site, browser, token = ADMIN, options = {}) {
	const page = await tab(browser, site.url, options);

	await signIn(page, token);
	await conversations(page).waitFor({ state: "attached" });
	return page;
}

function stored(page) {
	return page.evaluate(() => [sessionStorage.getItem("token"),
		localStorage.length, document.cookie]);
}

function row(page, i) {
	return conversations(page).getByRole("listitem").nth(i);
}

const cases = {
	async nothing_without_a_token(site, browser) {
		const page = await tab(browser, site.url);

		assert.equal(await page.getByRole("navigation").count(), 0);
		await page.goto(`${site.url}#today`);
		await page.waitForTimeout(300);
		assert.deepEqual(site.state.counts, { 200: 0, 304: 0 });
		await signIn(page, "wrong");
		await page.getByRole("alert").getByText("wrong, or no longer").waitFor();
		assert.deepEqual(await stored(page), [null, 0, ""]);
		assert.equal(site.state.counts[200], 0);
		await signIn(page, "a token");
		await page.getByRole("alert").getByText("no token").waitFor();
		await signIn(page, AGENT);
		await page.getByText("Only the administrator").waitFor();
		assert.deepEqual(await stored(page), [AGENT, 0, ""]);
		return page;
	},

	async a_tab_keeps_its_token(site, browser) {
		const page = await opened(site, browser);

		await page.reload();
		await conversations(page).waitFor({ state: "attached" });
		const other = await page.context().newPage();
		await other.goto(site.url);
		await other.getByRole("textbox", { name: "Token" }).waitFor();
		await page.getByRole("button", { name: "Sign out" }).click();
		await page.getByRole("textbox", { name: "Token" }).waitFor();
		assert.equal(await page.evaluate(() => sessionStorage.length), 0);
		return page;
	},

	async unanswered_first(site, browser) {
		const { state } = site;
		const old = state.conversation({ name: "Waits", tel: "+14155550111" });
		state.message(old, { at: iso(Date.now() - 3600000) });
		for (let i = 0; i < 3; i++) {
			const c = state.conversation({ name: `Answered ${i}`,
				handoff: i === 0, tel: `+1415555020${i}` });
			state.message(c);
			state.message(c, { direction: "outbound", state: "sent" });
		}
		const page = await opened(site, browser);
		await row(page, 3).waitFor();
		assert.match(await row(page, 0).innerText(), /Waits/);
		assert.equal(await page.title(), "(1) Inbox – Switchhook");
		await page.getByRole("searchbox", { name: "Search" }).fill("+1 (415) 555-020");
		await eventually(async () => await conversations(page).getByRole(
			"listitem").count() === 3, "found by number");
		await page.getByRole("searchbox", { name: "Search" }).fill("waits");
		await eventually(async () => await conversations(page).getByRole(
			"listitem").count() === 1, "found by name");
		await page.getByRole("searchbox", { name: "Search" }).fill("");
		await page.getByLabel("Show").selectOption("With people");
		await eventually(async () => await conversations(page).getByRole(
			"listitem").count() === 1, "with people");
		return page;
	},

	async answered(site, browser) {
		const c = site.state.conversation({ name: "Ada" });
		site.state.message(c, { text: "Hi" });
		const page = await opened(site, browser, AGENT);
		await choose(page, "Ada");
		await box(page).fill("one");
		await box(page).press("Shift+Enter");
		await box(page).pressSequentially("two");
		assert.equal(site.state.sent.length, 0);
		await box(page).press("Enter");
		await log(page).getByText("Delivered").waitFor();
		assert.equal(site.state.sent[0].text, "one\ntwo");
		assert.equal(await box(page).inputValue(), "");
		assert.match(await log(page).innerText(), /Ann \d\d:\d\d\s+one\ntwo/);
		assert.equal(await page.evaluate(() => document.activeElement.id),
			"reply");
		await box(page).press("Enter");
		await box(page).fill("  ");
		await page.getByRole("button", { name: "Send" }).click();
		assert.equal(site.state.sent.length, 1, "nothing is nothing to send");
		await box(page).fill("x".repeat(1601));
		await page.getByText("1 characters too many").waitFor();
		await box(page).press("Enter");
		await page.getByText("Too long").waitFor();
		assert.equal(site.state.sent.length, 1);
		return page;
	},

	async a_draft_survives(site, browser) {
		for (const name of ["Ada", "Bob"])
			site.state.message(site.state.conversation({ name }));
		const page = await opened(site, browser);
		await choose(page, "Ada");
		await box(page).fill("for Ada");
		await choose(page, "Bob");
		await eventually(async () => await box(page).inputValue() === "",
			"Bob's own");
		await box(page).fill("for Bob");
		await page.reload();
		await log(page).waitFor();
		assert.equal(await box(page).inputValue(), "for Bob");
		await choose(page, "Ada");
		await eventually(async () => await box(page).inputValue() === "for Ada",
			"Ada's");
		return page;
	},

	async a_lost_answer(site, browser) {
		const c = site.state.conversation({ name: "Ada" });
		site.state.message(c);
		const page = await opened(site, browser);
		await choose(page, "Ada");
		site.state.lose = 1;
		await box(page).fill("once");
		await box(page).press("Enter");
		await page.getByRole("alert").getByText("will not leave twice").waitFor();
		assert.equal(await box(page).inputValue(), "once");
		await page.reload();
		await log(page).waitFor();
		await box(page).press("Enter");
		await eventually(async () => await box(page).inputValue() === "",
			"taken");
		const [a, b] = site.state.sent;
		assert.deepEqual(a, b);
		assert.ok(a.client_id.length >= 16);
		assert.equal(site.state.messages.get(c.id).length, 2, "once");
		// Changed since: the first was taken, and is seen.
		site.state.lose = 1;
		await box(page).fill("first");
		await box(page).press("Enter");
		await page.getByRole("alert").getByText("will not leave twice").waitFor();
		await box(page).fill("second");
		await box(page).press("Enter");
		await page.getByRole("alert").getByText("Another text").waitFor();
		await log(page).getByText("first").waitFor();
		await box(page).press("Enter");
		await log(page).getByText("second").waitFor();
		return page;
	},

	async unknown_and_refused(site, browser) {
		const c = site.state.conversation({ name: "Ada" });
		site.state.message(c);
		const say = (state, more) => site.state.message(c, {
			direction: "outbound", author: "Ann", state, text: state, ...more });
		say("unknown");
		say("refused", { error_code: 63016, error: null });
		say("undelivered", { error_code: 30003 });
		say("failed", { error_code: 12345, error: "Something new" });
		const page = await opened(site, browser);
		await choose(page, "Ada");
		const text = await log(page).innerText();
		for (const words of ["Unknown whether it was sent",
			"Refused by Twilio: the customer's last message is more than 24 " +
			"hours old", "(63016)", "Not delivered: the phone is off",
			"Failed: Something new (12345)"])
			assert.ok(text.includes(words), `${words} in ${text}`);
		assert.equal(await page.getByRole("button", { name: "Drop" }).count(), 3);
		await page.getByRole("button", { name: "Drop" }).first().click();
		await log(page).getByText("Given up").waitFor();
		await page.getByRole("button", { name: "Resend" }).first().click();
		await log(page).getByText("Sent", { exact: true }).waitFor();
		assert.deepEqual(site.state.messages.get(c.id).map((m) => m.state),
			[null, "dropped", "sent", "undelivered", "failed"]);
		return page;
	},

	async opted_out(site, browser) {
		const c = site.state.conversation({ name: "Ada", opted_out: true });
		site.state.message(c);
		const page = await opened(site, browser);
		await choose(page, "Ada");
		await page.getByText("nothing can be sent").waitFor();
		await box(page).fill("please");
		await box(page).press("Enter");
		await page.getByRole("alert").getByText("has opted out").waitFor();
		assert.equal(await box(page).inputValue(), "please");
		return page;
	},

	async taken_over_and_handed_back(site, browser) {
		const c = site.state.conversation({ name: "Ada" });
		site.state.message(c);
		const page = await opened(site, browser, AGENT);
		await choose(page, "Ada");
		await page.getByText("The bot answers", { exact: true }).waitFor();
		await page.getByRole("button", { name: "Take over" }).click();
		await page.getByText(/People answer since .*Ann/).waitFor();
		await log(page).getByText("Ann took over").waitFor();
		await page.getByText("Taken over, with 1 waiting message").waitFor({
			state: "attached" });
		assert.equal(c.handoff, true);
		const back = page.getByRole("button", { name: "Hand back" });
		assert.ok(await back.evaluate((b) => b === document.activeElement));
		await back.press("Enter");
		await page.getByText(/handed back .*Ann/).waitFor();
		assert.equal(c.handoff, false);
		await log(page).getByText("Ann handed back").waitFor();
		return page;
	},

	async fresh(site, browser) {
		const c = site.state.conversation({ name: "Ada" });
		for (let i = 0; i < 120; i++)
			site.state.message(c, { text: `message ${i}`,
				at: iso(Date.now() - (200 - i) * 1000) });
		const page = await opened(site, browser);
		await choose(page, "Ada");
		await log(page).getByText("message 119").waitFor();
		site.state.message(c, { text: "just now" });
		await log(page).getByText("just now").waitFor({ timeout: 8000 });
		await page.getByText("just now").first().waitFor();
		assert.ok(await log(page).evaluate((l) =>
			l.scrollHeight - l.scrollTop - l.clientHeight < 5), "at the end");
		await page.getByRole("button", { name: "Earlier messages" }).click();
		await log(page).getByText("message 25", { exact: true }).waitFor();
		// Whoever reads above is not torn away.
		await log(page).evaluate((l) => {
			l.scrollTop = 0;
		});
		site.state.message(c, { text: "still later" });
		await page.getByRole("button", { name: "New messages" }).waitFor();
		assert.equal(await log(page).evaluate((l) => l.scrollTop), 0);
		await page.getByRole("button", { name: "New messages" }).click();
		await eventually(() => log(page).evaluate((l) => l.scrollTop > 0),
			"goes there");
		await row(page, 0).getByText("still later").waitFor();
		await page.waitForTimeout(500);
		const before = { ...site.state.counts };
		await page.waitForTimeout(5500);
		assert.equal(site.state.counts[200], before[200], "nothing new is 304");
		assert.ok(site.state.counts[304] >= before[304] + 4);
		await page.evaluate(() => Object.defineProperty(document, "hidden",
			{ value: true }));
		await page.waitForTimeout(5500);
		const hidden = site.state.counts[304];
		await page.waitForTimeout(5000);
		assert.ok(site.state.counts[304] <= hidden + 1, "slower when hidden");
		return page;
	},

	async a_token_that_is_taken_away(site, browser) {
		const c = site.state.conversation({ name: "Ada" });
		site.state.message(c);
		const page = await opened(site, browser);
		await choose(page, "Ada");
		await box(page).fill("a draft");
		await page.evaluate(() => sessionStorage.setItem("token", "old"));
		await page.getByRole("alert").getByText("no longer good").waitFor();
		assert.equal(await page.evaluate(() => sessionStorage.getItem("token")),
			null);
		assert.equal(await page.getByText("Ada").count(), 0, "nothing is left");
		await signIn(page, ADMIN);
		await log(page).waitFor();
		assert.equal(await box(page).inputValue(), "a draft");
		return page;
	},

	async an_agent_is_no_administrator(site, browser) {
		fill(site.state);
		const page = await opened(site, browser, AGENT);
		for (const name of ["Calls", "Queues", "Today"]) {
			await view(page, name);
			await page.getByText("Only the administrator's token").waitFor();
			await accessible(page, `${name} of an agent`);
		}
		await page.getByText("All is well").waitFor();
		assert.equal((await stored(page))[0], AGENT);
		await view(page, "Inbox");
		await row(page, 0).waitFor();
		return page;
	},

	async calls(site, browser) {
		fill(site.state);
		const page = await opened(site, browser);
		await view(page, "Calls");
		const rows = page.getByRole("table", { name: "Calls" }).getByRole("row");
		await rows.nth(9).waitFor();
		assert.match(await rows.nth(1).innerText(), /\+14155550100.*Talking/s);
		await page.getByLabel("Status").selectOption("Busy");
		await eventually(async () => await rows.count() === 2, "filtered");
		await page.getByLabel("Status").selectOption("Any");
		await page.getByLabel("From").fill("+14155550102");
		await eventually(async () => await rows.count() === 2 &&
			(await rows.nth(1).innerText()).includes("Ended"), "from");
		await page.getByRole("link", { name: "+14155550102" }).click();
		const line = page.getByRole("list").filter({ hasText: "Ringing" });
		await line.getByText("Ended after 1 min 15 s").waitFor();
		site.state.calls[2].events.push({ status: "news", sequence: 9,
			at: iso(Date.now()), duration: null, error_code: "11200" });
		await line.getByText("news (Twilio's error 11200)").waitFor();
		return page;
	},

	async queues(site, browser) {
		fill(site.state);
		const page = await opened(site, browser);
		await view(page, "Queues");
		await page.getByRole("link", { name: "ai" }).click();
		const list = page.getByRole("list", { name: "On the queue ai" });
		await list.getByText("never acknowledged").waitFor();
		assert.equal(await list.getByRole("listitem").count(), 4);
		await page.getByRole("button", { name: "Redrive" }).click();
		await eventually(async () => await list.getByText("never").count() === 0,
			"redriven");
		assert.equal(await page.getByRole("button", { name: "Redrive" }).count(),
			0);
		return page;
	},

	async today(site, browser) {
		fill(site.state);
		const page = await opened(site, browser);
		await view(page, "Today");
		await page.getByRole("img", { name: /^Messages: \d+ in 24 h/ }).waitFor();
		await page.getByText("A wrong signature: 4").waitFor();
		site.state.ready = { status: "not ready", error: "Not ready: spool",
			checks: { store: "ok", spool: "not ready" } };
		await page.getByText("Messages have waited too long").waitFor();
		site.state.summary.not_ready = [{ check: "spool",
			reason: "12 messages since this morning" }];
		await page.getByText("12 messages since").waitFor();
		await page.getByText("As a table").first().click();
		site.state.summary.version = "9.9.9";
		await page.getByText("9.9.9").waitFor();
		await page.getByRole("columnheader", { name: "For the bot" }).waitFor();
		return page;
	},

	async no_connection(site, browser) {
		const c = site.state.conversation({ name: "Ada" });
		site.state.message(c);
		const page = await opened(site, browser);
		await choose(page, "Ada");
		site.state.broken = true;
		await page.getByText("No connection to the server").waitFor();
		await box(page).fill("still here");
		site.state.broken = false;
		site.state.message(c, { text: "back again" });
		await log(page).getByText("back again").waitFor();
		await eventually(async () => await page.getByText("No connection to")
			.count() === 0, "said no longer");
		assert.equal(await box(page).inputValue(), "still here");
		return page;
	},

	async thousands(site, browser) {
		for (let i = 0; i < 3000; i++) {
			const c = site.state.conversation({ id: `n${i}`,
				name: `Person ${String(i).padStart(4, "0")}` });
			site.state.message(c, { at: iso(Date.now() - i * 1000) });
			if (i >= 60)
				c.unanswered = 0;
		}
		const page = await opened(site, browser);
		const items = conversations(page).getByRole("listitem");
		await items.nth(49).waitFor();
		assert.equal(await items.count(), 50, "behind a page of unanswered ones");
		await page.getByRole("button", { name: "More" }).click();
		await eventually(async () => await items.count() === 110, "60 and 50");
		await page.getByRole("button", { name: "More" }).click();
		await eventually(async () => await items.count() === 160, "a page more");
		const texts = await items.allInnerTexts();
		assert.ok(texts.every((t, i) => t.includes(
			`Person ${String(i).padStart(4, "0")}`)), "in order");
		assert.equal(await page.title(), "(60) Inbox – Switchhook");
		// Who writes anew is the first, and is there once.
		site.state.message(site.state.conversations.get("n130"), {});
		await eventually(async () => (await items.first().innerText()).includes(
			"Person 0130"), "moved");
		assert.equal(await items.getByText("Person 0130").count(), 1);
		return page;
	},

	async the_viewers_zone(site, browser) {
		const c = site.state.conversation({ name: "Ada" });
		const at = new Date();
		at.setUTCHours(at.getUTCHours(), 7, 0, 0);
		site.state.message(c, { at: iso(at.getTime()) });
		for (const timezoneId of ["Asia/Kathmandu", "America/St_Johns"]) {
			const page = await opened(site, browser, ADMIN, { timezoneId });
			await choose(page, "Ada");
			const there = new Intl.DateTimeFormat("en-GB", { timeZone:
				timezoneId, hour: "2-digit", minute: "2-digit" }).format(at);
			assert.ok((await log(page).innerText()).includes(there), there);
			await page.context().close();
		}
	},

	async hostile(site, browser) {
		poison(site.state);
		const page = await opened(site, browser);
		const seen = [];
		const look = async (what) => {
			await sound(page, what);
			await accessible(page, what);
			seen.push(await page.evaluate(() => document.body.innerText));
		};
		await row(page, 0).waitFor();
		await look("Inbox");
		await row(page, 0).getByRole("link").click();
		await log(page).waitFor();
		await look("a thread");
		const links = await log(page).getByRole("link").evaluateAll((all) =>
			all.map((a) => [a.protocol, a.rel, a.target]));
		assert.deepEqual(links, [["https:", "noreferrer", "_blank"]],
			"links are https alone");
		for (const [name, one] of [["Calls", "#calls/CAx"],
			["Queues", `#queues/${encodeURIComponent(HOSTILE)}`], ["Today"]]) {
			await view(page, name);
			await page.waitForTimeout(500);
			if (one) {
				await page.evaluate((hash) => {
					location.hash = hash;
				}, one);
				await page.waitForTimeout(500);
			}
			await look(name);
		}
		for (const [i, text] of seen.entries())
			assert.ok(text.includes("<img src=x onerror"), `as text: ${i}`);
		return page;
	},

	async long_text(site, browser) {
		const c = site.state.conversation({ name: "W".repeat(300) });
		const texts = ["\u{1f600}".repeat(1600), "x".repeat(1600),
			"\u202e\u2066abc\u0000\u0007\u001b[31m", "\u0301".repeat(400)];
		for (const text of texts)
			site.state.message(c, { text });
		for (const width of [360, 1280]) {
			const page = await opened(site, browser, ADMIN,
				{ viewport: { width, height: 700 } });
			await row(page, 0).getByRole("link").click();
			await log(page).waitFor();
			const text = await log(page).evaluate((l) => l.textContent);
			for (const part of [texts[0], texts[1], "abc\u2400\u2407\u241b[31m"])
				assert.ok(text.includes(part), "as it came");
			assert.ok(await log(page).evaluate((l) =>
				l.scrollWidth <= l.clientWidth), "not wider");
			await sound(page, `long text at ${width}`);
			await page.context().close();
		}
	},

	async by_keyboard(site, browser) {
		fill(site.state);
		const page = await tab(browser, site.url);
		const key = (k) => page.keyboard.press(k);
		const name = () => page.evaluate(() => {
			const e = document.activeElement;
			return `${e.tagName} ${e.getAttribute("aria-label") ??
				e.labels?.[0]?.innerText ?? e.innerText ?? ""}`;
		});
		const to = async (what, k = "Tab") => {
			const passed = [];
			for (let i = 0; i < 60; i++) {
				await key(k);
				passed.push(await name());
				if (passed.at(-1).includes(what))
					return;
			}
			assert.fail(`no ${what} among ${passed.join(" | ")}`);
		};
		await page.keyboard.type(ADMIN);
		await key("Enter");
		await row(page, 0).waitFor();
		await to("Search");
		await page.keyboard.type("Ada");
		await eventually(async () => await conversations(page).getByRole(
			"listitem").count() === 1, "found");
		await to("Ada Byron");
		await key("Enter");
		await log(page).waitFor();
		assert.match(await name(), /^H2 Ada/, "the focus goes along");
		await to("Hand back");
		await key(" ");
		await page.getByRole("button", { name: "Take over" }).waitFor();
		await to("Messages");
		await to("Resend");
		await to("Reply");
		await page.keyboard.type("by keyboard");
		await key("Enter");
		await log(page).getByText("by keyboard").waitFor();
		await to("Send");
		for (const [there, thing] of [["Calls", "+14155550100"],
			["Queues", "ai"], ["Today", "As a table"]]) {
			await to(there, "Shift+Tab");
			await key("Enter");
			await page.getByRole("heading", { name: there, level: 1 }).waitFor();
			await page.waitForTimeout(400);
			await to(thing);
			await key("Enter");
			await page.waitForTimeout(400);
		}
		await to("Sign out", "Shift+Tab");
		await key("Enter");
		await page.getByRole("textbox", { name: "Token" }).waitFor();
		return page;
	},

	async narrow(site, browser) {
		fill(site.state);
		const page = await opened(site, browser, ADMIN,
			{ viewport: { width: 360, height: 640 } });
		await choose(page, "Ada Byron");
		assert.equal(await conversations(page).isVisible(), false);
		await box(page).waitFor();
		await page.getByRole("link", { name: "All conversations" }).click();
		await conversations(page).waitFor();
		assert.match(await page.evaluate(() => document.activeElement.innerText),
			/^Ada/, "back where it was");
		return page;
	},
};

// Each view, light and dark, wide and narrow: a picture, and axe-core.
for (const colorScheme of ["light", "dark"])
	for (const [size, width, height] of [["wide", 1280, 800],
		["narrow", 360, 740]])
		cases[`views_${colorScheme}_${size}`] = async (site, browser) => {
			fill(site.state);
			const page = await tab(browser, site.url, { colorScheme,
				viewport: { width, height } });
			const shoot = async (name) => {
				await sound(page, name);
				await page.mouse.move(0, 0);
				await page.screenshot({ path:
					`${shots}/${name}-${colorScheme}-${size}.png` });
				await accessible(page, `${name}, ${colorScheme}, ${size}`);
			};
			await shoot("sign-in");
			await signIn(page, ADMIN);
			await row(page, 0).waitFor();
			await shoot("inbox");
			await choose(page, "Ada Byron");
			await shoot("thread");
			for (const [name, one] of [["Calls", "#calls/CA" +
				"2".padStart(32, "0")], ["Queues", "#queues/ai"], ["Today"]]) {
				await view(page, name);
				await page.waitForTimeout(400);
				await shoot(name.toLowerCase());
				if (!one)
					continue;
				await page.evaluate((hash) => {
					location.hash = hash;
				}, one);
				await page.waitForTimeout(400);
				await shoot(`${name.toLowerCase()}-one`);
			}
			return page;
		};

async function run(browser, name) {
	const site = await serve(folder);

	try {
		const page = await cases[name](site, browser);
		if (page) {
			await sound(page, name);
			await page.context().close();
		}
	} finally {
		site.close();
	}
}

mkdirSync(shots, { recursive: true });
const browser = await launch();
const left = names.length > 0 ? names : Object.keys(cases);
const failures = [];
let passed = 0;

await Promise.all(Array.from({ length: AT_A_TIME }, async () => {
	while (left.length > 0) {
		const name = left.shift();
		try {
			await run(browser, name);
			passed++;
		} catch (error) {
			failures.push(`${name}: ${error.stack ?? error}`.slice(0, 1500));
		}
	}
}));
await browser.close();
process.stdout.write(`${JSON.stringify({ passed, failures })}\n`);
