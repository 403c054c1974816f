// Requests, with the token of this tab. Nothing new costs a 304.

const TOKEN = "token";
const LATE_MS = 20000;
const KEPT = 60;

// What was answered last: path → { etag, data }.
const kept = new Map();
let forgotten = () => {};

// What was not answered well. status 0: it was not answered at all.
export class Refusal extends Error {
	constructor(status, body) {
		super(body?.message ?? body?.error ?? (status === 0
			? "There is no connection to the server"
			: `The server answers ${status}`));
		this.status = status;
		this.code = body?.error ?? "";
	}
}

export function token() {
	return sessionStorage.getItem(TOKEN);
}

// null: none.
export function remember(text) {
	kept.clear();
	if (text === null)
		sessionStorage.removeItem(TOKEN);
	else
		sessionStorage.setItem(TOKEN, text);
}

// wrong: it was no good, and drafts stay for the next.
export function forget(wrong) {
	remember(null);
	if (!wrong)
		sessionStorage.clear();
	forgotten(wrong);
}

export function onForgotten(fn) {
	forgotten = fn;
}

async function body(reply) {
	try {
		return await reply.json();
	} catch {
		return null;
	}
}

async function ask(path, options, with_token) {
	let reply;

	try {
		reply = await fetch(path, { ...options, cache: "no-store",
			credentials: "same-origin", redirect: "error",
			signal: AbortSignal.timeout(LATE_MS) });
	} catch {
		throw new Refusal(0);
	}
	if (reply.status === 401 && with_token === token())
		forget(true);
	return reply;
}

function headers(own, with_token) {
	return with_token === null ? own
		: { ...own, Authorization: `Bearer ${with_token}` };
}

/*
 * The object at this path; the very same one as long as the server has nothing
 * new. A path of the list open takes no token.
 */
export async function get(path) {
	const mine = token();
	const last = kept.get(path);
	const reply = await ask(path, { headers: headers(
		last ? { "If-None-Match": last.etag } : {}, mine) }, mine);

	if (reply.status === 304 && last)
		return last.data;
	const data = await body(reply);
	if (!reply.ok || data === null)
		throw new Refusal(reply.status, data);
	const etag = reply.headers.get("ETag");
	kept.delete(path);
	if (etag)
		kept.set(path, { etag, data });
	if (kept.size > KEPT)
		kept.delete(kept.keys().next().value);
	return data;
}

// What /ready says, which is an answer also where it is 503.
export async function ready() {
	const reply = await ask("ready", {}, null);

	return await body(reply) ?? { error: `/ready answers ${reply.status}` };
}

export async function post(path, object = {}) {
	const mine = token();
	const reply = await ask(path, { method: "POST",
		headers: headers({ "Content-Type": "application/json" }, mine),
		body: JSON.stringify(object) }, mine);
	const data = await body(reply);

	if (!reply.ok)
		throw new Refusal(reply.status, data);
	// It broke off: what was done is not known.
	if (data === null)
		throw new Refusal(0);
	return data;
}

export function query(path, parameters) {
	const q = new URLSearchParams();

	for (const [name, value] of Object.entries(parameters))
		if (value !== null && value !== undefined && value !== "")
			q.set(name, value);
	return `${path}?${q}`;
}

const HIDDEN_TIMES = 10;
const BACKOFF_MS = 30000;

/*
 * Do this now and every so many milliseconds, less often while nobody looks or
 * it fails. failed(error) is told of what it throws, failed(null) when it works
 * again.
 */
export function poll(work, ms, failed) {
	let timer = null, stopped = false, busy = false, again = false;
	let wrong = 0;

	async function run() {
		clearTimeout(timer);
		if (busy) {
			again = true;
			return;
		}
		busy = true;
		try {
			await work();
			if (wrong > 0 && !stopped)
				failed(null);
			wrong = 0;
		} catch (error) {
			wrong++;
			if (!(error instanceof Refusal))
				console.error(error);
			if (!stopped)
				failed(error);
		}
		busy = false;
		if (stopped)
			return;
		let wait = document.hidden ? ms * HIDDEN_TIMES : ms;
		if (wrong > 0)
			wait = Math.min(Math.max(wait, 1000 * 2 ** wrong),
				BACKOFF_MS);
		if (again)
			wait = 0;
		again = false;
		timer = setTimeout(run, wait);
	}

	function seen() {
		if (!document.hidden)
			run();
	}

	document.addEventListener("visibilitychange", seen);
	run();
	return {
		now: run,
		stop() {
			stopped = true;
			clearTimeout(timer);
			document.removeEventListener("visibilitychange", seen);
		},
	};
}
