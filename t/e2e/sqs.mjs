// AWS's own client for SQS, as a worker elsewhere would use it: each line that
// comes in is {"do": COMMAND, …input}, each that goes out its answer, or
// {"error", "status", "message"}.
//
// usage: node sqs.mjs ENDPOINT KEY SECRET REGION
import { createRequire } from "node:module";
import readline from "node:readline";

const require = createRequire(import.meta.url); // by NODE_PATH
const sqs = require("@aws-sdk/client-sqs");

const [endpoint, accessKeyId, secretAccessKey, region] = process.argv.slice(2);
const client = new sqs.SQSClient({
	endpoint, region, credentials: { accessKeyId, secretAccessKey },
	maxAttempts: 1,
});

for await (const line of readline.createInterface({ input: process.stdin })) {
	const { do: name, ...input } = JSON.parse(line);
	for (const list of [input, ...input.Entries ?? []])
		for (const a of Object.values(list.MessageAttributes ?? {}))
			if (a.BinaryValue !== undefined)
				a.BinaryValue = Buffer.from(a.BinaryValue, "base64");
	let answer;
	try {
		answer = await client.send(new sqs[name + "Command"](input));
		answer.status = answer.$metadata.httpStatusCode;
		answer.request = answer.$metadata.requestId;
		delete answer.$metadata;
	} catch (e) {
		answer = { error: e.name, status: e.$metadata?.httpStatusCode,
			message: e.message, kind: e instanceof sqs.SQSServiceException };
	}
	console.log(JSON.stringify(answer, (k, v) =>
		v instanceof Uint8Array ? Buffer.from(v).toString("base64") : v));
}
