/*
 * Ways not to answer, by name; some take an argument behind a colon: "429:7",
 * "next://evil.example/". For mock.cjs.
 */
'use strict';

const SECOND = 1000;

const json = (o) => JSON.stringify(o);

/* A page of one call, or that call, with changes of its text. */
function changed(o, change) {
	const call = o.calls[0].text;
	const text = o.asked.id === 'ListCall' ?
		`{"calls":[${call}],"next_page_uri":null}` : call;

	o.send(o.res, 200, change(text, call));
}

function html(o, code) {
	o.send(o.res, code, '<!DOCTYPE html><html><body>Bad gateway</body></html>',
		{ 'Content-Type': 'text/html' });
}

const ways = {
	/* --- Twilio's own errors */
	400: (o) => o.refuse(o.res, 400, 20001, 'Invalid parameter'),
	401: (o) => o.refuse(o.res, 401, 20003, 'Authenticate'),
	403: (o) => o.refuse(o.res, 403, 20403, 'Forbidden'),
	404: (o) => o.notFound(o.res, o.req.url),
	429: (o, after) => o.refuse(o.res, 429, 20429, 'Too Many Requests',
		after ? { 'Retry-After': after } : {}),
	500: (o) => o.refuse(o.res, 500, 20500, 'An internal server error'),
	503: (o, after) => o.refuse(o.res, 503, 20503, 'Service unavailable',
		after ? { 'Retry-After': after } : {}),

	/* A refusal of a message: "refuse:21610", or another HTTP code with it,
	 * "refuse:21610:403". */
	refuse: (o, arg) => {
		const [code, http] = arg.split(':').map(Number);
		const error = o.messages.error(code, o.asked.form);
		o.refuse(o.res, http || error.http, code, error.message);
	},

	/* --- of something before it */
	502: (o) => html(o, 502),
	'html-404': (o) => html(o, 404),
	html: (o) => html(o, 200),
	redirect: (o, to) => o.send(o.res, 302, '', { Location:
		to || 'https://evil.example/2010-04-01/Accounts' }),
	204: (o) => { o.res.writeHead(204); o.res.end(); },

	/* --- late */
	slow: (o, ms) => setTimeout(o.ok, Number(ms || SECOND)),
	hang: () => {},
	trickle: (o) => {
		o.res.writeHead(200, { 'Content-Length': 100000 });
		const timer = setInterval(() => o.res.write(' '), 50);
		o.res.on('close', () => clearInterval(timer));
	},

	/* --- broken off */
	reset: (o) => o.req.socket.resetAndDestroy(),
	close: (o) => o.req.socket.destroy(),
	truncated: (o) => {
		o.res.writeHead(200, { 'Content-Type': 'application/json',
			'Content-Length': 100000 });
		o.res.write('{"calls":[{"sid":"CA');
		setTimeout(() => o.req.socket.destroy(), 20);
	},
	head: (o) => o.req.socket.end('HTTP/1.1 200 OK\r\nContent-Le'),
	garbage: (o) => o.req.socket.end('garbage, no HTTP\r\n\r\n'),

	/* --- messages: taken, and then any of these ("taken:500", "taken:hang") */
	taken: (o, then) => {
		const message = o.messages.create(o.asked.form);
		module.exports(then, { ...o,
			ok: () => o.send(o.res, 201, message) });
	},
	'no-sid': (o) => o.send(o.res, 201, { status: 'queued' }),
	'null-sid': (o) => o.send(o.res, 201, { sid: null, status: 'queued' }),
	'bad-sid': (o) => o.send(o.res, 201, { sid: 'SM1', status: 'queued' }),

	/* --- whole, and no answer to the question */
	'not-json': (o) => changed(o, (text) => text.slice(0, -1)),
	after: (o) => changed(o, (text) => text + '{}'),
	empty: (o) => o.send(o.res, 200, ''),
	array: (o) => o.send(o.res, 200, '[]'),
	null: (o) => o.send(o.res, 200, 'null'),
	bytes: (o) => o.send(o.res, 200, Buffer.from([0x7b, 0x22, 0xff, 0x22,
		0x3a, 0x31, 0x7d])),
	'other-sid': (o) => changed(o, (text, call) => {
		const other = call.replace(/"sid":"CA(.)/, (_, digit) =>
			`"sid":"CA${digit === '0' ? 1 : 0}`);
		return text.replace(call, () => other);
	}),
	twice: (o) => changed(o, (text) => text.slice(0, -1) +
		',"sid":"CA00000000000000000000000000000000","calls":[],' +
		'"next_page_uri":null}'),
	deep: (o) => changed(o, (text) => text.slice(0, -1) + ',"x":' +
		'['.repeat(1000) + ']'.repeat(1000) + '}'),
	huge: (o) => {
		const piece = Buffer.alloc(1 << 20, ' ');
		let left = 20;

		o.res.writeHead(200, { 'Content-Type': 'application/json' });
		const more = () => {
			while (left-- > 0 && !o.res.destroyed)
				if (!o.res.write(piece))
					return o.res.once('drain', more);
			return o.res.end();
		};
		more();
	},
	headers: (o) => {
		const lines = {};
		for (let i = 0; i < 100; i++)
			lines[`X-${i}`] = 'y'.repeat(1000);
		o.send(o.res, 200, '{}', lines);
	},

	/* --- pages that are none */
	'no-calls': (o) => o.send(o.res, 200, json({ next_page_uri: null })),
	'calls-null': (o) => o.send(o.res, 200,
		json({ calls: null, next_page_uri: null })),
	'calls-strings': (o) => o.send(o.res, 200,
		json({ calls: ['CA'], next_page_uri: null })),
	'too-many': (o) => o.send(o.res, 200, `{"calls":[${
		Array(1001).fill('{}')}],"next_page_uri":null}`),
	/* Where to, in JSON or, without quotes, as text. */
	next: (o, to) => o.send(o.res, 200, `{"calls":[],"next_page_uri":${
		/^["\d{[]|^true/.test(to) ? to : json(to)}}`),
	loop: (o) => o.send(o.res, 200,
		json({ calls: [], next_page_uri: o.req.url })),

	/* --- errors that say too much */
	secret: (o) => {
		const header = o.req.headers.authorization || '';
		const pair = Buffer.from(header.slice(6), 'base64').toString();
		const [, secret] = pair.split(':');
		o.refuse(o.res, 400, 20001, `no: ${header} is ${pair}, \u001b[31m` +
			`${secret}${secret} for ${o.req.url}\r\nInjected: é ` +
			'x'.repeat(300));
	},
	long: (o) => o.refuse(o.res, 400, 20001, 'x'.repeat(100000)),
};

module.exports = (how, o) => {
	const at = how.indexOf(':');
	const name = at < 0 ? how : how.slice(0, at);

	if (!ways[name]) {
		console.error(`mock.cjs: no such misbehaviour: ${how}`);
		process.exit(1);
	}
	ways[name](o, at < 0 ? undefined : how.slice(at + 1));
};
