// The page and the API that it uses, in memory, for t/console/page.mjs: what a
// real server can hardly be brought to (a reply that is unknown, text of every
// kind, an answer that gets lost) is set in state.
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const TYPES = { html: "text/html; charset=utf-8", js: "text/javascript",
	css: "text/css", svg: "image/svg+xml" };
const POLICY = "default-src 'self'; media-src 'self' blob:; base-uri 'none'; " +
	"form-action 'none'; frame-ancestors 'none'";
export const ADMIN = "admin-token", AGENT = "anns-token";

export function iso(ms) {
	return new Date(ms).toISOString().replace("Z", "000Z");
}

export class State {
	conversations = new Map();
	messages = new Map(); // by conversation, the oldest first
	calls = [];
	queues = new Map();
	summary = { hours: [], queues: [], spool: { waiting: 0,
		oldest_at: null }, last_webhook_at: null, not_ready: [],
	version: "0.1.0" };
	ready = { status: "ok", checks: {} };
	sent = []; // bodies of POST …/messages
	counts = { 200: 0, 304: 0 };
	lose = 0; // so many answers to a POST of a message get lost
	broken = false; // no answer at all
	next = "delivered"; // what a reply comes to
	n = 0;

	conversation(more = {}) {
		const id = more.id ?? `c${++this.n}`;
		const c = { id, tel: "+14155550100", thread_id: null, company_id: null,
			project_id: null, handoff: false, opted_out: false, name: null,
			handoff_at: null, handoff_by: null, created_at: iso(Date.now()),
			last_at: null, last_text: null, unanswered: 0, addresses: [],
			...more };
		this.conversations.set(id, c);
		this.messages.set(id, []);
		return c;
	}

	message(c, more = {}) {
		const m = { id: `m${++this.n}`, conversation_id: c.id,
			direction: "inbound", sid: null, from: c.tel, to: "+14155238886",
			channel: "whatsapp", text: "Hello", media: [],
			at: iso(Date.now()), route: c.handoff ? "human" : "ai",
			author: null, state: null, error_code: null, error: null, ...more };
		this.messages.get(c.id).push(m);
		c.last_at = m.at;
		c.last_text = m.text;
		c.unanswered = m.direction === "inbound" ? c.unanswered + 1 : 0;
		return m;
	}
}

class Answer extends Error {
	constructor(status, body) {
		super(String(status));
		this.status = status;
		this.body = body;
	}
}

function page(all, name, q, limit = 50) {
	const from = Number(q.get("page_token") ?? 0);
	const n = Math.min(Number(q.get("limit") ?? limit), 200);

	return { [name]: all.slice(from, from + n),
		next_page_token: from + n < all.length ? String(from + n) : null };
}

function known(q, ...names) {
	for (const name of q.keys())
		if (!names.includes(name))
			throw new Answer(400, { error: `${name}: not known` });
}

function byToken(token, admin) {
	if (token !== ADMIN && token !== AGENT)
		throw new Answer(401, { error: "Wrong or missing token" });
	if (admin && token !== ADMIN)
		throw new Answer(403, { error: "admin token needed" });
	return token === ADMIN ? "admin" : "Ann";
}

function conversationOf(state, id) {
	const c = state.conversations.get(id);
	if (!c)
		throw new Answer(404, { error: "Not found" });
	return c;
}

function listed(state, q) {
	known(q, "handoff", "unanswered", "tel", "q", "limit", "page_token");
	const text = (q.get("q") ?? "").toLowerCase();
	const all = [...state.conversations.values()].filter((c) =>
		(!q.has("handoff") || String(c.handoff) === q.get("handoff")) &&
		(!q.has("unanswered") ||
			String(c.unanswered > 0) === q.get("unanswered")) &&
		`${c.name} ${c.tel}`.toLowerCase().includes(text)).sort(
		(a, b) => (b.last_at ?? "") < (a.last_at ?? "") ? -1 : 1);
	return page(all, "conversations", q);
}

function reply(state, c, body, who) {
	const { text, client_id: id, author } = body;
	state.sent.push(body);
	const same = state.messages.get(c.id).find((m) => m.client_id === id);

	if (same && same.text !== text)
		throw new Answer(409, { error: "client_id_reused",
			message: "Another text was sent under this client_id" });
	if (same)
		return [200, same];
	if (c.opted_out)
		throw new Answer(409, { error: "opted_out",
			message: "The customer has opted out" });
	if (c.handoff && author === "machine")
		throw new Answer(409, { error: "handed_off", message: "People answer" });
	const m = state.message(c, { direction: "outbound", text, author: who,
		route: null, from: "+14155238886", to: c.tel, state: state.next });
	m.client_id = id;
	return [201, m];
}

