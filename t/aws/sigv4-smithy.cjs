/*
 * npm's @smithy/signature-v4 as an oracle for src/codec/sigv4.c: signs the
 * vectors on standard input (the form of sigv4-botocore.py) and compares.
 * Prints how many were the same, and exits 1 at a difference.
 */
'use strict';

const { SignatureV4 } = require('@smithy/signature-v4');

const { Sha256 } = require('./verify.cjs');

async function sign(v) {
	const signer = new SignatureV4({
		service: v.service,
		region: v.region,
		credentials: {
			accessKeyId: v.access_key_id,
			secretAccessKey: v.secret,
			sessionToken: v.session_token ?? undefined,
		},
		sha256: Sha256,
		applyChecksum: false,
	});
	const request = await signer.sign({
		method: v.method,
		protocol: 'http:',
		path: v.path,
		headers: Object.fromEntries(v.headers),
		body: v.body,
	}, { signingDate: new Date(v.time * 1000) });
	return request.headers.authorization;
}

async function main() {
	const vectors = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
	let same = 0;
	for (const v of vectors) {
		const theirs = await sign(v);
		if (theirs === v.authorization)
			same++;
		else
			console.log(`${v.name}\n ${theirs}\n ${v.authorization}`);
	}
	console.log(`smithy: ${same} same`);
	process.exit(same === vectors.length && same > 0 ? 0 : 1);
}

main();
