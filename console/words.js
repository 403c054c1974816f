// What states and causes are called.
import { line } from "./dom.js";

export function callName(c) {
	return line(c.name || c.tel || (c.addresses ?? [])[0] || c.id);
}

export const REPLY_STATES = {
	queued: "Waiting to be sent",
	sent: "Sent",
	delivered: "Delivered",
	read: "Read",
	undelivered: "Not delivered",
	failed: "Failed",
	refused: "Refused by Twilio",
	unknown: "Unknown whether it was sent",
	dropped: "Given up",
};

// States in which somebody has to decide; the API takes resend and drop.
export const OPEN_STATES = ["unknown", "refused", "failed"];

// Twilio's codes that people who answer can do something about.
const CODES = {
	21211: "the number is not one that can be written to",
	21610: "the customer has opted out (STOP)",
	21614: "the number cannot take text messages",
	30003: "the phone is off or out of reach",
	30005: "there is no such number",
	30006: "the number is a landline, or cannot be reached",
	30007: "the carrier took it for spam",
	63016: "the customer's last message is more than 24 hours old, and " +
		"WhatsApp then takes templates alone",
	63024: "the number is not on WhatsApp",
};

export function why(message) {
	const code = message.error_code === null || message.error_code === undefined
		? "" : String(message.error_code);
	const text = message.error ?? CODES[code] ?? "";

	if (text === "" && code === "")
		return "";
	return code === "" || String(text).includes(code) ? String(text)
		: text === "" ? `Twilio's error ${code}` : `${text} (${code})`;
}

export const CALL_STATES = {
	queued: "Waiting", initiated: "Dialling", ringing: "Ringing",
	"in-progress": "Talking", answered: "Answered", completed: "Ended",
	busy: "Busy", failed: "Failed", "no-answer": "No answer",
	canceled: "Cancelled",
};

export const DIRECTIONS = {
	inbound: "Incoming", "outbound-api": "Outgoing",
	"outbound-dial": "Put through", "trunking-originating": "Trunk, out",
	"trunking-terminating": "Trunk, in",
};

export const ITEM_STATES = { ready: "Waiting", delayed: "Not due yet",
	taken: "Being worked on", dead: "Given up" };

export const ROUTES = { ai: "For the bot", human: "For people",
	unrouted: "Held: nobody knows the sender", ignored: "Ignored",
	undecided: "Not decided yet", withdrawn: "Withdrawn",
	duplicate: "Sent twice by Twilio" };

// Of signatures that do not fit.
export const CAUSES = {
	missing: "No signature", malformed: "A malformed signature",
	wrong: "A wrong signature", body_hash: "Another body than was signed",
	unknown_key: "An unknown shared key",
	unknown_algorithm: "An unknown algorithm",
	no_token: "No token to check it with", failed: "Could not be checked",
};

export const CHECKS = {
	store: "The database cannot be used.",
	templates: "Templates of calls are wrong or missing.",
	secrets: "Secrets cannot be fetched.",
	spool: "Messages have waited too long for their queue.",
	clock: "The machine's clock has jumped.",
};

// A word that nobody has foreseen is shown as it came.
export function word(table, key) {
	return Object.hasOwn(table, key) ? table[key] : String(key ?? "–");
}
