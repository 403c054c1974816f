/*
 * Is a request one that Twilio's OpenAPI description knows? npm's ajv compares
 * its parameters with those of t/data/twilio-calls-openapi.json, and, for
 * messages, with the names and types below.
 */
'use strict';

const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const Ajv = require('ajv');

const api = JSON.parse(readFileSync(
	join(__dirname, '../data/twilio-calls-openapi.json')));
const ajv = new Ajv({ strict: false, allErrors: true });

/* Dates alone are what the description's own examples have. */
ajv.addFormat('date-time', (text) =>
	/^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d))?$/.test(text) &&
	!Number.isNaN(Date.parse(text)));
/* A number, or an address of SIP, a client or a SIM. */
ajv.addFormat('phone-number', /^(\+[1-9]\d{1,14}|(sip|client|sim):\S+)$/);
/* Of a message: a number, a short code, a word, or a channel's address. */
ajv.addFormat('address', /^(\+[1-9]\d{1,14}|\d{3,8}|[A-Za-z0-9 ]{1,11}|[a-z]+:\S+)$/);
ajv.addFormat('uri', (text) => URL.canParse ? URL.canParse(text) :
	/^[a-z][a-z0-9+.-]*:\S+$/i.test(text));
ajv.addFormat('int64', { type: 'number', validate: Number.isSafeInteger });

function objectSchema(parameters, place) {
	const mine = parameters.filter((p) => p.in === place);

	return {
		type: 'object',
		/* Lists of values, which have a name, get longer with time. */
		properties: Object.fromEntries(mine.map((p) => [p.name,
			p.schema.$ref ? { type: 'string' } : p.schema])),
		required: mine.filter((p) => p.required).map((p) => p.name),
		additionalProperties: false,
	};
}

/* --- messages: what CreateMessage, ListMessage and FetchMessage take */

const text = { type: 'string' };
const address = { type: 'string', format: 'address' };
const url = { type: 'string', format: 'uri' };
const flag = { type: 'boolean' };
const whole = { type: 'integer' };
const time = { type: 'string', format: 'date-time' };
const list = (items) => ({ type: 'array', items });
const sidOf = (kind) => ({ type: 'string',
	pattern: `^${kind}[0-9a-fA-F]{32}$` });
const parameter = (place, required) => ([name, schema]) =>
	({ name, in: place, required, schema });
const ofAccount = parameter('path', true)(['AccountSid', sidOf('AC')]);

const listMessage = { To: address, From: address, DateSent: time,
	'DateSent<': time, 'DateSent>': time,
	PageSize: { type: 'integer', minimum: 1, maximum: 1000 },
	Page: { type: 'integer', minimum: 0 }, PageToken: text };
const createMessage = { To: address, StatusCallback: url,
	ApplicationSid: sidOf('AP'), MaxPrice: text, ProvideFeedback: flag,
	Attempt: whole, ValidityPeriod: whole, ForceDelivery: flag,
	ContentRetention: text, AddressRetention: text, SmartEncoded: flag,
	PersistentAction: list(text), TrafficType: text, ShortenUrls: flag,
	ScheduleType: text, SendAt: time, SendAsMms: flag,
	ContentVariables: text, MessageIntent: text, RiskCheck: text,
	From: address, FallbackFrom: address, MessagingServiceSid: sidOf('MG'),
	Body: text, MediaUrl: list(url), ContentSid: sidOf('HX') };

const messages = '/2010-04-01/Accounts/{AccountSid}/Messages';
const paths = {
	...api.paths,
	[`${messages}.json`]: {
		get: { operationId: 'ListMessage', parameters: [ofAccount,
			...Object.entries(listMessage).map(parameter('query'))] },
		post: { operationId: 'CreateMessage', parameters: [ofAccount,
			...Object.entries(createMessage).map(parameter('form'))] },
	},
	[`${messages}/{Sid}.json`]: {
		get: { operationId: 'FetchMessage', parameters: [ofAccount,
			parameter('path', true)(['Sid', sidOf('(SM|MM)')])] },
	},
};

/* {Name} in a path stands for anything without a slash. Of the calls nothing
 * is done but reading. */
const methodsOf = ([path, item]) => ['get', 'post'].filter((method) =>
	item[method] && (method === 'get' || path === `${messages}.json`))
	.map((method) => ({ method: method.toUpperCase(), path, ...item[method] }));
const operations = Object.entries(paths).flatMap(methodsOf).map((o) => ({
	method: o.method,
	id: o.operationId,
	pattern: new RegExp('^' + o.path.replace(/[.]/g, '\\.')
		.replace(/\{(\w+)\}/g, '(?<$1>[^/]*?)') + '$'),
	parameters: o.parameters,
	path: ajv.compile(objectSchema(o.parameters, 'path')),
	query: ajv.compile(objectSchema(o.parameters, 'query')),
	form: ajv.compile(objectSchema(o.parameters, 'form')),
}));

const say = (fn) => fn.errors.map((e) =>
	`${e.instancePath} ${e.message} ${JSON.stringify(e.params)}`).join('; ');

/* A number is one if it is written as one, in one way. */
function typed(parameters, name, text) {
	const known = parameters.find((p) => p.name === name);

	if (known && known.schema.type === 'boolean' && /^(true|false)$/.test(text))
		return text === 'true';
	return known && known.schema.type === 'integer' &&
		/^(0|[1-9][0-9]{0,9})$/.test(text) ? Number(text) : text;
}

/* Names and values of a query or form, which must be well encoded. */
function readPairs(o, raw, wrong) {
	const out = {};

	if (!/^([A-Za-z0-9._~!$'()*,;:@/?&=+-]|%[0-9A-Fa-f]{2})+$/.test(raw))
		wrong.push(`what stands in no query or form: ${raw}`);
	for (const [name, value] of new URLSearchParams(raw)) {
		const known = o.parameters.find((p) => p.name === name);

		if (known && known.schema.type === 'array') {
			out[name] = [...out[name] || [], value];
			continue;
		}
		if (name in out)
			wrong.push(`${name} twice`);
		out[name] = typed(o.parameters, name, value);
	}
	return out;
}

/*
 * {id, path, query, form} of a request, and what is wrong with it, a list. id is
 * FetchCall, ListCall, …, or undefined. body is a POST's, {type, text}.
 */
function checkRequest(method, url, body) {
	const at = url.indexOf('?');
	const path = at < 0 ? url : url.slice(0, at);
	const wrong = [];
	const fitting = operations.map((o) => [o, o.pattern.exec(path)])
		.filter(([, match]) => match);
	const found = fitting.find(([o]) => o.method === method) || fitting[0];

	if (!found)
		return { query: {}, form: {}, wrong: [`no such path: ${path}`] };
	const [o, match] = found;
	const names = { ...match.groups };
	if (o.method !== method)
		wrong.push(`method ${method}`);
	const query = at < 0 ? {} : readPairs(o, url.slice(at + 1), wrong);
	const posted = o.method === 'POST' && method === 'POST';
	const form = posted ? readPairs(o, body.text, wrong) : {};
	if (posted && body.type !== 'application/x-www-form-urlencoded')
		wrong.push(`Content-Type ${body.type}`);
	if (!o.path(names))
		wrong.push(say(o.path));
	if (!o.query(query))
		wrong.push(say(o.query));
	if (!o.form(form))
		wrong.push(say(o.form));
	return { id: o.method === method ? o.id : undefined, path: names, query,
		form, wrong };
}

module.exports = { checkRequest };
