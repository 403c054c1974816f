/*
 * Twilio's official SDK, pointed at the mock.
 *
 * usage: node sdk.cjs URL ACCOUNT TOKEN <JSON
 *
 * Reads a list of {"fetch": SID} and {"list": {…}}, the SDK's own options with
 * dates as text, and prints for each the calls as the SDK sees them; and of
 * {"create": {…}} and {"messages": {…}}, for each the messages.
 */
'use strict';

const { readFileSync } = require('node:fs');
const twilio = require('twilio');

const [url, account, token] = process.argv.slice(2);

class Client extends twilio.RequestClient {
	request(options) {
		const { pathname, search, host } = new URL(options.uri);

		if (host !== 'api.twilio.com')
			throw new Error(`asked of ${host}`);
		return super.request({ ...options, uri: url + pathname + search });
	}
}

const client = twilio(account, token, { httpClient: new Client() });

async function answer({ fetch, list, create, messages }) {
	if (fetch)
		return [await client.calls(fetch).fetch()];
	if (create)
		return [await client.messages.create(create)];
	const options = { ...list || messages };
	for (const name of ['startTimeAfter', 'startTimeBefore', 'dateSentAfter'])
		if (options[name])
			options[name] = new Date(options[name]);
	return list ? client.calls.list(options) : client.messages.list(options);
}

(async () => {
	const out = [];

	for (const one of JSON.parse(readFileSync(0)))
		out.push(await answer(one));
	/* A pipe takes its time; the process ends by itself. */
	process.stdout.write(JSON.stringify(out));
})();
