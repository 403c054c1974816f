// Chromium, as Debian has it, driven through playwright-core; what every case
// of the page wants to hold beside its own.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(import.meta.url);
const { chromium } = require("playwright-core");
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

export function launch() {
	return chromium.launch({ executablePath: process.env.CHROMIUM,
		args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
}

/*
 * A tab of its own. What goes wrong in it without showing (an error of a
 * script, a breach of the policy, a request elsewhere, a dialog) is in faults.
 */
export async function tab(browser, url, options = {}) {
	const context = await browser.newContext({ locale: "en-GB",
		viewport: { width: 1280, height: 800 }, ...options });
	const page = await context.newPage();
	const origin = new URL(url).origin;

	page.faults = [];
	page.on("console", (m) => {
		// The browser tells of every status; what it means is the page's.
		if (m.type() === "error" && !m.text().startsWith("Failed to load"))
			page.faults.push(m.text());
	});
	page.on("pageerror", (e) => page.faults.push(e.message));
	page.on("dialog", (d) => {
		page.faults.push(`dialog: ${d.message()}`);
		d.dismiss();
	});
	page.on("request", (r) => {
		if (new URL(r.url()).origin !== origin)
			page.faults.push(`a request to ${r.url()}`);
	});
	page.setDefaultTimeout(15000);
	await page.goto(url);
	return page;
}

export async function signIn(page, token) {
	await page.getByRole("textbox", { name: "Token" }).fill(token);
	await page.getByRole("button", { name: "Sign in" }).click();
}

export async function view(page, name) {
	await page.getByRole("navigation").getByRole("link",
		{ name, exact: true }).click();
	await page.getByRole("heading", { name, level: 1 }).waitFor();
}

export function conversations(page) {
	return page.getByRole("list", { name: "Conversations" });
}

export async function choose(page, name) {
	await conversations(page).getByRole("link", { name }).click();
	await page.getByRole("log", { name: "Messages" }).waitFor();
}

export function log(page) {
	return page.getByRole("log", { name: "Messages" });
}

export function box(page) {
	return page.getByRole("textbox", { name: "Reply" });
}

// By axe-core: nothing that it knows to be wrong.
export async function accessible(page, what) {
	await page.evaluate(AXE);
	const found = await page.evaluate(() => globalThis.axe.run(document));

	assert.deepEqual(found.violations.map((v) => `${v.id}: ${v.nodes.map(
		(n) => n.html.slice(0, 120) + n.failureSummary).join("; ")}`),
	[], `axe-core on ${what}`);
}

// What holds whatever is shown.
export async function sound(page, what) {
	const bad = await page.evaluate(() => ({
		styled: [...document.querySelectorAll(
			"[style]:not([style=''])")].map(
			(e) => e.outerHTML.slice(0, 200)),
		scripts: document.scripts.length,
		foreign: [...document.querySelectorAll("main *")].filter((e) =>
			["IMG", "SCRIPT", "IFRAME", "OBJECT", "STYLE", "LINK", "META",
				"BASE"].includes(e.tagName) || [...e.attributes].some((a) =>
				a.name.startsWith("on"))).length,
		hit: globalThis.hit ?? null,
		wider: [document.scrollingElement,
			...document.querySelectorAll("main, .scroll")].filter(
			(e) => e.scrollWidth > e.clientWidth).map((e) => e.outerHTML
			.slice(0, 100)),
	}));

	assert.deepEqual(bad, { styled: [], scripts: 1, foreign: 0, hit: null,
		wider: [] }, what);
	assert.deepEqual(page.faults, [], what);
}

export async function eventually(check, what, ms = 15000) {
	const end = Date.now() + ms;
	let last;

	while (Date.now() < end) {
		try {
			if (await check())
				return;
			last = "";
		} catch (error) {
			last = error.message;
		}
		await new Promise((done) => setTimeout(done, 50));
	}
	assert.fail(`${what} within ${ms} ms ${last}`);
}
