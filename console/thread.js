// One conversation: both sides, who has it, and the answer.
import { announce, button, dayOf, el, keyed, many, once, put, visible, when,
	words }
	from "./dom.js";
import { get, poll, post, query } from "./api.js";
import { OPEN_STATES, REPLY_STATES, ROUTES, callName, why, word }
	from "./words.js";
import { composer } from "./composer.js";

const FRESH_MS = 2000;
const PAGE = 50;
const NEAR_PX = 80; // to the end, within which new messages scroll

// ---- one message

function media(item) {
	const kind = item.content_type ? ` (${visible(item.content_type)})` : "";
	let url = null;

	try {
		url = new URL(item.url);
	} catch {
		// Not shown as a link.
	}
	if (url?.protocol !== "https:")
		return el("p", { class: "media" },
			`An attachment without an https link${kind}`);
	return el("p", { class: "media" },
		el("a", { href: url.href, rel: "noreferrer", target: "_blank" },
			`Attachment${kind}`,
			el("span", { class: "unseen" }, ", opens in a new tab")));
}

function author(m, customer) {
	if (m.direction === "inbound")
		return [words(customer, { class: "author" })];
	if (m.author === "machine")
		return [el("span", { class: "author" }, "Bot")];
	return [words(m.author || "Us", { class: "author" })];
}

function state(m, act) {
	if (m.direction === "inbound")
		return m.route && m.route !== "ai" && m.route !== "human"
			? el("p", { class: "state" }, word(ROUTES, m.route)) : null;
	const reason = why(m);
	const stuck = m.state === "queued" && reason !== "";
	const bad = OPEN_STATES.includes(m.state) || m.state === "undelivered";
	const text = word(REPLY_STATES, m.state) + (reason ? `: ${reason}` : "");

	return el("div", { class: bad ? "state bad" : "state" },
		el("p", {}, words(text)),
		m.state === "unknown" && el("p", {}, "Twilio did not say whether it " +
			"took this. Send it again only if the customer has not got it."),
		(OPEN_STATES.includes(m.state) || stuck) && el("p", { class: "acts" },
			!stuck && button("Resend", once(() => act(m, "resend"))),
			button("Drop", once(() => act(m, "drop")))));
}

function message(m, customer, act) {
	return [
		el("p", { class: "by" }, author(m, customer), " ",
			when(m.at, "clock")),
		m.text && el("p", { class: "text", dir: "auto" }, visible(m.text)),
		m.text === null && !(m.media ?? []).length && el("p", { class: "gone" }, "Text no longer kept"),
		(m.media ?? []).map(media),
		state(m, act),
	];
}

// ---- the whole

// Who took it over, or handed it back, and when: as far as is known, the last.
function turn(c) {
	const who = c.handoff_by ? [words(c.handoff_by), " "] : [];

	return [when(c.handoff_at, "clock"), " ", who,
		who.length > 0 ? c.handoff ? "took over" : "handed back"
			: c.handoff ? "Taken over" : "Handed back"];
}

// Messages by day, the oldest first, and the turn between them. whole: there
// are no earlier ones.
function rows(messages, c, whole) {
	const { handoff, handoff_at, handoff_by } = c;
	const mark = { turn: { handoff, handoff_at, handoff_by }, key: "turn" };
	const out = [];
	let last = null, turned = handoff_at === null;

	for (const m of messages) {
		if (!turned && m.at > handoff_at && (whole || last !== null))
			out.push(mark);
		turned ||= m.at > handoff_at;
		const day = dayOf(m.at);
		if (day !== last)
			out.push({ day, key: `day ${m.at.slice(0, 10)} ${day}` });
		last = day;
		out.push({ ...m, key: m.id });
	}
	if (!turned)
		out.push(mark);
	return out;
}

function whoHasIt(c) {
	const since = c.handoff_at ? [" since ", when(c.handoff_at)] : [];
	const by = c.handoff_by ? [" (", words(c.handoff_by), ")"] : [];

	return c.handoff ? ["People answer", since, by]
		: c.handoff_at ? ["The bot answers, handed back ",
			when(c.handoff_at), by]
			: ["The bot answers"];
}

