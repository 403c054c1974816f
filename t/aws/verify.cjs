/* Is a request signed as AWS wants it? For front.cjs. */
'use strict';

const { createHash, createHmac } = require('node:crypto');
const { SignatureV4 } = require('@smithy/signature-v4');

const MARGIN_MS = 5 * 60 * 1000;

class Sha256 {
	constructor(secret) {
		this.hash = secret === undefined
			? createHash('sha256') : createHmac('sha256', secret);
	}
	update(data) {
		this.hash.update(data);
	}
	async digest() {
		return this.hash.digest();
	}
}

exports.Sha256 = Sha256;

const refuse = (type, message, status = 400) => ({
	type: `com.amazon.coral.service#${type}`, message, status,
});

function parse(authorization) {
	const m = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/
		.exec(authorization ?? '');
	return m && { id: m[1], day: m[2], region: m[3], service: m[4],
		names: m[5].split(';') };
}

async function recompute(auth, keys, request, body, date) {
	const signer = new SignatureV4({
		service: auth.service,
		region: auth.region,
		credentials: { accessKeyId: auth.id, secretAccessKey: keys.secret,
			sessionToken: keys.token ?? undefined },
		sha256: Sha256,
		applyChecksum: false,
	});
	const signed = await signer.sign({
		method: request.method,
		protocol: 'http:',
		path: request.url,
		query: {},
		headers: Object.fromEntries(auth.names
			.map((name) => [name, request.headers[name]])),
		body,
	}, { signingDate: date });
	return signed.headers.authorization;
}

/* "20261121T185000Z" */
function readDate(text) {
	const m = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text ?? '');
	return m && new Date(`${m[1]}-${m[2]}-${m[3]}T${m[4]}:${m[5]}:${m[6]}Z`);
}

/* null if it is, else an error for the caller. */
exports.verify = async (state, service, request, body) => {
	const auth = parse(request.headers.authorization);
	const date = readDate(request.headers['x-amz-date']);
	const now = Date.now() + state.skew_s * 1000;
	if (!auth || !date)
		return refuse('IncompleteSignatureException', 'Authorization');
	const must = ['content-type', 'host', 'x-amz-date', 'x-amz-target'];
	if (auth.service !== service || !must.every((n) => auth.names.includes(n)))
		return refuse('InvalidSignatureException', 'scope or headers');
	const keys = state.keys[auth.id];
	request.keyId = auth.id;
	if (!keys || (keys.token ?? '') !==
		(request.headers['x-amz-security-token'] ?? ''))
		return refuse('UnrecognizedClientException',
			'The security token included in the request is invalid.');
	if (await recompute(auth, keys, request, body, date) !==
		request.headers.authorization)
		return refuse('InvalidSignatureException', 'The request signature we ' +
			'calculated does not match. The Canonical String for this ' +
			`request should have been x-amz-security-token:${keys.token}`);
	if (Math.abs(date - now) > MARGIN_MS)
		return refuse('InvalidSignatureException', `Signature ${date < now
			? 'expired' : 'not yet current'}`);
	if (keys.expires !== null && keys.expires <= now)
		return refuse('ExpiredTokenException',
			'The security token included in the request is expired');
	return null;
};
