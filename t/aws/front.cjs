/*
 * AWS for the tests, on loopback. It recomputes each request's signature with
 * @smithy/signature-v4 and refuses wrong ones, passes DynamoDB's calls on to
 * dynalite and SQS's to fauxqs, and answers Parameter Store, Secrets Manager,
 * STS, the container endpoint and the instance metadata service itself. On
 * demand it misbehaves.
 *
 * usage: NODE_PATH=…/node_modules node front.cjs
 *
 * Prints its ports, plain and TLS (0: none; AWS_FRONT_CERT and AWS_FRONT_KEY are
 * its certificate), and then those of 169.254.169.254, 169.254.170.2,
 * fd00:ec2::254 and fd00:ec2::23 that are addresses of this host: it listens
 * there too, on port 80. Ends with its standard input.
 *
 * To be killed and started again: AWS_FRONT_JOURNAL is a file for what it has
 * accepted (journal.cjs), AWS_FRONT_PORT the plain port.
 *
 * POST /control {…} sets what is below in `fresh`; {"reset":true} all of it.
 * GET /control gives it back, with the requests seen.
 */
'use strict';

const { existsSync, readFileSync } = require('node:fs');
const http = require('node:http');
const https = require('node:https');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');

const modules = process.env.NODE_PATH.split(':').find((dir) =>
	existsSync(join(dir, 'fauxqs')));
const { verify } = require('./verify.cjs');
const alternator = require('./alternator.cjs');
const journals = require('./journal.cjs');
const local = require('./local.cjs');

const fresh = () => ({
	/* AWS's clock minus this machine's, in seconds. */
	skew_s: 0,
	/* Keys that are known: id -> {secret, token, expires}; expires in
	 * milliseconds, or null. Those that STS and others give out are added. */
	keys: { AKIDTEST: { secret: 'secret-of-test', token: null, expires: null } },
	/* One after another, the first whose target fits is applied and, after
	 * `times`, gone: {target: "Query", kind, times, …}; see faults below. */
	faults: [],
	parameters: {},
	secrets: {},
	/* How long new keys last, and what is added to their secrets (in pieces;
	 * it also stands for "@" in values); then how each place behaves. */
	lifetime_s: 3600,
	mark: [],
	sts: { token: 'web-token', role: 'arn:aws:iam::000000000000:role/r' },
	container: { authorization: null },
	instance: { role: 'instance-role', code: 'Success' },
	requests: [],
});

let state = fresh();
let minted = 0;
let backends;
let journal = null;

/* --- faults ---------------------------------------------------------------- */

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

function takeFault(operation) {
	const i = state.faults.findIndex((f) =>
		f.target === '*' || f.target === operation);
	if (i < 0)
		return null;
	const fault = state.faults[i];
	fault.times = (fault.times ?? 1) - 1;
	if (fault.times === 0)
		state.faults.splice(i, 1);
	return fault;
}

/* What stands in for the answer; null: nothing does. */
function errorAnswer(fault) {
	const type = fault.type ? { __type: fault.type } : {};
	return {
		status: fault.status ?? 400,
		headers: {
			'content-type': 'application/x-amz-json-1.0',
			...(fault.headers ?? {}),
		},
		body: fault.body ??
			JSON.stringify({ ...type, message: fault.message ?? 'as asked' }),
	};
}

/* --- backends --------------------------------------------------------------- */

const agent = new http.Agent({ keepAlive: true });

function pass(port, request, body) {
	return new Promise((done, fail) => {
		const headers = { ...request.headers };
		delete headers['transfer-encoding'];
		headers['content-length'] = Buffer.byteLength(body);
		const out = http.request({
			host: '127.0.0.1', port, method: request.method,
			path: '/', headers, agent,
		}, (answer) => {
			const parts = [];
			answer.on('data', (part) => parts.push(part));
			answer.on('end', () => done({
				status: answer.statusCode,
				headers: answer.headers,
				body: Buffer.concat(parts),
			}));
		});
		out.on('error', fail);
		out.end(body);
	});
}

/* Of ours, no more than others who speak DynamoDB's API understand. */
function passToDynamodb(request, body, operation) {
	const ours = /^switchhook/.test(request.headers['user-agent']);
	const why = ours && alternator.refuses(operation, request, body);
	return why
		? errorAnswer({ type: 'ValidationException', message: why })
		: pass(backends.dynamodb, request, body);
}

