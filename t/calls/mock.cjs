/*
 * Twilio's Calls and Messages API for the tests, on loopback: FetchCall and
 * ListCall over generated calls, CreateMessage, ListMessage and FetchMessage
 * over what was created, with Twilio's filters, paging, authentication and
 * errors, and, on demand, with every kind of misbehaviour.
 *
 * usage: NODE_PATH=…/node_modules node mock.cjs [CALLS [SEED [CERT KEY]]]
 *
 * Prints its port; with a certificate it speaks TLS. Ends with its standard
 * input. Requests that Twilio's OpenAPI description does not know are
 * `violations`.
 *
 * POST /control {…} sets what is below in `fresh`, after {"reset":true} all of
 * it; {"add":N} makes N newer calls. GET /control gives it back, with counts
 * and the last requests; GET /control/calls all calls, newest first, and
 * GET /control/messages all messages: how many were really created.
 * {"add_message":{…}} makes one as a request with these parameters would;
 * {"status":{"sid":…,"status":…,"error_code":…}} gives one its next status and
 * posts the callback, signed, or with "send":false only says what it would post.
 */
'use strict';

const { readFileSync } = require('node:fs');
const http = require('node:http');
const https = require('node:https');

const { makeCalls, NEWEST } = require('./generate.cjs');
const { checkRequest } = require('./check.cjs');
const { Messages } = require('./messages.cjs');
const misbehave = require('./misbehave.cjs');

const ACCOUNT = 'AC00000000000000000000000000000001';
const N = Number(process.argv[2] || 3000);
const SEED = Number(process.argv[3] || 1);

/* Pages are kept, as a fast server would, up to so many. */
const PAGES_MAX = 64;
/* And so many of the last requests. */
const REQUESTS_MAX = 5000;

const fresh = () => ({
	/* Who may ask: user -> secret. */
	users: {
		[ACCOUNT]: '0123456789abcdef0123456789abcdef',
		SK00000000000000000000000000000001: 'the-secret-of-an-api-key',
	},
	/* How the next requests are answered, one after another, and then all:
	 * "ok", or what misbehave.cjs knows ("500", "429:7", "hang", …). */
	script: [],
	always: 'ok',
	/* The same for CreateMessage alone; "taken:500" makes the message and
	 * then answers so. */
	message_script: [],
	message_always: 'ok',
	/* The account's own addresses, none: any is; who has opted out. */
	senders: [],
	opted_out: [],
	/* What a message begins as, and becomes by itself: [["sent", 50],
	 * ["failed", 100, 63016]], each so many milliseconds after the one before,
	 * with a callback. */
	first_status: 'queued',
	statuses: [],
	/* Where callbacks go, "http://127.0.0.1:8080", whatever their URL says,
	 * for which they are signed; null: there. And what came of them. */
	callback_origin: null,
	callbacks: [],
	/* How much Twilio's clock is before ours. */
	skew_ms: 0,
	/* SIDs of calls that have left the list, as when their status is not
	 * the one asked for any more. */
	gone: [],
	/* Whether filters by number and parent are taken, and passed over. */
	blind: false,
	/* Milliseconds before an answer. */
	delay_ms: 0,
	/* Of the API, since the reset; how many requests on how many connections. */
	requests: [],
	count: 0,
	connections: 0,
	violations: [],
});

let state = fresh();
let calls = makeCalls(ACCOUNT, N, SEED);
let added = 0;
let pages = new Map();
let sockets = new WeakSet();
const messages = new Messages(ACCOUNT, () => state);

/* --- filters ---------------------------------------------------------------- */

const DAY = 86400000;
const isDay = (text) => text.length === 10;

/* On that day; before; on or after. Without a time none of them fits. */
function timeFits(query, name, ms) {
	const on = query[name];
	const before = query[name + '<'];
	const from = query[name + '>'];

	if (on === undefined && before === undefined && from === undefined)
		return true;
	if (ms === null)
		return false;
	if (on !== undefined && Math.floor(ms / DAY) !==
	    Math.floor(Date.parse(on) / DAY))
		return false;
	return (before === undefined || ms < Date.parse(before)) &&
		(from === undefined || ms >= Date.parse(from));
}

