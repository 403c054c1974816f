// What happened in the last 24 hours, and what is wrong now.
import { age, el, line, many, span, svg, when } from "./dom.js";
import { get, poll, ready } from "./api.js";
import { refused } from "./admin.js";
import { depth } from "./queues.js";
import { CALL_STATES, CAUSES, CHECKS, REPLY_STATES, ROUTES, word } from "./words.js";

const FRESH_MS = 5000;
const HEIGHT = 100, STEP = 20, BAR = 14;

const CHARTS = [
	["messages", "Messages", ROUTES],
	["replies", "Replies", REPLY_STATES],
	["calls", "Calls", CALL_STATES],
	["refusals", "Requests with a wrong signature", CAUSES],
];

const hourOf = new Intl.DateTimeFormat(undefined,
	{ hour: "2-digit", minute: "2-digit" });

// The series of a chart, the largest first: [name, total].
function series(hours, key) {
	const totals = new Map();

	for (const h of hours)
		for (const [name, n] of Object.entries(h[key] ?? {}))
			totals.set(name, (totals.get(name) ?? 0) + n);
	return [...totals].filter(([, n]) => n > 0).sort((a, b) => b[1] - a[1]);
}

function bars(hours, key, names, top) {
	return hours.map((h, i) => {
		let y = HEIGHT;
		return names.map(([name], s) => {
			const n = h[key]?.[name] ?? 0;
			const height = n / top * HEIGHT;
			y -= height;
			return n > 0 && svg("rect", { x: i * STEP + 3, y, width: BAR,
				height, class: `s${Math.min(s, 5)}` });
		});
	});
}

function picture(hours, key, names, label) {
	const top = Math.max(1, ...hours.map((h) =>
		names.reduce((sum, [name]) => sum + (h[key]?.[name] ?? 0), 0)));
	const width = hours.length * STEP;

	return svg("svg", { viewBox: `0 0 ${width + 44} ${HEIGHT + 22}`,
		role: "img", "aria-label": label, class: "chart" },
	svg("line", { x1: 0, y1: HEIGHT, x2: width, y2: HEIGHT }),
	svg("line", { x1: 0, y1: 0.5, x2: width, y2: 0.5, class: "faint" }),
	svg("text", { x: width + 4, y: 10 }, String(top)),
	svg("text", { x: width + 4, y: HEIGHT }, "0"),
	bars(hours, key, names, top),
	hours.map((h, i) => i % 6 === 0 && svg("text",
		{ x: i * STEP + 3, y: HEIGHT + 19 },
		hourOf.format(new Date(h.at)))));
}

function asTable(hours, key, names, called) {
	return el("details", {}, el("summary", {}, "As a table"),
		el("table", {}, el("thead", {}, el("tr", {},
			el("th", { scope: "col" }, "From"),
			names.map(([name]) => el("th",
				{ scope: "col", class: "figure" }, word(called, name))))),
		el("tbody", {}, hours.filter((h) => names.some(
			([name]) => h[key]?.[name])).map((h) => el("tr", {},
			el("th", { scope: "row" }, hourOf.format(new Date(h.at))),
			names.map(([name]) => el("td", { class: "figure" },
				String(h[key]?.[name] ?? 0))))))));
}

function chart(hours, [key, title, called]) {
	const names = series(hours, key);
	const total = names.reduce((sum, [, n]) => sum + n, 0);
	const label = `${title}: ${total} in 24 hours`;

	if (total === 0)
		return el("section", { class: "card" }, el("h2", {}, title),
			el("p", { class: "note" }, "None in 24 hours."));
	return el("section", { class: "card" },
		el("h2", {}, title, " ", el("span", { class: "dim" }, String(total))),
		picture(hours, key, names, label),
		el("ul", { class: "legend", role: "list" }, names.map(
			([name, n], i) => el("li", {},
				el("span", { class: `key s${Math.min(i, 5)}` }),
				`${line(word(called, name))}: ${n}`))),
		asTable(hours, key, names, called));
}

// What is wrong, of what anybody may ask for.
function openly(r) {
	const wrong = Object.entries(r.checks ?? {}).filter(
		([, said]) => said !== "ok").map(
		([name, said]) => [name, said === "not ready" ? "" : said]);

	return r.status === "ok" || wrong.length > 0 ? wrong
		: [["", r.error ?? "The server is not ready."]];
}

// Reasons are [name of the check, why].
function complaints(reasons) {
	if (reasons.length === 0)
		return el("section", { class: "card good" }, el("h2", {}, "All is well"),
			el("p", {}, "The server can do its work."));
	return el("section", { class: "card wrong" },
		el("h2", {}, "Something is wrong"),
		el("ul", {}, reasons.map(([name, why]) => el("li", {},
			name === "" ? "" : line(word(CHECKS, name)), " ",
			el("span", { class: "dim" }, line(why))))));
}

function figures(s) {
	const spool = s.spool ?? {};
	const facts = [
		["Last webhook", s.last_webhook_at
			? when(s.last_webhook_at) : "None yet"],
		["Not yet delivered to queues elsewhere", spool.waiting > 0
			? `${many(spool.waiting, "message")}, the oldest for ${
				span(age(spool.oldest_at))}` : "Nothing"],
		["On queues", (s.queues ?? []).filter((q) => depth(q) > 0).map((q) =>
			line(`${q.name} ${depth(q)}`)).join(", ") || "Nothing"],
		["Version", line(s.version ?? "–")],
	];

	return el("section", { class: "card" }, el("h2", {}, "Now"),
		el("dl", { class: "facts" }, facts.map(([name, value]) =>
			el("div", {}, el("dt", {}, name), el("dd", {}, value)))));
}

export function today(main, arg, { trouble }) {
	const body = el("div", { class: "cards" });
	const state = el("div", { "aria-live": "polite" });
	let last = "", lastReady = "";

	function tell(reasons) {
		const said = JSON.stringify(reasons);

		if (said !== lastReady)
			state.replaceChildren(complaints(reasons));
		lastReady = said;
	}

	async function refresh() {
		const reasons = openly(await ready());
		let s = null;

		try {
			s = await get("api/summary");
		} finally {
			// Why, not everybody may ask for.
			tell(s?.not_ready?.length > 0 ? s.not_ready.map(
				(w) => [w.check, w.reason]) : reasons);
		}
		const said = JSON.stringify(s);
		if (said === last)
			return;
		last = said;
		// An open table stays open.
		const opened = [...body.querySelectorAll("details")].map((d) => d.open);
		body.replaceChildren(figures(s),
			...CHARTS.map((c) => chart(s.hours ?? [], c)));
		[...body.querySelectorAll("details")].forEach((d, i) => {
			d.open = opened[i] ?? false;
		});
	}

	main.append(el("div", { class: "page" },
		el("h1", { tabindex: "-1" }, "Today"), state, body));
	const poller = poll(refresh, FRESH_MS, (error) => {
		if (refused(error, body))
			poller.stop();
		else
			trouble(error);
	});
	return { go() {}, stop: poller.stop };
}