/* A queue's address may be any that ends in its name, as that of a front. */
function passToSqs(request, body) {
	const { store, port } = backends.sqs;
	const call = JSON.parse(body);
	const name = call.QueueUrl?.split('/').at(-1);
	const queue = store.queuesByName.get(name);
	for (const each of store.queuesByName.values())
		each.processTimers();
	if (queue)
		call.QueueUrl = queue.url;
	return pass(port, request, JSON.stringify(call));
}

async function startBackends() {
	const load = (file) => import(pathToFileURL(join(modules, file)).href);
	const { buildApp } = await load('fauxqs/dist/app.js');
	const { SqsStore } = await load('fauxqs/dist/sqs/sqsStore.js');
	const { INVALID_MESSAGE_BODY_CHAR: bad } =
		await load('fauxqs/dist/sqs/sqsTypes.js');
	/* SQS takes characters beyond U+FFFF, fauxqs does not. */
	bad.test = (s) => /[^\x09\x0A\x0D\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u
		.test(s);
	const store = new SqsStore();
	const app = buildApp({ logger: false, stores: { sqsStore: store } });
	await app.listen({ port: 0, host: '127.0.0.1' });
	const dynalite = require('dynalite')({ createTableMs: 0, deleteTableMs: 0 });
	await new Promise((done) => dynalite.listen(0, '127.0.0.1', done));
	return {
		sqs: { store, port: app.server.address().port },
		dynamodb: dynalite.address().port,
	};
}

/* --- requests ----------------------------------------------------------------- */

/* New temporary keys; what they come with differs by place. */
function mint(place) {
	const id = `ASIA${place}${++minted}`;
	const expires = Date.now() + (state.skew_s + state.lifetime_s) * 1000;
	const keys = { secret: `secret-${id}${state.mark.join('')}`, token: `token-${id}`, expires };
	state.keys[id] = keys;
	return { id, ...keys, expiration: new Date(expires).toISOString()
		.replace(/\.\d+Z/, 'Z') };
}

const services = {
	DynamoDB_20120810: ['dynamodb', passToDynamodb],
	AmazonSQS: ['sqs', passToSqs],
	AmazonSSM: ['ssm', (request, body) => local.ssm(state, JSON.parse(body))],
	secretsmanager: ['secretsmanager', (request, body) =>
		local.secrets(state, JSON.parse(body))],
};

async function answer(request, body) {
	const target = request.headers['x-amz-target'];
	const path = request.url.split('?')[0];
	const fault = request.fault;
	if (!target && fault?.kind === 'error')
		return errorAnswer(fault);
	if (!target)
		return local.plain(state, mint, request, path, body.toString());
	const [prefix, operation] = target.split('.');
	if (!services[prefix])
		return errorAnswer({ type: 'UnknownOperationException' });
	const [service, handler] = services[prefix];
	const refusal = await verify(state, service, request, body);
	if (refusal)
		return errorAnswer(refusal);
	if (fault?.kind === 'error')
		return errorAnswer(fault);
	if (fault?.kind === 'expire') {
		state.keys[request.keyId].expires = 1;
		return errorAnswer(await verify(state, service, request, body));
	}
	return handle(target, request, body, handler);
}

/* By a back end; what it has accepted is kept before anybody hears of it. */
async function handle(target, request, body, handler) {
	const operation = target.split('.')[1];
	if (!journal)
		return handler(request, body, operation);
	const call = JSON.parse(body);
	const known = journal.repeated(target, request.headers, call);
	if (known)
		return known;
	const result = await handler(request, body, operation);
	if (result.status === 200)
		journal.accepted(target, request.headers, call);
	return result;
}

/* Make again what was there before we were killed. */
async function replay() {
	for (const { target, headers, call } of journal.makes) {
		const [, handler] = services[target.split('.')[0]];
		const { status, body } = await handler(
			{ method: 'POST', headers }, JSON.stringify(call));
		if (status !== 200)
			throw new Error(`${target}: ${body}`);
	}
}

/* Send, in the way that was asked for. */
function send(response, result, fault) {
	const headers = { ...result.headers };
	let body = Buffer.from(result.body ?? '');
	delete headers['transfer-encoding'];
	delete headers.connection;
	if (fault?.kind !== 'error' || !headers.date)
		headers.date = new Date(Date.now() + state.skew_s * 1000)
			.toUTCString();
	headers['x-amzn-requestid'] ??= `request-${state.requests.length}`;
	if (fault?.kind === 'crc')
		headers['x-amz-crc32'] = '1';
	if (fault?.kind === 'cut')
		body = body.subarray(0, body.length / 2);
	if (fault?.kind === 'cut')
		delete headers['x-amz-crc32'];
	headers['content-length'] = body.length;
	response.writeHead(result.status, headers);
	if (fault?.kind === 'truncate') {
		response.write(body.subarray(0, body.length / 2));
		setTimeout(() => response.destroy(), 20);
		return;
	}
	response.end(body);
}

/* An absolute URI comes to a proxy: it goes on as if it had come directly. */
function unwrap(request) {
	const m = /^http:\/\/([^/]+)(\/.*)?$/.exec(request.url);
	if (m) {
		request.proxied = m[1];
		request.url = m[2] ?? '/';
	}
}

async function serve(request, response, body) {
	unwrap(request);
	const operation = request.headers['x-amz-target']?.split('.')[1] ??
		request.url.split('?')[0];
	const fault = takeFault(operation);
	request.fault = fault;
	const seen = { operation, method: request.method, url: request.url,
		headers: { ...request.headers, proxied: request.proxied },
		body: body.toString() };
	state.requests.push(seen);
	/* Before the work, or until so long after the request came. */
	const pause = fault?.kind === 'latency' || fault?.kind === 'paced'
		? sleep(fault.ms) : null;
	if (fault?.kind === 'latency')
		await pause;
	if (fault?.kind === 'hang')
		return;
	if (fault?.kind === 'reset') {
		request.socket.resetAndDestroy?.() ?? request.socket.destroy();
		return;
	}
	const result = fault?.kind === 'garbage'
		? { status: 200, headers: { 'content-type': 'text/html' },
			body: '<html>Welcome to the hotel</html>' }
		: fault?.kind === 'empty' /* of a Query: an index that is behind */
			? { status: 200,
				headers: { 'content-type': 'application/x-amz-json-1.0' },
				body: '{"Items":[],"Count":0,"ScannedCount":0}' }
			: await answer(request, body);
	seen.status = result.status;
	await pause;
	if (fault?.kind === 'lost') { /* the work is done, the answer is not sent */
		request.socket.destroy();
		return;
	}
	send(response, result, fault);
}

function control(request, body) {
	if (request.method === 'POST') {
		const wish = JSON.parse(body);
		if (wish.reset)
			state = fresh();
		delete wish.reset;
		Object.assign(state, wish);
	}
	return { status: 200, headers: { 'content-type': 'application/json' },
		body: JSON.stringify(state) };
}

function listener(request, response) {
	const parts = [];
	request.on('data', (part) => parts.push(part));
	request.on('end', async () => {
		const body = Buffer.concat(parts);
		try {
			if (request.url === '/control')
				send(response, control(request, body), null);
			else
				await serve(request, response, body);
		} catch (error) {
			console.error(error);
			response.writeHead(599);
			response.end(String(error));
		}
	});
}

/* Resolves to the port, or to null where that cannot be had. */
function listen(host, port, tls) {
	const options = { keepAliveTimeout: 60000, ...tls };
	const server = (tls ? https : http).createServer(options, listener);
	return new Promise((done) => {
		server.on('error', () => done(null));
		server.listen(port, host, () => done(server.address().port));
	});
}

async function main() {
	backends = await startBackends();
	if (process.env.AWS_FRONT_JOURNAL) {
		journal = journals.open(process.env.AWS_FRONT_JOURNAL);
		await replay();
	}
	const port = await listen('127.0.0.1',
		Number(process.env.AWS_FRONT_PORT ?? 0));
	const links = [];
	for (const host of ['169.254.169.254', '169.254.170.2', 'fd00:ec2::254',
		'fd00:ec2::23'])
		if (await listen(host, 80))
			links.push(host);
	const { AWS_FRONT_CERT: cert, AWS_FRONT_KEY: key } = process.env;
	const tlsPort = cert && await listen('127.0.0.1', 0,
		{ cert: readFileSync(cert), key: readFileSync(key) });
	console.log(port, tlsPort ?? 0, links.join(','));
	process.stdin.on('end', () => process.exit(0)).resume();
}

main();