const fits = (query) => (call) =>
	(query.Status === undefined || call.status === query.Status) &&
	(state.blind || query.To === undefined || call.to === query.To) &&
	(state.blind || query.From === undefined ||
		call.from === query.From) &&
	(state.blind || query.ParentCallSid === undefined ||
		call.parent === query.ParentCallSid) &&
	timeFits(query, 'StartTime', call.start) &&
	timeFits(query, 'EndTime', call.end);

/* --- pages ------------------------------------------------------------------- */

function uriOf(query, page, token) {
	const text = new URLSearchParams();

	for (const [name, value] of Object.entries(query))
		if (!['PageSize', 'Page', 'PageToken'].includes(name))
			text.append(name, value);
	text.append('PageSize', query.PageSize || 50);
	text.append('Page', page);
	if (token)
		text.append('PageToken', token);
	return `/2010-04-01/Accounts/${ACCOUNT}/Calls.json?${text}`;
}

/* Where a page begins: behind the call of a PA… token, so that calls which came
 * meanwhile change nothing; before that of a PB… token. -1: no such token. */
function firstOf(list, query, size) {
	const token = query.PageToken;

	if (token === undefined)
		return (query.Page || 0) * size;
	const order = new Map(calls.map((c, i) => [c.sid, i]));
	const place = order.get(token.slice(2));
	/* The call may have left the list: its place has not. */
	const at = list.findLastIndex((c) => order.get(c.sid) <= place);
	if (place === undefined || !/^P[AB]CA/.test(token))
		return -1;
	return token[1] === 'A' ? at + 1 : Math.max(0, at - size);
}

function makePage(query, own) {
	const gone = new Set(state.gone);
	const list = calls.filter(fits(query)).filter((c) => !gone.has(c.sid));
	const size = query.PageSize || 50;
	const page = query.Page || 0;
	const first = firstOf(list, query, size);
	const items = list.slice(first, first + size);
	const more = first + size < list.length;

	if (first < 0)
		return null;
	const rest = JSON.stringify({
		first_page_uri: uriOf(query, 0),
		end: page * size + Math.max(0, items.length - 1),
		previous_page_uri: first > 0 && items.length > 0 ?
			uriOf(query, Math.max(0, page - 1), 'PB' + items[0].sid) : null,
		uri: own,
		page_size: size,
		start: page * size,
		next_page_uri: more ? uriOf(query, page + 1,
			'PA' + items[items.length - 1].sid) : null,
		page,
	});
	return Buffer.from(
		`{"calls":[${items.map((c) => c.text)}],${rest.slice(1)}`);
}

function keptPage(query, url) {
	let page = pages.get(url);

	if (!page) {
		page = makePage(query, url);
		if (pages.size === PAGES_MAX)
			pages.clear();
		pages.set(url, page);
	}
	return page;
}

/* --- answers ------------------------------------------------------------------ */

function send(res, code, body, headers = {}) {
	const bytes = Buffer.isBuffer(body) ? body :
		Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));

	res.writeHead(code, { 'Content-Type': 'application/json;charset=utf-8',
		'Content-Length': bytes.length, 'Twilio-Request-Id': 'RQ' +
		String(state.count).padStart(32, '0'), ...headers });
	res.end(bytes);
}

function refuse(res, http_code, code, message, headers) {
	send(res, http_code, { code, message,
		more_info: `https://www.twilio.com/docs/errors/${code}`,
		status: http_code }, headers);
}

function notFound(res, url) {
	refuse(res, 404, 20404,
		`The requested resource ${url.split('?')[0]} was not found`);
}

function userOf(req) {
	const match = /^Basic ([A-Za-z0-9+/]+=*)$/.exec(
		req.headers.authorization || '');
	const text = match ? Buffer.from(match[1], 'base64').toString() : ':';
	const user = text.slice(0, text.indexOf(':'));

	return state.users[user] === text.slice(user.length + 1) && user !== '' ?
		user : null;
}

