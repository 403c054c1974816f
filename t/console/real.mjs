// The page at /console of a real server, in Chromium: what a person does there
// with a conversation, from a signed webhook to the state of the answer.
//
// usage: node real.mjs SITE
//
// SITE is JSON: url (of the routes), twilio (the token that signs), admin and
// agent (tokens), slow (a process for each request). CHROMIUM names the browser.
// The last line is {"passed": 1, "failures": []}, or what went wrong.
import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { accessible, box, choose, conversations, eventually, launch, log, signIn,
	sound, tab, view } from "./browser.mjs";

const site = JSON.parse(process.argv[2]);
const OURS = "+14155238886", ADA = "+14155550171", NEW = "+14155550172";
const DEADLINE = site.slow ? 30000 : 15000;

async function webhook(route, parameters) {
	const url = site.url + route;
	const text = Object.keys(parameters).sort().map(
		(k) => k + parameters[k]).join("");
	const reply = await fetch(url, { method: "POST", headers: {
		"X-Twilio-Signature": createHmac("sha1", site.twilio).update(
			url + text).digest("base64") },
	body: new URLSearchParams(parameters) });

	assert.ok(reply.ok, `${route}: ${reply.status}`);
}

function sid(kind) {
	return kind + randomBytes(16).toString("hex");
}

function writes(from, name, text, more = {}) {
	return webhook("/whatsapp", { MessageSid: sid("SM"), SmsStatus: "received",
		From: `whatsapp:${from}`, To: `whatsapp:${OURS}`, Body: text,
		ProfileName: name, NumMedia: "0", AccountSid: `AC${"0".repeat(32)}`,
		...more });
}

async function api(path, object) {
	const reply = await fetch(`${site.url}/api/${path}`, {
		method: object ? "POST" : "GET", headers: {
			Authorization: `Bearer ${site.admin}`,
			...object ? { "Content-Type": "application/json" } : {} },
		body: object && JSON.stringify(object) });

	assert.ok(reply.ok, `${path}: ${reply.status} ${await reply.clone().text()}`);
	return reply.json();
}

async function look(page, what) {
	await accessible(page, what);
	await sound(page, what);
}

const browser = await launch();

async function answering(page) {
	await signIn(page, "guess");
	await page.getByRole("alert").getByText("wrong, or no longer").waitFor();
	await signIn(page, site.agent);
	const c = await api("conversations", { tel: ADA, id: "ada" });
	assert.equal(c.id, "ada");
	await writes(ADA, "Ada <b>B</b>", "Is anybody <i>there</i>?");
	await choose(page, "Ada <b>B</b>");
	await log(page).getByText("Is anybody <i>there</i>?").waitFor();
	assert.match(await page.title(), /^\(\d+\) Inbox/);
	await page.getByRole("button", { name: "Take over" }).click();
	await page.getByText(/People answer since .*ann/).waitFor();
	await box(page).fill("Ann here.");
	await box(page).press("Shift+Enter");
	await box(page).pressSequentially("How can I help?");
	await box(page).press("Enter");
	await log(page).getByText("How can I help?").waitFor();
	await eventually(async () => ["Delivered", "Read"].some(
		(w) => states.at(-1) === w) || !states.push((await log(page).locator(
		".outbound").last().locator(".state").innerText()).trim()),
	"its state arrives");
	assert.equal(await box(page).inputValue(), "");
	await writes(ADA, "Ada <b>B</b>", "Where is it?", { NumMedia: "1",
		MediaUrl0: "https://api.twilio.com/x", MediaContentType0: "image/png" });
	await log(page).getByText("Where is it?").waitFor();
	await log(page).getByRole("link", { name: /Attachment/ }).waitFor();
	await look(page, "the thread");
	await page.getByRole("button", { name: "Hand back" }).click();
	await page.getByText(/handed back .*ann/).waitFor();
	await writes(NEW, "New", "first");
	await api("conversations", { tel: NEW, id: "new" });
	await conversations(page).getByRole("link", { name: /New.*first/s }).waitFor();
	await page.getByRole("searchbox", { name: "Search" }).fill("550171");
	await eventually(async () => await conversations(page).getByRole(
		"listitem").count() === 1, "found", DEADLINE);
	await view(page, "Queues");
	await page.getByText("Only the administrator's token").waitFor();
	await page.getByRole("button", { name: "Sign out" }).click();
}
const states = [];

async function watching(page) {
	const call = sid("CA");
	for (const [n, CallStatus] of ["ringing", "in-progress",
		"completed"].entries())
		await webhook("/call-status", { CallSid: call, CallStatus,
			SequenceNumber: String(n), From: ADA, To: OURS,
			Direction: "inbound", AccountSid: `AC${"0".repeat(32)}`,
			...CallStatus === "completed" ? { CallDuration: "61" } : {} });
	await signIn(page, site.admin);
	// The view that was open.
	await page.getByRole("link", { name: "ai", exact: true }).click();
	const list = page.getByRole("list", { name: "On the queue ai" });
	await list.getByText("first").waitFor();
	await look(page, "Queues");
	await view(page, "Calls");
	await page.getByRole("link", { name: ADA }).click();
	await page.getByText("Ended after 1 min 1 s").waitFor();
	await look(page, "Calls");
	await view(page, "Today");
	await page.getByText("All is well").waitFor();
	await page.getByRole("img", { name: /^Messages: \d+ in 24/ }).waitFor();
	await page.getByRole("img", { name: /^Replies: 1 in 24/ }).waitFor();
	await page.getByRole("img", { name: /^Calls: 3 in 24/ }).waitFor();
	await look(page, "Today");
}

let result = { passed: 1, failures: [] };
try {
	// With a slash, as people type it.
	const page = await tab(browser, `${site.url}/console/`);
	assert.equal(page.url(), `${site.url}/console`);
	page.setDefaultTimeout(DEADLINE);
	await answering(page);
	await watching(page);
} catch (error) {
	result = { passed: 0, failures: [`${error.stack ?? error}\n${states}`] };
}
await browser.close();
process.stdout.write(`${JSON.stringify(result)}\n`);
