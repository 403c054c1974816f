// The log of calls, and one call's time line.
import { button, el, keyed, line, once, put, span, when, words } from "./dom.js";
import { get, poll, query } from "./api.js";
import { refused } from "./admin.js";
import { CALL_STATES, DIRECTIONS, word } from "./words.js";

const FRESH_MS = 5000;
const PAGE = 50;
const TYPED_MS = 400;
const HOUR_MS = 3600000;
const SPANS = [[1, "Last hour"], [24, "Last 24 hours"], [168, "Last 7 days"],
	[2160, "Last 90 days"]];
const OVER = ["completed", "busy", "failed", "no-answer", "canceled"];

// To the minute, so that what is asked stays the same for a while.
function moment(ms) {
	return new Date(Math.floor(ms / 60000) * 60000).toISOString()
		.replace(".000Z", "Z");
}

function choice(id, label, options, onchange) {
	const select = el("select", { id, onchange }, options.map(
		([value, text]) => el("option", { value }, text)));

	return [select, el("div", { class: "field" },
		el("label", { for: id }, label), select)];
}

function number(id, label, oninput) {
	const input = el("input", { id, type: "text", inputmode: "tel",
		autocomplete: "off", placeholder: "+14155550100", oninput });

	return [input, el("div", { class: "field" },
		el("label", { for: id }, label), input)];
}

function status(call) {
	return el("span", { class: `call ${OVER.includes(call.status)
		? call.status === "completed" ? "over" : "bad" : "live"}` },
	words(word(CALL_STATES, call.status)));
}

function draw(row, c) {
	put(row,
		el("td", { class: "moment" }, when(c.start_time)),
		el("td", {}, el("a", { href: `#calls/${encodeURIComponent(c.sid)}` },
			words(line(c.from) || "–")), " ",
			el("span", { class: "dim" }, "to ", words(line(c.to) || "–"))),
		el("td", { class: "wide" }, word(DIRECTIONS, c.direction)),
		el("td", {}, status(c), " ", el("span", { class: "dim" },
			c.duration > 0 ? span(c.duration) : "")));
}

// ---- one call

function timeLine(c) {
	return [
		el("dl", { class: "facts" },
			[["From", words(c.from ?? "–")], ["To", words(c.to ?? "–")],
				["Direction", word(DIRECTIONS, c.direction)],
				["Status", status(c)], ["Duration", span(c.duration)],
				["Call", words(c.sid, { class: "code" })]].map(
				([name, value]) => el("div", {}, el("dt", {}, name),
					el("dd", {}, value)))),
		c.parent_call_sid && el("p", {}, el("a",
			{ href: `#calls/${encodeURIComponent(c.parent_call_sid)}` },
			"The call that it belongs to")),
		el("h3", {}, "What happened"),
		el("ol", { class: "line", role: "list" }, (c.events ?? []).map(
			(e) => el("li", {}, when(e.at, "seconds"), " ",
				words(word(CALL_STATES, e.status)),
				e.duration !== null && e.duration !== undefined &&
					` after ${span(e.duration)}`,
				e.error_code && ` (Twilio's error ${line(e.error_code)})`))),
	];
}

function one(box, sid, trouble) {
	const heading = el("h2", { tabindex: "-1" }, "Call");
	const body = el("div", { class: "scroll pad" });
	let last = null;

	async function refresh() {
		const c = await get(
			`monitor-call/${encodeURIComponent(sid)}?source=log`);
		if (c === last)
			return;
		last = c;
		put(body, timeLine(c));
	}

	box.replaceChildren(el("div", { class: "thread-top" },
		el("a", { href: "#calls", class: "back" }, "All calls"), heading), body);
	heading.focus();
	const poller = poll(refresh, FRESH_MS, (error) => {
		if (error?.status === 404 || error?.status === 400) {
			poller.stop();
			body.replaceChildren(el("p", { class: "note" }, error.message));
		} else if (refused(error, body)) {
			poller.stop();
		} else {
			trouble(error);
		}
	});
	return poller;
}

