// Elements are made here. Whatever comes from outside gets in as text alone.

const SVG = "http://www.w3.org/2000/svg";

// Children without those that there are none of.
function there(children) {
	return children.flat(2).filter(
		(c) => c !== null && c !== undefined && c !== false && c !== "");
}

// In place of what is in it.
export function put(node, ...children) {
	node.replaceChildren(...there(children));
}

function fill(node, props, children) {
	for (const [name, value] of Object.entries(props)) {
		if (name.startsWith("on"))
			node.addEventListener(name.slice(2), value);
		else if (value !== false && value !== null && value !== undefined)
			node.setAttribute(name, value === true ? "" : value);
	}
	node.append(...there(children));
	return node;
}

export function el(name, props = {}, ...children) {
	return fill(document.createElement(name), props, children);
}

export function svg(name, props = {}, ...children) {
	return fill(document.createElementNS(SVG, name), props, children);
}

export function button(label, onclick, props = {}) {
	return el("button", { type: "button", onclick, ...props }, label);
}

// What is still under way is not begun again. A button that became disabled
// would lose the focus.
export function once(fn) {
	let busy = false;

	return async (...args) => {
		if (busy)
			return;
		busy = true;
		try {
			await fn(...args);
		} finally {
			busy = false;
		}
	};
}

// Control characters get a sign of their own; line ends and tabs stay.
export function visible(text) {
	return String(text ?? "").replace(/\r\n?/g, "\n").replace(
		/[\x00-\x08\x0b-\x1f\x7f]/g, (c) => c === "\x7f" ? "\u2421"
			: String.fromCharCode(0x2400 + c.charCodeAt(0)));
}

// Text of somebody else's, whose direction is its own affair.
export function words(text, props = {}) {
	return el("bdi", props, visible(text));
}

// Somebody else's text in one line.
export function line(text) {
	return visible(text).replace(/\s+/g, " ");
}

/*
 * Make the children of parent those of items, in their order. What stays is
 * not made again, so that focus and selection stay: make(item) gives an element
 * once, update(element, item) fills it whenever the item has changed.
 */
export function keyed(parent, items, { key, make, update }) {
	const had = parent.keyed ?? new Map();
	const has = new Map();
	let at = parent.firstElementChild;

	for (const item of items) {
		const k = key(item);
		const said = JSON.stringify(item);
		const entry = had.get(k) ?? { node: make(item), said: null };

		if (has.has(k))
			continue;
		if (entry.said !== said)
			update(entry.node, item);
		entry.said = said;
		has.set(k, entry);
		if (entry.node === at)
			at = at.nextElementSibling;
		else
			parent.insertBefore(entry.node, at);
	}
	for (const [k, entry] of had)
		if (!has.has(k))
			entry.node.remove();
	parent.keyed = has;
}

// Told to those who do not see the page.
export function announce(text) {
	document.getElementById("announce").textContent = text;
}

// ---- times, in the zone of whoever looks

const clock = new Intl.DateTimeFormat(undefined,
	{ hour: "2-digit", minute: "2-digit" });
const seconds = new Intl.DateTimeFormat(undefined,
	{ hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat(undefined,
	{ weekday: "long", day: "numeric", month: "long" });
const dayOfYear = new Intl.DateTimeFormat(undefined,
	{ day: "numeric", month: "short", year: "numeric" });
const shortDay = new Intl.DateTimeFormat(undefined,
	{ day: "numeric", month: "short" });
const whole = new Intl.DateTimeFormat(undefined,
	{ dateStyle: "full", timeStyle: "long" });

function daysAgo(date) {
	const a = new Date(date), b = new Date();

	a.setHours(12, 0, 0, 0);
	b.setHours(12, 0, 0, 0);
	return Math.round((b - a) / 86400000);
}

export function dayOf(text) {
	const date = new Date(text);
	const ago = daysAgo(date);

	if (ago === 0)
		return "Today";
	if (ago === 1)
		return "Yesterday";
	return ago < 300 ? day.format(date) : dayOfYear.format(date);
}

// The time of today, else the day.
function shortly(date) {
	const ago = daysAgo(date);

	if (ago === 0)
		return clock.format(date);
	if (ago === 1)
		return "Yesterday";
	return ago < 300 ? shortDay.format(date) : dayOfYear.format(date);
}

function dayAndTime(date) {
	return daysAgo(date) === 0 ? clock.format(date)
		: `${shortDay.format(date)}, ${clock.format(date)}`;
}

const FORMS = { short: shortly, clock: (d) => clock.format(d),
	seconds: (d) => seconds.format(d), full: dayAndTime };

export function when(text, form = "full") {
	const date = new Date(text);

	if (text === null || text === undefined || Number.isNaN(date.getTime()))
		return "–";
	return el("time", { datetime: date.toISOString(),
		title: whole.format(date) }, FORMS[form](date));
}

// Seconds since then.
export function age(text) {
	return text === null || text === undefined ? null
		: (Date.now() - new Date(text)) / 1000;
}

// "4 min", of seconds.
export function span(s) {
	if (s === null || s === undefined || s === "" || Number.isNaN(Number(s)))
		return "–";
	s = Math.max(0, Math.round(Number(s)));
	if (s < 60)
		return `${s} s`;
	if (s < 3600)
		return `${Math.floor(s / 60)} min${s < 600 && s % 60
			? ` ${s % 60} s` : ""}`;
	if (s < 86400)
		return `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min`;
	return `${Math.floor(s / 86400)} days`;
}

export function many(n, one, more = `${one}s`) {
	return `${n} ${n === 1 ? one : more}`;
}
