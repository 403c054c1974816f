// The queues, and what is on one of them.
import { age, announce, button, el, keyed, line, many, once, put, span, when,
	words }
	from "./dom.js";
import { get, poll, post, query } from "./api.js";
import { refused } from "./admin.js";
import { ITEM_STATES, word } from "./words.js";

const FRESH_MS = 5000;
const PAGE = 50;

// ---- one queue

function itemState(item) {
	return [el("span", { class: item.state === "dead" ? "call bad"
		: item.state === "taken" ? "call live" : "call over" },
	item.state === "delayed" ? ["Due at ", when(item.available_at, "seconds")]
		: word(ITEM_STATES, item.state)),
	item.attempts > 0 && el("span", { class: "dim" },
		` ${many(item.attempts, "attempt")}`),
	];
}

function draw(node, item) {
	put(node,
		el("p", { class: "by" }, words(line(item.from) || "–",
			{ class: "author" }), " ", when(item.at)),
		el("p", { class: "text", dir: "auto" }, words(line(item.text))),
		el("p", { class: "state" }, itemState(item)),
		item.reason && el("p", { class: "state bad" }, words(item.reason)),
		item.conversation_id && el("p", {}, el("a",
			{ href: `#inbox/${encodeURIComponent(item.conversation_id)}` },
			"Its conversation")));
}

function one(box, name, { trouble, changed }) {
	const path = `api/queues/${encodeURIComponent(name)}`;
	const heading = el("h2", { tabindex: "-1" }, name);
	const list = el("ul", { class: "items", role: "list",
		"aria-label": `On the queue ${name}` });
	const none = el("p", { class: "note", hidden: true }, "Nothing is on it.");
	const more = button("More", once(showMore), { class: "more", hidden: true });
	const redrive = button("Redrive", once(again), { hidden: true });
	const problem = el("p", { class: "problem", role: "alert" });
	const body = el("div", { class: "scroll pad", tabindex: "0",
		role: "region", "aria-label": "What is on it" }, none, list, more);
	let first = [], rest = [], next = null, paged = false, dead = 0;
	let elsewhere = false;

	function show() {
		keyed(list, [...first, ...rest], { key: (i) => i.id,
			make: () => el("li"), update: draw });
		none.hidden = first.length > 0;
		none.textContent = elsewhere ? "It is at SQS, which does not show " +
			"what is on it." : "Nothing is on it.";
		more.hidden = next === null;
		redrive.hidden = !(dead > 0);
	}

	async function refresh() {
		const page = await get(query(path, { limit: PAGE }));

		first = page.items;
		elsewhere = page.queue.dead === null;
		dead = page.queue.dead;
		if (!paged)
			next = page.next_page_token;
		show();
	}

	async function showMore() {
		try {
			const page = await get(query(path,
				{ limit: PAGE, page_token: next }));
			paged = true;
			rest = rest.concat(page.items);
			next = page.next_page_token;
			show();
		} catch (error) {
			problem.textContent = error.message;
		}
	}

	async function again() {
		problem.textContent = "";
		try {
			const done = await post(`${path}/redrive`);
			announce(`${many(done.redriven, "message")} back on the queue`);
			rest = [];
			paged = false;
			poller.now();
			changed();
			heading.focus();
		} catch (error) {
			problem.textContent = error.message;
		}
	}

	box.replaceChildren(el("div", { class: "thread-top" },
		el("a", { href: "#queues", class: "back" }, "All queues"),
		el("div", { class: "title" }, heading), redrive), problem, body);
	heading.focus();
	const poller = poll(refresh, FRESH_MS, (error) => {
		if (error?.status === 404) {
			poller.stop();
			body.replaceChildren(el("p", { class: "note" },
				"There is no such queue."));
		} else if (refused(error, body)) {
			poller.stop();
		} else {
			trouble(error);
		}
	});
	return poller;
}

// ---- all of them

// How much is to be done; null: a queue elsewhere, which does not say.
export function depth(q) {
	return q.ready === null ? null : q.ready + q.delayed + q.taken;
}

function row(node, q) {
	node.replaceChildren(
		el("td", {}, el("a", { href: `#queues/${encodeURIComponent(q.name)}` },
			words(q.name))),
		el("td", { class: "figure" }, String(depth(q) ?? "–")),
		el("td", { class: "figure" }, depth(q) > 0 ? span(age(q.oldest_at)) : "–"),
		el("td", { class: q.dead > 0 ? "figure bad" : "figure" },
			String(q.dead ?? "–")));
}

export function queues(main, arg, { trouble }) {
	const rows = el("tbody");
	const body = el("div", { class: "scroll", tabindex: "0", role: "region",
		"aria-label": "Queues" },
	el("table", {}, el("caption", { class: "unseen" }, "Queues"),
		el("thead", {}, el("tr", {},
			el("th", { scope: "col" }, "Queue"),
			el("th", { scope: "col", class: "figure" }, "On it"),
			el("th", { scope: "col", class: "figure" }, "Oldest"),
			el("th", { scope: "col", class: "figure" }, "Given up"))), rows));
	const box = el("section", { class: "thread", "aria-label": "Queue" });
	const heading = el("h1", { class: "unseen", tabindex: "-1" }, "Queues");
	let open = null, openName = "";

	async function refresh() {
		const summary = await get("api/summary");

		keyed(rows, summary.queues, { key: (q) => q.name, make: () => el("tr"),
			update: row });
	}

	function go(name) {
		const before = openName;
		if (name === before && open !== null)
			return;
		open?.stop();
		open = null;
		openName = name;
		main.classList.toggle("opened", name !== "");
		if (name !== "") {
			open = one(box, name, { trouble, changed: () => poller.now() });
			return;
		}
		box.replaceChildren(el("p", { class: "note empty" },
			"Choose a queue."));
		const link = [...rows.querySelectorAll("a")].find(
			(a) => a.hash === `#queues/${encodeURIComponent(before)}`);
		if (before !== "")
			(link ?? heading).focus();
	}

	main.append(heading, el("section", { class: "side",
		"aria-label": "All queues" }, body), box);
	const poller = poll(refresh, FRESH_MS, (error) => {
		if (refused(error, body)) {
			poller.stop();
			if (openName === "")
				box.replaceChildren();
		} else {
			trouble(error);
		}
	});
	go(arg);
	return {
		go,
		stop() {
			poller.stop();
			open?.stop();
		},
	};
}
