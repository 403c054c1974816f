// Conversations, unanswered ones first, and the one that is open.
import { announce, button, el, keyed, line, many, once, put, when, words }
	from "./dom.js";
import { get, poll, query } from "./api.js";
import { thread } from "./thread.js";
import { callName } from "./words.js";

const FRESH_MS = 5000;
const PAGE = 50;
const TYPED_MS = 250;

// A number is found however it is written.
function sought(text) {
	return /^[\d\s()+./-]+$/.test(text) ? text.replace(/[^\d+]/g, "") : text;
}

function make(c) {
	return el("li", {}, el("a", { href: `#inbox/${encodeURIComponent(c.id)}` }));
}

function describe(node, c) {
	const tags = [
		c.unanswered > 0 && el("span", { class: "count" },
			el("span", { "aria-hidden": "true" }, String(c.unanswered)),
			el("span", { class: "unseen" }, ` ${c.unanswered} unanswered `)),
		el("span", { class: c.handoff ? "tag people" : "tag" },
			c.handoff ? "People" : "Bot"),
		c.opted_out && el("span", { class: "tag out" }, "Opted out"),
	];
	const link = node.firstElementChild;

	link.className = c.unanswered > 0 ? "row unanswered" : "row";
	put(link,
		el("span", { class: "row-top" }, words(callName(c), { class: "name" }),
			c.last_at ? when(c.last_at, "short") : ""),
		c.name && c.tel && words(c.tel, { class: "tel" }),
		el("span", { class: "row-low" },
			words(line(c.last_text), { class: "last" }),
			el("span", { class: "tags" }, tags)));
}

/*
 * A list of pages: the first is asked for again and again, further ones once,
 * for whoever wants to see more. What has moved since is where it is newest.
 */
function pages(filter) {
	let rest = [], next = null, more = false, first = [];

	return {
		async refresh() {
			const page = await get(query("api/conversations", filter()));
			first = page.conversations;
			if (!more)
				next = page.next_page_token;
		},
		async more() {
			const page = await get(query("api/conversations",
				{ ...filter(), page_token: next }));
			more = true;
			rest = rest.concat(page.conversations);
			next = page.next_page_token;
		},
		reset() {
			rest = [];
			more = false;
		},
		first: () => first,
		rest: () => rest,
		next: () => next,
	};
}

export function inbox(main, arg, { title, trouble }) {
	const search = el("input", { type: "search", id: "search",
		autocomplete: "off", spellcheck: "false", oninput: typed,
		placeholder: "Name or number" });
	const show = el("select", { id: "show", onchange: again },
		el("option", { value: "" }, "All"),
		el("option", { value: "true" }, "With people"),
		el("option", { value: "false" }, "With the bot"));
	const list = el("ul", { class: "list", role: "list",
		"aria-label": "Conversations" });
	const none = el("p", { class: "note", hidden: true });
	const more = button("More", once(showMore), { class: "more", hidden: true });
	const box = el("section", { class: "thread", "aria-label": "Conversation" });
	const heading = el("h1", { class: "unseen", tabindex: "-1" }, "Inbox");
	const filter = (unanswered) => () => ({ unanswered, limit: PAGE,
		q: sought(search.value.trim()), handoff: show.value });
	const waiting = pages(filter("true")), others = pages(filter("false"));
	let open = null, openId = "", timer = null, waited = null;
	let stopped = false;

	function draw() {
		const fresh = new Set([...waiting.first(), ...others.first()].map(
			(c) => c.id));
		const stale = (c) => fresh.has(c.id);
		const items = [...waiting.first(),
			...waiting.rest().filter((c) => !stale(c))];

		// Behind a list that goes on nothing else can stand.
		if (waiting.next() === null)
			items.push(...others.first(),
				...others.rest().filter((c) => !stale(c)));
		keyed(list, items, { key: (c) => c.id, make, update: describe });
		mark();
		none.hidden = items.length > 0;
		none.textContent = search.value.trim() || show.value
			? "Nothing fits." : "Nobody has written yet.";
		more.hidden = (waiting.next() ?? others.next()) === null;
		tell();
	}

	function tell() {
		const n = waiting.first().length + waiting.rest().length;
		const text = `${waiting.next() === null ? n : `${n}+`}`;

		title(n > 0 ? `(${text}) Inbox` : "Inbox");
		if (waited !== null && n > waited)
			announce(`${many(n, "conversation")} unanswered`);
		waited = n;
	}

	function mark() {
		for (const row of list.children) {
			const link = row.firstElementChild;
			if (link.hash === `#inbox/${encodeURIComponent(openId)}`)
				link.setAttribute("aria-current", "true");
			else
				link.removeAttribute("aria-current");
		}
	}

	async function refresh() {
		const asked = JSON.stringify(filter("")());

		await Promise.all([waiting.refresh(), others.refresh()]);
		if (!stopped && asked === JSON.stringify(filter("")()))
			draw();
	}

	async function showMore() {
		const part = waiting.next() === null ? others : waiting;

		try {
			await part.more();
			draw();
		} catch (error) {
			trouble(error);
		}
	}

	function again() {
		waiting.reset();
		others.reset();
		waited = null;
		poller.now();
	}

	function typed() {
		clearTimeout(timer);
		timer = setTimeout(again, TYPED_MS);
	}

	function go(id) {
		if (id === openId)
			return;
		const before = openId;
		open?.stop();
		open = null;
		openId = id;
		main.classList.toggle("opened", id !== "");
		box.replaceChildren();
		mark();
		if (id !== "") {
			open = thread(box, id, { trouble, changed: () => poller.now() });
			return;
		}
		box.append(el("p", { class: "note empty" },
			"Choose a conversation."));
		// Back to where it was chosen.
		const link = [...list.querySelectorAll("a")].find(
			(a) => a.hash === `#inbox/${encodeURIComponent(before)}`);
		(link ?? heading).focus();
	}

	main.append(heading,
		el("section", { class: "side", "aria-label": "All conversations" },
			el("div", { class: "side-top filters" },
				el("div", { class: "field grow" },
					el("label", { for: "search" }, "Search"), search),
				el("div", { class: "field" },
					el("label", { for: "show" }, "Show"), show)),
			el("div", { class: "scroll" }, list, none, more)),
		box);
	if (arg === "")
		box.append(el("p", { class: "note empty" }, "Choose a conversation."));
	const poller = poll(refresh, FRESH_MS, trouble);
	go(arg);
	return {
		go,
		stop() {
			stopped = true;
			clearTimeout(timer);
			poller.stop();
			open?.stop();
		},
	};
}
