/*
 * Calls for the mock: as many as wanted, always the same for the same seed,
 * newest first, of every status and direction. The members are those of
 * t/data/calls-api-examples.json.
 */
'use strict';

const { readFileSync } = require('node:fs');
const { join } = require('node:path');

const example = JSON.parse(readFileSync(
	join(__dirname, '../data/calls-api-examples.json'))).fetch.examples.fetch;

/* Often, and sometimes. */
const STATUSES = ['completed', 'completed', 'completed', 'completed',
	'no-answer', 'busy', 'failed', 'canceled', 'completed', 'in-progress',
	'ringing', 'queued'];
const DIRECTIONS = ['inbound', 'inbound', 'outbound-api', 'outbound-dial',
	'inbound', 'trunking-terminating', 'trunking-originating'];
const NEWEST = Date.UTC(2026, 10, 21, 18, 50, 0);

/* mulberry32 */
function generator(seed) {
	let a = seed >>> 0;

	return (below) => {
		a = (a + 0x6d2b79f5) >>> 0;
		let t = Math.imul(a ^ (a >>> 15), 1 | a);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) % below;
	};
}

function hex32(random) {
	let s = '';

	while (s.length < 32)
		s += random(0x10000).toString(16).padStart(4, '0');
	return s;
}

const rfc2822 = (ms) => new Date(ms).toUTCString().replace('GMT', '+0000');
const pretty = (tel) => `(${tel.slice(2, 5)}) ${tel.slice(5, 8)}-${tel.slice(8)}`;

/* start is in milliseconds, whole seconds. */
function makeCall(random, account, start, parent) {
	const sid = 'CA' + hex32(random);
	const status = STATUSES[random(STATUSES.length)];
	const direction = DIRECTIONS[random(DIRECTIONS.length)];
	const from = '+1415555' + String(random(40) + 100).padStart(4, '0');
	const to = '+1212555' + String(random(20) + 100).padStart(4, '0');
	const ended = !['in-progress', 'ringing', 'queued'].includes(status);
	const seconds = status === 'completed' ? random(600) + 1 : 0;
	const end = start + seconds * 1000;
	const base = `/2010-04-01/Accounts/${account}/Calls/${sid}`;
	const call = {
		...example,
		sid,
		account_sid: account,
		status,
		direction,
		from,
		to,
		from_formatted: pretty(from),
		to_formatted: pretty(to),
		date_created: rfc2822(start - 1000),
		date_updated: rfc2822(ended ? end + 1000 : start),
		/* Twilio: "empty if the call has not yet been dialed". */
		start_time: status === 'queued' ? null : rfc2822(start),
		end_time: ended ? rfc2822(end) : null,
		duration: ended ? String(seconds) : null,
		price: seconds ? `-0.${String(random(900) + 100)}` : null,
		answered_by: direction === 'outbound-api' ? 'human' : null,
		caller_name: random(5) ? null : 'Zoë "Z." O\'Hara \u{1f600}\\',
		forwarded_from: direction === 'inbound' ? to : null,
		group_sid: null,
		trunk_sid: direction.startsWith('trunking') ?
			'TK' + hex32(random) : null,
		phone_number_sid: direction === 'inbound' ?
			'PN' + hex32(random) : null,
		parent_call_sid: direction === 'outbound-dial' ? parent : null,
		queue_time: '0',
		uri: `${base}.json`,
		subresource_uris: Object.fromEntries(
			Object.entries(example.subresource_uris).map(([name, uri]) =>
				[name, base + uri.slice(uri.lastIndexOf('/'))])),
	};

	return {
		sid, status, to, from, parent: call.parent_call_sid,
		start: call.start_time === null ? null : start,
		end: ended ? end : null,
		text: JSON.stringify(call),
	};
}

/* n calls, the newest at start; several may begin in the same second. */
function makeCalls(account, n, seed, start = NEWEST) {
	const random = generator(seed);
	const calls = [];
	let parent = 'CA' + hex32(random);

	for (let i = 0; i < n; i++) {
		calls.push(makeCall(random, account, start, parent));
		start -= random(4) * random(120) * 1000;
		if (random(7) === 0)
			parent = calls[i].sid;
	}
	return calls;
}

module.exports = { makeCalls, NEWEST };
