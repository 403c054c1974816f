/*
 * Messages for the mock: create (with what Twilio refuses), list, fetch, and
 * status callbacks, signed. What is made is kept until the mock's reset.
 */
'use strict';

const crypto = require('node:crypto');
const http = require('node:http');

/* As in generate.cjs. */
const rfc2822 = (ms) => new Date(ms).toUTCString().replace('GMT', '+0000');

const BODY_MAX = 1600;
const MEDIA_MAX = 10;

/* What Twilio says of a code, and with which HTTP code if it is not 400. */
const errors = {
	20403: { http: 403, message: 'Forbidden' },
	20404: { http: 404, message: 'The requested resource was not found' },
	20429: { http: 429, message: 'Too Many Requests' },
	21211: { message: "The 'To' number {To} is not a valid phone number." },
	21408: { message: 'Permission to send an SMS or MMS has not been ' +
		"enabled for the region indicated by the 'To' number: {To}." },
	21603: { message: "A 'From' phone number is required." },
	21604: { message: "A 'To' phone number is required." },
	21606: { message: "The 'From' phone number {From} is not a valid, " +
		'message-capable Twilio phone number for this destination.' },
	21609: { message: 'The StatusCallback URL is not a valid URL.' },
	21610: { message: 'Attempt to send to unsubscribed recipient' },
	21614: { message: "'To' number {To} is not a valid mobile number" },
	21617: { message: 'The concatenated message body exceeds the 1600 ' +
		'character limit' },
	21619: { message: 'A text message body or media urls must be specified.' },
	21620: { message: 'Invalid media URL(s)' },
	21623: { message: 'Number of media files exceeds allowed limit' },
	21705: { message: 'The Messaging Service Sid is invalid.' },
	21910: { message: "Invalid From and To pair. From and To should be of " +
		'the same channel' },
	63003: { message: 'Channel could not find To address' },
	63007: { message: 'Twilio could not find a Channel with the specified ' +
		'From address' },
	63016: { message: 'Failed to send freeform message because you are ' +
		'outside the allowed window.' },
};

const channel = (address) =>
	address.includes(':') ? address.slice(0, address.indexOf(':')) : '';
const isNumber = (address) => /^\+[1-9]\d{1,14}$/.test(address);
const isAddress = (address) => channel(address) === '' ? isNumber(address) :
	address.length > channel(address).length + 1;

function isUrl(text) {
	try {
		return /^https?:$/.test(new URL(text).protocol);
	} catch {
		return false;
	}
}

/* The code with which Twilio refuses this, or 0. */
function wrong(form, state) {
	const { To, From, MessagingServiceSid: service, Body: body } = form;
	const media = form.MediaUrl || [];

	if (!To)
		return 21604;
	if (!isAddress(To))
		return 21211;
	if (!From && !service)
		return 21603;
	if (service && !/^MG[0-9a-fA-F]{32}$/.test(service))
		return 21705;
	if (From && channel(From) !== channel(To))
		return 21910;
	if (From && state.senders.length > 0 && !state.senders.includes(From))
		return channel(From) ? 63007 : 21606;
	if (!body && media.length === 0 && !form.ContentSid)
		return 21619;
	if (body && [...body].length > BODY_MAX)
		return 21617;
	if (media.length > MEDIA_MAX)
		return 21623;
	if (!media.every(isUrl))
		return 21620;
	if (form.StatusCallback && !isUrl(form.StatusCallback))
		return 21609;
	return state.opted_out.includes(To) ? 21610 : 0;
}

/* base64(HMAC-SHA1(token, URL and each pair, sorted)) */
function signature(token, url, pairs) {
	const sorted = [...pairs].sort(([a], [b]) => a < b ? -1 : 1);

	return crypto.createHmac('sha1', token).update(url +
		sorted.map(([name, value]) => name + value).join(''))
		.digest('base64');
}