export function thread(box, id, { trouble, changed }) {
	const path = `api/conversations/${encodeURIComponent(id)}`;
	const known = new Map();
	let conversation = null, older = null, drawn = false, stopped = false;
	let hand = null;

	const heading = el("h2", { tabindex: "-1" }, "…");
	const details = el("p", { class: "details" });
	const owner = el("p", { class: "owner" });
	const acts = el("div", { class: "hand" });
	const earlier = button("Earlier messages", once(showEarlier),
		{ class: "more", hidden: true });
	const list = el("div", { class: "messages" });
	const none = el("p", { class: "note" }, "No messages are kept.");
	const log = el("div", { class: "scroll log", role: "log",
		"aria-label": "Messages", tabindex: "0" }, earlier, none,
		list);
	const newer = button("New messages", () => toEnd(),
		{ class: "newer", hidden: true });
	const problem = el("p", { class: "problem", role: "alert" });
	const foot = composer(id, path, { sent, said: () => conversation });

	log.addEventListener("scroll", () => {
		if (nearEnd())
			newer.hidden = true;
	});

	function nearEnd() {
		return log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_PX;
	}

	function toEnd() {
		log.scrollTop = log.scrollHeight;
		newer.hidden = true;
	}

	function drawHead() {
		const c = conversation;
		const others = (c.addresses ?? []).filter((a) => a !== c.tel);

		heading.replaceChildren(words(callName(c)));
		put(details, words(c.tel ?? ""),
			others.map((a) => [" · ", words(a)]),
			c.opted_out && el("span", { class: "tag out" }, "Opted out"));
		put(owner, whoHasIt(c));
		if (hand === null || hand.handoff !== c.handoff) {
			const had = hand !== null && acts.contains(document.activeElement);
			hand = button(c.handoff ? "Hand back" : "Take over",
				once(handOver));
			hand.handoff = c.handoff;
			acts.replaceChildren(hand);
			if (had)
				hand.focus();
		}
		foot.update(c);
	}

	function drawMessages() {
		const end = !drawn || nearEnd();
		const before = list.lastElementChild;
		const all = [...known.values()].sort((a, b) =>
			a.at < b.at ? -1 : a.at > b.at ? 1 : 0);
		const customer = callName(conversation);

		keyed(list, rows(all, conversation, older === null), {
			key: (m) => m.key,
			make: (m) => m.day || m.turn ? el("p", { class: "day" })
				: el("div", { class: `message ${m.direction}` }),
			update(node, m) {
				const had = node.contains(document.activeElement);
				put(node, m.day ?? (m.turn ? turn(m.turn)
					: message(m, customer, act)));
				if (had)
					(node.querySelector("button") ?? log).focus();
			},
		});
		none.hidden = all.length > 0;
		earlier.hidden = older === null;
		if (end)
			toEnd();
		else if (before !== list.lastElementChild)
			newer.hidden = false;
		drawn = true;
	}

	async function refresh() {
		const [c, page] = await Promise.all([
			get(path), get(query(`${path}/messages`, { limit: PAGE }))]);

		if (stopped)
			return;
		const first = conversation === null;
		conversation = c;
		// The oldest first: so they stay where their times are the same.
		for (const m of [...page.messages].reverse())
			known.set(m.id, m);
		if (first)
			older = page.next_page_token;
		drawHead();
		// What was there before is not news to be read out.
		if (first) {
			drawMessages();
			box.replaceChildren(...whole);
			toEnd();
			if (document.activeElement === document.body ||
			    document.activeElement === null ||
			    document.activeElement.tagName === "A")
				heading.focus();
			return;
		}
		drawMessages();
	}

	async function showEarlier() {
		try {
			const page = await get(query(`${path}/messages`,
				{ limit: PAGE, page_token: older }));
			const height = log.scrollHeight;
			for (const m of [...page.messages].reverse())
				if (!known.has(m.id))
					known.set(m.id, m);
			older = page.next_page_token;
			drawMessages();
			log.scrollTop += log.scrollHeight - height;
			if (older === null)
				log.focus();
		} catch (error) {
			say(error.message);
		}
	}

	function say(text) {
		problem.textContent = text;
	}

	async function handOver() {
		const to = !conversation.handoff;

		say("");
		try {
			const c = await post(`${path}/handoff`, { handoff: to });
			conversation = { ...conversation, ...c };
			drawHead();
			announce(to ? `Taken over${c.moved > 0
				? `, with ${many(c.moved, "waiting message")}` : ""}`
				: "Handed back to the bot");
			changed();
			poller.now();
		} catch (error) {
			say(error.message);
		}
	}

	async function act(m, what) {
		say("");
		try {
			const now = await post(`${path}/messages/${
				encodeURIComponent(m.id)}/${what}`);
			if (now?.id)
				known.set(now.id, now);
			drawMessages();
			announce(what === "drop" ? "Given up"
				: word(REPLY_STATES, now?.state ?? "queued"));
			poller.now();
		} catch (error) {
			say(error.message);
		}
	}

	function sent(m) {
		known.set(m.id, m);
		drawMessages();
		toEnd();
		changed();
		poller.now();
	}

	function failed(error) {
		if (error !== null && error.status === 404) {
			box.replaceChildren(back(), el("p", { class: "note" },
				"There is no such conversation (any more)."));
			poller.stop();
			return;
		}
		trouble(error);
	}

	const back = () => el("a", { href: "#inbox", class: "back" },
		"All conversations");
	const whole = [
		el("div", { class: "thread-top" }, back(),
			el("div", { class: "title" }, heading, details, owner), acts),
		log, newer, problem, foot.node];
	box.append(back(), el("p", { class: "note" }, "Loading …"));
	const poller = poll(refresh, FRESH_MS, failed);
	return {
		stop() {
			stopped = true;
			poller.stop();
		},
	};
}