function conversation(state, method, parts, q, body, who) {
	const c = conversationOf(state, parts[0]);
	const all = state.messages.get(c.id);

	if (parts.length === 1)
		return [200, c];
	if (parts[1] === "handoff") {
		Object.assign(c, { handoff: body.handoff, handoff_by: who,
			handoff_at: iso(Date.now()) });
		return [200, { ...c, moved: body.handoff ? 1 : 0 }];
	}
	if (parts.length === 2 && method === "GET") {
		known(q, "limit", "page_token");
		return [200, page([...all].reverse(), "messages", q)];
	}
	if (parts.length === 2)
		return reply(state, c, body, who);
	const m = all.find((x) => x.id === parts[2]);
	if (!["unknown", "refused", "failed"].includes(m?.state))
		throw new Answer(409, { error: "state", message: "It is not open" });
	m.state = parts[3] === "drop" ? "dropped" : "sent";
	m.error = m.error_code = null;
	return [200, m];
}

function queue(state, method, parts, q) {
	const items = state.queues.get(parts[0]);

	if (!items)
		throw new Answer(404, { error: "Not found" });
	if (method === "GET")
		return [200, { queue: state.summary.queues.find((row) =>
			row.name === parts[0]), ...page(items, "items", q) }];
	const dead = items.filter((i) => i.state === "dead");
	for (const item of dead)
		Object.assign(item, { state: "ready", attempts: 0, reason: null });
	for (const row of state.summary.queues)
		if (row.name === parts[0])
			row.dead = 0;
	return [200, { redriven: dead.length }];
}

function calls(state, q) {
	known(q, "source", "limit", "status", "direction", "from", "to",
		"start_date", "end_date", "page_token");
	const all = state.calls.filter((c) => ["status", "direction", "from", "to"]
		.every((k) => !q.has(k) || c[k] === q.get(k)));
	const { calls: some, next_page_token } = page(all, "calls", q);
	return [200, { calls: some.map(({ events, ...c }) => c), // eslint-disable-line
		count: some.length, next_page_token }];
}

function api(state, method, path, q, body, token) {
	const [first, second, ...parts] = path.split("/").slice(1).map(
		decodeURIComponent);

	if (first === "ready")
		return [state.ready.status === "ok" ? 200 : 503, state.ready];
	const admin = first !== "api" || second !== "conversations";
	const who = byToken(token, admin);
	if (first === "api" && second === "conversations")
		return parts.length === 0 ? [200, listed(state, q)]
			: conversation(state, method, parts, q, body, who);
	if (first === "api" && second === "queues")
		return queue(state, method, parts, q);
	if (first === "api" && second === "summary")
		return [200, state.summary];
	if (first === "batch-monitor-calls")
		return calls(state, q);
	if (first === "monitor-call") {
		const call = state.calls.find((c) => c.sid === second);
		if (call)
			return [200, call];
	}
	throw new Answer(404, { error: "Not found" });
}

async function read(request) {
	const pieces = [];
	for await (const piece of request)
		pieces.push(piece);
	const text = Buffer.concat(pieces).toString();
	if (request.method === "POST" &&
	    request.headers["content-type"] !== "application/json")
		throw new Answer(415, { error: "Unsupported media type" });
	return text ? JSON.parse(text) : {};
}

function send(state, request, response, status, object) {
	const body = JSON.stringify(object);
	const tag = `"${createHash("sha256").update(body).digest("hex")
		.slice(0, 32)}"`;
	const same = status === 200 && request.method === "GET" &&
		request.headers["if-none-match"] === tag;

	state.counts[same ? 304 : status] = (state.counts[same ? 304 : status] ??
		0) + 1;
	response.writeHead(same ? 304 : status, {
		"Cache-Control": "no-store", ETag: tag,
		...same ? {} : { "Content-Type": "application/json" } });
	response.end(same ? undefined : body);
}

function file(folder, path, response) {
	const name = path === "/console" ? "index.html" : path.slice(9);

	response.writeHead(200, { "Content-Type":
		TYPES[name.split(".").pop()], "Content-Security-Policy": POLICY,
	"X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache" });
	response.end(readFileSync(join(folder, name)));
}

async function answer(state, folder, request, response) {
	const url = new URL(request.url, "http://127.0.0.1");

	if (state.broken) {
		request.socket.destroy();
		return;
	}
	try {
		if (url.pathname.startsWith("/console")) {
			file(folder, url.pathname, response);
			return;
		}
		const body = await read(request);
		const token = (request.headers.authorization ?? "").replace(
			/^Bearer /, "");
		const [status, object] = api(state, request.method, url.pathname,
			url.searchParams, body, token);
		if (request.method === "POST" && state.lose > 0) {
			state.lose--;
			// A browser asks once more by itself where nothing came.
			response.writeHead(status, { "Content-Length": 1000 });
			response.write("{");
			setTimeout(() => request.socket.destroy(), 50);
			return;
		}
		send(state, request, response, status, object);
	} catch (error) {
		send(state, request, response, error.status ?? 500,
			{ request_id: "r", ...error.body ?? { error: `${error}` } });
	}
}

export async function serve(folder) {
	const state = new State();
	const server = createServer((request, response) =>
		answer(state, folder, request, response));

	await new Promise((done) => server.listen(0, "127.0.0.1", done));
	return { state, url: `http://127.0.0.1:${server.address().port}/console`,
		close() {
			server.closeAllConnections();
			server.close();
		} };
}