// ---- all of them

export function calls(main, arg, { trouble }) {
	const [since, sinceField] = choice("since", "When", SPANS, again);
	const [state, stateField] = choice("status", "Status",
		[["", "Any"], ...Object.entries(CALL_STATES).filter(
			([k]) => k !== "answered" && k !== "initiated")], again);
	const [way, wayField] = choice("direction", "Direction",
		[["", "Any"], ...Object.entries(DIRECTIONS)], again);
	const [from, fromField] = number("from", "From", typed);
	const [to, toField] = number("to", "To", typed);
	const rows = el("tbody");
	const table = el("table", {}, el("caption", { class: "unseen" }, "Calls"),
		el("thead", {}, el("tr", {},
			el("th", { scope: "col", class: "moment" }, "Began"),
			el("th", { scope: "col" }, "Number"),
			el("th", { scope: "col", class: "wide" }, "Direction"),
			el("th", { scope: "col" }, "Status"))), rows);
	const none = el("p", { class: "note", hidden: true },
		"No calls that fit.");
	const more = button("More", once(showMore), { class: "more", hidden: true });
	const body = el("div", { class: "scroll", tabindex: "0", role: "region",
		"aria-label": "Calls" }, table, none, more);
	const box = el("section", { class: "thread", "aria-label": "Call" });
	let rest = [], first = [], next = null, paged = false, timer = null;
	let open = null, openSid = "";

	since.value = "24";

	function filter() {
		const now = Date.now();
		return { source: "log", limit: PAGE, status: state.value,
			direction: way.value, from: from.value.trim(),
			to: to.value.trim(),
			start_date: moment(now - since.value * HOUR_MS),
			end_date: moment(now + 24 * HOUR_MS) };
	}

	function show() {
		keyed(rows, [...first, ...rest], { key: (c) => c.sid,
			make: () => el("tr"), update: draw });
		none.hidden = first.length > 0;
		table.hidden = first.length === 0;
		more.hidden = next === null;
	}

	async function refresh() {
		const page = await get(query("batch-monitor-calls", filter()));

		first = page.calls;
		if (!paged)
			next = page.next_page_token;
		show();
	}

	async function showMore() {
		try {
			const { status: s, direction, from: f, to: t } = filter();
			const page = await get(query("batch-monitor-calls",
				{ source: "log", limit: PAGE, status: s, direction, from: f,
					to: t, page_token: next }));
			paged = true;
			rest = rest.concat(page.calls);
			next = page.next_page_token;
			show();
		} catch (error) {
			trouble(error);
		}
	}

	function again() {
		rest = [];
		paged = false;
		poller.now();
	}

	function typed() {
		clearTimeout(timer);
		timer = setTimeout(again, TYPED_MS);
	}

	function go(sid) {
		const before = openSid;
		if (sid === before && open !== null)
			return;
		open?.stop();
		open = null;
		openSid = sid;
		main.classList.toggle("opened", sid !== "");
		if (sid !== "") {
			open = one(box, sid, trouble);
			return;
		}
		box.replaceChildren();
		const link = [...rows.querySelectorAll("a")].find(
			(a) => a.hash === `#calls/${encodeURIComponent(before)}`);
		(link ?? heading).focus();
	}

	const heading = el("h1", { class: "unseen", tabindex: "-1" }, "Calls");
	const side = el("section", { class: "side",
		"aria-label": "All calls" },
	el("div", { class: "side-top filters" }, sinceField, stateField, wayField,
		fromField, toField), body);
	main.append(heading, side, box);
	const poller = poll(refresh, FRESH_MS, (error) => {
		if (refused(error, body)) {
			poller.stop();
			for (const field of side.querySelectorAll("select, input"))
				field.disabled = true;
		} else {
			trouble(error);
		}
	});
	if (arg !== "")
		go(arg);
	return {
		go,
		stop() {
			clearTimeout(timer);
			poller.stop();
			open?.stop();
		},
	};
}
