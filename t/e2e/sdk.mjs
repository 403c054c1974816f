// Signatures by Twilio's official SDK for Node.
//
// usage: node sdk.mjs TOKEN <requests.json >signatures.json
//
// A request is {url, params} with params {name: value or [values]}, or
// {url, body} where the URL gets the body's hash; with settings, a header, and
// secret it is signed with a shared key as the header says. The answer is a list
// of {url, signature}. NODE_PATH is where the packages are.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const twilio = createRequire(import.meta.url)("twilio");
const token = process.argv[2];

function sign({ url, params, body, settings, secret = token }) {
	const algorithm = twilio.getSignatureAlgorithm(settings);
	if (body !== undefined) {
		const hash = twilio.getExpectedBodyHash(body);
		url += (url.includes("?") ? "&" : "?") + "bodySHA256=" + hash;
		params = {};
	}
	const signature = twilio.getExpectedTwilioSignature(
		secret, url, params, algorithm);
	// What the SDK makes, it must also take.
	if (!twilio.validateRequest(secret, signature, url, params, algorithm))
		throw new Error(`the SDK refuses its own signature of ${url}`);
	return { url, signature };
}

const requests = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(requests.map(sign)));
