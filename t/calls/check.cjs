/*
 * Is a request one that Twilio's OpenAPI description knows? npm's ajv compares
 * its parameters with those of t/data/twilio-calls-openapi.json.
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

/* {Name} in a path stands for anything without a slash. */
const operations = Object.entries(api.paths).filter(([, item]) =>
	item.get).map(([path, item]) => ({
	id: item.get.operationId,
	pattern: new RegExp('^' + path.replace(/[.]/g, '\\.')
		.replace(/\{(\w+)\}/g, '(?<$1>[^/]*?)') + '$'),
	parameters: item.get.parameters,
	path: ajv.compile(objectSchema(item.get.parameters, 'path')),
	query: ajv.compile(objectSchema(item.get.parameters, 'query')),
}));

const say = (fn) => fn.errors.map((e) =>
	`${e.instancePath} ${e.message} ${JSON.stringify(e.params)}`).join('; ');

/* A number is one if it is written as one, in one way. */
function typed(parameters, name, text) {
	const known = parameters.find((p) => p.name === name);

	return known && known.schema.type === 'integer' &&
		/^(0|[1-9][0-9]{0,9})$/.test(text) ? Number(text) : text;
}

/*
 * {id, path, query} of a request, and what is wrong with it, a list. id is
 * FetchCall, ListCall or undefined.
 */
function checkRequest(method, url) {
	const at = url.indexOf('?');
	const path = at < 0 ? url : url.slice(0, at);
	const wrong = [];
	const query = {};
	const found = operations.map((o) => [o, o.pattern.exec(path)])
		.find(([, match]) => match);

	if (!found)
		return { query, wrong: [`no such path: ${path}`] };
	const [o, match] = found;
	const names = { ...match.groups };
	if (method !== 'GET')
		wrong.push(`method ${method}`);
	if (at >= 0) {
		const raw = url.slice(at + 1);
		if (!/^([A-Za-z0-9._~!$'()*,;:@/?&=+-]|%[0-9A-Fa-f]{2})+$/.test(raw))
			wrong.push(`what stands in no query: ${raw}`);
		for (const [name, text] of new URLSearchParams(raw)) {
			if (name in query)
				wrong.push(`${name} twice`);
			query[name] = typed(o.parameters, name, text);
		}
	}
	if (!o.path(names))
		wrong.push(say(o.path));
	if (!o.query(query))
		wrong.push(say(o.query));
	return { id: o.id, path: names, query, wrong };
}

module.exports = { checkRequest };
