// What happened in the last 24 hours, and what is wrong now.
import { el, line, many, span, svg, when } from "./dom.js";
import { get, poll, ready } from "./api.js";
import { refused } from "./admin.js";
import { CALL_STATES, CHECKS, REPLY_STATES, ROUTES, word } from "./words.js";

const FRESH_MS = 5000;
const HEIGHT = 100, STEP = 20, BAR = 14;

const CHARTS = [
	["messages", "Messages", ROUTES],
	["replies", "Replies", REPLY_STATES],
	["calls", "Calls", CALL_STATES],
	["refusals", "Refused requests", {}],
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
		hourOf.format(new Date(h.hour)))));
}

function asTable(hours, key, names, called) {
	return el("details", {}, el("summary", {}, "As a table"),
		el("table", {}, el("thead", {}, el("tr", {},
			el("th", { scope: "col" }, "From"),
			names.map(([name]) => el("th",
				{ scope: "col", class: "figure" }, word(called, name))))),
		el("tbody", {}, hours.filter((h) => names.some(
			([name]) => h[key]?.[name])).map((h) => el("tr", {},
			el("th", { scope: "row" }, hourOf.format(new Date(h.hour))),
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

function complaints(r) {
	const wrong = Object.entries(r.checks ?? {}).filter(
		([, said]) => said !== "ok");

	if (r.status === "ok")
		return el("section", { class: "card good" }, el("h2", {}, "All is well"),
			el("p", {}, "The server can do its work."));
	return el("section", { class: "card wrong" },
		el("h2", {}, "Something is wrong"),
		wrong.length > 0
			? el("ul", {}, wrong.map(([name, said]) => el("li", {},
				word(CHECKS, name),
				Object.hasOwn(CHECKS, name) ? "" : `: ${line(said)}`)))
			: el("p", {}, line(r.error ?? "The server is not ready.")));
}

function figures(s) {
	const spool = s.spool ?? {};
	const facts = [
		["Last webhook", s.last_webhook_at
			? when(s.last_webhook_at) : "None yet"],
		["Not yet delivered to queues elsewhere", spool.waiting > 0
			? `${many(spool.waiting, "message")}, the oldest for ${
				span(spool.oldest_age_s)}` : "Nothing"],
		["On queues", (s.queues ?? []).filter((q) => q.depth > 0).map((q) =>
			line(`${q.name} ${q.depth}`)).join(", ") || "Nothing"],
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

	async function refresh() {
		const r = await ready();
		const saidReady = JSON.stringify([r.status, r.checks, r.error]);

		if (saidReady !== lastReady)
			state.replaceChildren(complaints(r));
		lastReady = saidReady;
		// Which not everybody may ask for.
		const s = await get("api/summary");
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