/* A space is %20 in callbacks. */
const encode = (pairs) => pairs.map(([name, value]) =>
	`${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&');

/* The state is the mock's, and may be replaced. */
class Messages {
	constructor(account, getState) {
		this.account = account;
		this.getState = getState;
		this.reset();
	}

	reset() {
		(this.timers || []).forEach((timer) => clearTimeout(timer));
		this.timers = [];
		this.all = []; /* newest first: {message, callback} */
	}

	/* {code, http, message} of a refusal, with what was sent in its words. */
	error(code, form = {}) {
		const known = errors[code] || { message: `Error ${code}` };

		return { code, http: known.http || 400, message: known.message
			.replace(/\{(\w+)\}/g, (_, name) => form[name] || '') };
	}

	refusal(form) {
		const code = wrong(form, this.getState());

		return code ? this.error(code, form) : null;
	}

	/* It is taken, and its statuses follow. */
	create(form) {
		const media = form.MediaUrl || [];
		const sid = (media.length ? 'MM' : 'SM') +
			crypto.randomBytes(16).toString('hex');
		const uri = `/2010-04-01/Accounts/${this.account}/Messages/${sid}`;
		const now = rfc2822(Date.now() + this.getState().skew_ms);
		const message = {
			body: form.Body || '',
			num_segments: '1',
			direction: 'outbound-api',
			from: form.From || null,
			to: form.To,
			date_updated: now,
			price: null,
			error_message: null,
			uri: `${uri}.json`,
			account_sid: this.account,
			num_media: String(media.length),
			status: this.getState().first_status,
			messaging_service_sid: form.MessagingServiceSid || null,
			sid,
			date_sent: null,
			date_created: now,
			error_code: null,
			price_unit: null,
			api_version: '2010-04-01',
			subresource_uris: { media: `${uri}/Media.json` },
		};

		this.all.unshift({ message, callback: form.StatusCallback, media });
		let after = 0;
		for (const [status, ms, code] of this.getState().statuses) {
			after += ms;
			this.timers.push(setTimeout(() =>
				this.change(sid, status, code, true), after));
		}
		return message;
	}

	find(sid) {
		return this.all.find(({ message }) => message.sid === sid);
	}

	/* The next status, and its callback, {url, body, signature}, sent or not;
	 * with answer, its HTTP code, 0: none came. */
	async change(sid, status, code, send) {
		const found = this.find(sid);
		if (!found)
			return null;
		const { message, callback } = found;
		const now = rfc2822(Date.now());

		message.status = status;
		message.date_updated = now;
		if (status === 'sent')
			message.date_sent = now;
		if (code) {
			message.error_code = code;
			message.error_message = this.error(code).message;
		}
		if (!callback)
			return { url: null };
		const pairs = this.pairs(message, status, code);
		const token = this.getState().users[this.account];
		const made = { url: callback, body: encode(pairs),
			signature: signature(token, callback, pairs) };
		if (send) {
			made.answer = await this.post(made);
			this.getState().callbacks.push({ sid, status,
				url: callback, answer: made.answer });
		}
		return made;
	}

	pairs(message, status, code) {
		const to = message.to;
		const pairs = [
			['SmsSid', message.sid],
			['SmsStatus', status],
			['MessageStatus', status],
			['To', to],
			['MessageSid', message.sid],
			['AccountSid', this.account],
			['From', message.from || ''],
			['ApiVersion', '2010-04-01'],
		];

		if (channel(to))
			pairs.push(['ChannelPrefix', channel(to)],
				['ChannelToAddress', to.slice(channel(to).length + 1)]);
		if (code)
			pairs.push(['ErrorCode', String(code)],
				['ErrorMessage', this.error(code).message]);
		return pairs;
	}

	post({ url, body, signature: signed }) {
		const its = new URL(url);
		const at = new URL(this.getState().callback_origin || url);

		return new Promise((resolve) => {
			const req = http.request({
				host: at.hostname, port: at.port || 80, method: 'POST',
				path: its.pathname + its.search, timeout: 15000,
				headers: { Host: its.host,
					'Content-Type': 'application/x-www-form-urlencoded',
					'Content-Length': Buffer.byteLength(body),
					'X-Twilio-Signature': signed,
					'I-Twilio-Idempotency-Token': crypto.randomUUID(),
					'User-Agent': 'TwilioProxy/1.1' },
			}, (res) => {
				res.resume();
				res.on('end', () => resolve(res.statusCode));
				res.on('error', () => resolve(0));
			});
			req.on('timeout', () => req.destroy());
			req.on('error', () => resolve(0));
			req.end(body);
		});
	}

	/* --- the list ------------------------------------------------------- */

	/* What is not sent yet is listed by the day on which it was made. */
	fits(query, message) {
		const ms = Date.parse(message.date_sent || message.date_created);
		const day = Math.floor(ms / 86400000);
		const dayOf = (text) => Math.floor(Date.parse(text) / 86400000);

		return (query.To === undefined || message.to === query.To) &&
			(query.From === undefined || message.from === query.From) &&
			(query.DateSent === undefined ||
				day === dayOf(query.DateSent)) &&
			(query['DateSent<'] === undefined ||
				ms <= Date.parse(query['DateSent<'])) &&
			(query['DateSent>'] === undefined ||
				ms >= Date.parse(query['DateSent>']));
	}

	uri(query, page, token) {
		const text = new URLSearchParams();

		for (const [name, value] of Object.entries(query))
			if (!['PageSize', 'Page', 'PageToken'].includes(name))
				text.append(name, value);
		text.append('PageSize', query.PageSize || 50);
		text.append('Page', page);
		if (token)
			text.append('PageToken', token);
		return `/2010-04-01/Accounts/${this.account}/Messages.json?${text}`;
	}

	/* null: no such token. */
	page(query, own) {
		const list = this.all.map(({ message }) => message)
			.filter((message) => this.fits(query, message));
		const size = query.PageSize || 50;
		const page = query.Page || 0;
		const token = query.PageToken;
		const at = token === undefined ? page * size :
			list.findIndex(({ sid }) => `PA${sid}` === token) + 1;
		const items = list.slice(at, at + size);

		if (token !== undefined && at === 0)
			return null;
		return {
			first_page_uri: this.uri(query, 0),
			end: page * size + Math.max(0, items.length - 1),
			previous_page_uri: null,
			messages: items,
			uri: own,
			page_size: size,
			start: page * size,
			next_page_uri: at + size < list.length ? this.uri(query,
				page + 1, 'PA' + items[items.length - 1].sid) : null,
			page,
		};
	}
}

module.exports = { Messages };
