// What the screenshots show, and some tests: a day at a shop, made up.
import { iso } from "./mock.mjs";

const MIN = 60000;

const PEOPLE = [
	["Ada Byron", "+14155550101", "Is the blue one back in stock?"],
	["Grace H.", "+14155550102", "Thank you, that was quick!"],
	[null, "+14155550103", "Hello?"],
	["Zoë Müller-Lüdenscheidt", "+4915155501234", "Können Sie mir die Rechnung noch einmal schicken? Sie ist bei mir nicht angekommen, auch nicht im Spam."],
	["أحمد", "+96655501234", "متى يصل الطلب؟"],
	["Tomás", "+5511955501234", "Perfeito, obrigado"],
	["Mary J.", "+14155550107", "STOP"],
	["Sam", "+14155550108", "Where is my parcel?"],
];

export function fill(state) {
	const now = Date.now();

	PEOPLE.forEach(([name, tel, text], i) => {
		const c = state.conversation({ id: `c${i}`, name, tel,
			handoff: i % 3 === 0, opted_out: text === "STOP" });
		if (c.handoff)
			Object.assign(c, { handoff_at: iso(now - 50 * MIN),
				handoff_by: "Ann" });
		state.message(c, { at: iso(now - (i + 90) * MIN), text: "Hi" });
		if (i % 2 === 1 || i === 0)
			state.message(c, { at: iso(now - (i + 89) * MIN), author: "machine",
				text: "Hello! How can I help?", direction: "outbound",
				state: "read", route: null });
		state.message(c, { at: iso(now - (i * 7 + 3) * MIN), text });
	});
	thread(state, now);
	calls(state, now);
	queues(state, now);
	summary(state, now);
}

function thread(state, now) {
	const c = state.conversations.get("c0");
	const old = state.messages.get("c0");
	const say = (min, more) => state.message(c, { at: iso(now - min * MIN),
		...more });
	const last = old.pop();

	old.unshift(...[1500, 1490].map((min, i) => ({ ...old[i],
		id: `old${i}`, at: iso(now - min * MIN), text: ["Do you open on " +
			"Sundays?", "We do, from 10 to 4."][i] })));
	say(48, { direction: "outbound", author: "Ann", state: "delivered",
		text: "Ann here, from the shop. I'll have a look in the store room.",
		route: null });
	say(40, { text: "This one, in size 38:", media: [
		{ url: "https://api.twilio.com/2010-04-01/Accounts/AC0/Media/ME1",
			content_type: "image/jpeg" }] });
	say(30, { direction: "outbound", author: "Ann", state: "failed",
		error_code: 63016, text: "I'll write again tomorrow.", route: null });
	say(20, { direction: "outbound", author: "Ann", state: "unknown",
		text: "It comes in on Friday. Shall I keep one for you?", route: null });
	old.push({ ...last });
	Object.assign(c, { unanswered: 1, last_text: last.text, last_at: last.at });
}

function calls(state, now) {
	const states = ["in-progress", "ringing", "completed", "busy", "no-answer",
		"completed", "failed", "completed", "completed"];

	state.calls = states.map((status, i) => {
		const start = now - (i * i * 7 + 1) * MIN;
		const over = !["in-progress", "ringing"].includes(status);
		const end = start + (over ? 75000 : 0);
		return { sid: `CA${String(i).padStart(32, "0")}`, status,
			direction: i % 4 === 3 ? "outbound-dial" : "inbound",
			from: `+1415555010${i}`, to: "+14155550199",
			parent_call_sid: null, start_time: new Date(start).toUTCString(),
			end_time: over ? new Date(end).toUTCString() : null,
			duration: over ? String(status === "completed" ? 75 : 0) : null,
			date_created: new Date(start).toUTCString(),
			date_updated: new Date(end).toUTCString(),
			events: ["ringing", ...i === 1 ? [] : ["in-progress"],
				...over ? [status] : []].map((s, n) => ({ status: s,
				sequence: n, at: iso(start + n * 37500),
				duration: s === "completed" ? "75" : null,
				error_code: null })) };
	});
}

function queues(state, now) {
	const item = (i, more) => ({ id: String(i), queue: "ai",
		conversation_id: `c${i % 8}`, from: `whatsapp:+1415555010${i % 10}`,
		text: PEOPLE[i % 8][2], at: iso(now - i * MIN),
		available_at: iso(now - i * MIN + 30000), attempts: 0, state: "ready",
		reason: null, ...more });

	state.queues.set("ai", [item(1, { state: "delayed",
		available_at: iso(now + 25000) }), item(2),
	item(3, { state: "taken", attempts: 1 }),
	item(7, { state: "dead", attempts: 10,
		reason: "received 10 times and never acknowledged" })]);
	for (const name of ["human", "unrouted", "digits"])
		state.queues.set(name, []);
	state.summary.queues = ["ai", "human", "unrouted", "digits"].map(
		(name) => ({ name, role: name, url: `sqlite:${name}`, ready: 0,
			delayed: 0, taken: 0, dead: 0, oldest_at: null }));
	Object.assign(state.summary.queues[0], { ready: 1, delayed: 1, taken: 1,
		dead: 1, oldest_at: iso(now - 3 * MIN) });
}

function summary(state, now) {
	const hour = Math.floor(now / 3600000) * 3600000;

	state.summary.last_webhook_at = iso(now - MIN);
	state.summary.hours = [...Array(24).keys()].map((i) => {
		const busy = Math.max(0, Math.round(20 * Math.sin((i - 4) / 6)));
		return { at: iso(hour - (23 - i) * 3600000),
			messages: { ai: busy * 3, human: busy, unrouted: i % 7 === 0 ? 2 : 0 },
			replies: { delivered: busy * 2, read: busy,
				failed: i % 11 === 10 ? 1 : 0 },
			calls: { completed: busy, busy: Math.floor(busy / 6) },
			refusals: i === 15 ? { wrong: 4 } : {} };
	});
}