function answer(res, asked, url) {
	if (asked.path.AccountSid !== ACCOUNT)
		return notFound(res, url);
	if (asked.id === 'ListCall') {
		const page = keptPage(asked.query, url);
		return page ? send(res, 200, page) :
			refuse(res, 400, 20006, 'Invalid page token');
	}
	if (asked.id === 'ListMessage') {
		const page = messages.page(asked.query, url);
		return page ? send(res, 200, page) :
			refuse(res, 400, 20006, 'Invalid page token');
	}
	if (asked.id === 'CreateMessage')
		return send(res, 201, messages.create(asked.form));
	if (asked.id === 'FetchMessage') {
		const found = messages.find(asked.path.Sid);
		return found ? send(res, 200, found.message) : notFound(res, url);
	}
	const call = calls.find((c) => c.sid === asked.path.Sid);
	return call ? send(res, 200, call.text) : notFound(res, url);
}

function nextOf(script, always) {
	return script.shift() || always;
}

/* What Twilio would think of a request, once it knows who asks. */
function judge(req, res, asked) {
	if (!asked.id)
		return notFound(res, req.url);
	const error = asked.id === 'CreateMessage' && messages.refusal(asked.form);
	if (error)
		return refuse(res, error.http, error.code, error.message);
	/* What Twilio would think of it does not matter then. */
	if (asked.wrong.length > 0)
		return refuse(res, 400, 20001, asked.wrong.join(', '));
	return answer(res, asked, req.url);
}

function api(req, res, text) {
	const asked = checkRequest(req.method, req.url,
		{ type: req.headers['content-type'], text });
	const how = asked.id === 'CreateMessage' ?
		nextOf(state.message_script, state.message_always) :
		nextOf(state.script, state.always);
	const user = userOf(req);

	state.count++;
	if (!sockets.has(req.socket)) {
		sockets.add(req.socket);
		state.connections++;
	}
	state.violations.push(...asked.wrong.map((w) =>
		`${req.method} ${req.url}: ${w}`));
	state.requests.push({ method: req.method, url: req.url, user, how,
		form: asked.form,
		headers: { ...req.headers, authorization: undefined } });
	if (state.requests.length > REQUESTS_MAX)
		state.requests.shift();
	const act = () => {
		if (how !== 'ok')
			return misbehave(how, { req, res, asked, send, refuse, notFound,
				calls, messages, account: ACCOUNT,
				ok: () => answer(res, asked, req.url) });
		if (user === null)
			return refuse(res, 401, 20003, 'Authenticate',
				{ 'WWW-Authenticate': 'Basic realm="Twilio API"' });
		return judge(req, res, asked);
	};
	if (state.delay_ms > 0)
		setTimeout(act, state.delay_ms);
	else
		act();
}

/* --- control ------------------------------------------------------------------ */

/* What one {…} asks for. */
async function command(text) {
	const { reset, add, add_message, status, ...rest } =
		text === '' ? {} : JSON.parse(text);

	if (reset) {
		state = fresh();
		sockets = new WeakSet();
		calls = calls.slice(added);
		added = 0;
		pages = new Map();
		messages.reset();
	}
	if (rest.gone || rest.blind)
		pages = new Map();
	if (add) {
		added += add;
		calls = makeCalls(ACCOUNT, add, SEED + 1000 + added,
			NEWEST + added * 400000).concat(calls);
		pages = new Map();
	}
	Object.assign(state, rest);
	if (add_message)
		return messages.create(add_message);
	if (status)
		return messages.change(status.sid, status.status,
			status.error_code, status.send !== false);
	return { ...state, account: ACCOUNT, calls: calls.length,
		messages: messages.all.length };
}

async function control(req, res, text) {
	if (req.url === '/control/calls')
		send(res, 200, `[${calls.map((c) => c.text)}]`);
	else if (req.url === '/control/messages')
		send(res, 200, messages.all.map(({ message, callback, media }) =>
			({ ...message, status_callback: callback, media })));
	else
		send(res, 200, await command(text));
}

function listener(req, res) {
	const chunks = [];

	req.on('data', (chunk) => chunks.push(chunk));
	req.on('end', () => {
		const text = Buffer.concat(chunks).toString();
		if (req.url.startsWith('/control'))
			control(req, res, text);
		else
			api(req, res, text);
	});
}

const server = process.argv.length > 5 ? https.createServer({
	cert: readFileSync(process.argv[4]),
	key: readFileSync(process.argv[5]),
}, listener) : http.createServer(listener);

server.keepAliveTimeout = 60000;
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
