// TwiML as Twilio's official SDK for Node builds it.
//
// usage: node voice_sdk.mjs <trees.json >documents.json
//
// A tree is [tag, {attribute: value}, [text or tree, ...]] with the tag
// Response at its root. Each element is made by the method that the SDK has
// for it in its parent: what the SDK cannot express is an error. NODE_PATH is
// where the packages are.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const twilio = createRequire(import.meta.url)("twilio");

// "say-as" is sayAs, "ConversationRelay" conversationRelay.
function methodOf(tag) {
	const joined = tag.replace(/-(.)/g, (_, c) => c.toUpperCase());
	return joined[0].toLowerCase() + joined.slice(1);
}

function addChildren(parent, children) {
	for (const child of children) {
		if (typeof child === "string") {
			parent.addText(child);
			continue;
		}
		const [tag, attributes, inner] = child;
		const method = methodOf(tag);
		if (typeof parent[method] !== "function")
			throw new Error(`the SDK has no <${tag}> there`);
		// Verbs with text want it as an argument; the rest is added.
		const [first, ...rest] = inner;
		if (typeof first === "string")
			addChildren(parent[method](attributes, first), rest);
		else
			addChildren(parent[method](attributes), inner);
	}
}

function build([, attributes, children]) {
	if (Object.keys(attributes).length > 0)
		throw new Error("the SDK's Response has no attributes");
	const response = new twilio.twiml.VoiceResponse();
	addChildren(response, children);
	return response.toString();
}

const trees = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(trees.map(build)));
