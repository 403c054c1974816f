// The answer. Its draft stays with this tab until it is stored.
import { announce, el } from "./dom.js";
import { post } from "./api.js";
import { REPLY_STATES, word } from "./words.js";

const LONGEST = 1600;
const NEAR = 1400; // from here on the count is shown

// Also where the page is not served by https, and there is no randomUUID.
function newId() {
	return [...crypto.getRandomValues(new Uint8Array(16))].map(
		(b) => b.toString(16).padStart(2, "0")).join("");
}

// { text, client_id }: one answer has one ID, however often it is sent, so that
// it leaves once; also one that was changed since, of which the server then says
// that an earlier text was taken.
function draft(key) {
	try {
		const d = JSON.parse(sessionStorage.getItem(key));
		if (typeof d?.text === "string" && typeof d.client_id === "string")
			return d;
	} catch {
		// As if there were none.
	}
	return { text: "", client_id: newId() };
}

export function composer(id, path, { sent, said }) {
	const key = `draft ${id}`;
	let now = draft(key), busy = false;

	const field = el("textarea", { id: "reply", rows: "2", oninput: typed,
		onkeydown: pressed, "aria-describedby": "reply-hint reply-count" });
	const go = el("button", { type: "submit", class: "main" }, "Send");
	const hint = el("p", { class: "hint", id: "reply-hint" });
	const count = el("p", { class: "hint", id: "reply-count" });
	const problem = el("p", { class: "problem", role: "alert" });

	function fit() {
		field.rows = Math.min(8, Math.max(2,
			field.value.split("\n").length));
	}

	function typed() {
		now.text = field.value;
		keep();
		problem.textContent = "";
		const n = [...field.value].length;
		count.textContent = n < NEAR ? ""
			: n <= LONGEST ? `${LONGEST - n} characters are left`
				: `${n - LONGEST} characters too many`;
		count.classList.toggle("bad", n > LONGEST);
		fit();
	}

	function keep() {
		if (now.text === "") {
			now.client_id = newId();
			sessionStorage.removeItem(key);
			return;
		}
		sessionStorage.setItem(key, JSON.stringify(now));
	}

	function pressed(event) {
		if (event.key !== "Enter" || event.shiftKey || event.isComposing)
			return;
		event.preventDefault();
		send();
	}

	async function send() {
		const text = field.value;

		problem.textContent = "";
		if (busy || text.trim() === "")
			return;
		if ([...text].length > LONGEST) {
			problem.textContent = "Too long: Twilio takes " +
				`${LONGEST} characters.`;
			return;
		}
		busy = true;
		field.readOnly = true;
		go.setAttribute("aria-disabled", "true");
		hint.textContent = "Sending …";
		// A reload comes back to the same ID.
		keep();
		try {
			const m = await post(`${path}/messages`,
				{ text, client_id: now.client_id });
			now.text = "";
			keep();
			field.value = "";
			count.textContent = "";
			fit();
			sent(m);
			announce(word(REPLY_STATES, m.state));
		} catch (error) {
			problem.textContent = error.status === 0
				? "No answer from the server. Your text is kept: press " +
					"Send again, it will not leave twice."
				: error.message;
			// Another text was taken before, and is to be seen above.
			if (error.code === "client_id_reused") {
				now.client_id = newId();
				keep();
			}
		}
		busy = false;
		field.readOnly = false;
		go.removeAttribute("aria-disabled");
		update(said());
	}

	function update(c) {
		if (busy || c === null)
			return;
		hint.textContent = c.opted_out
			? "The customer has opted out: nothing can be sent."
			: c.handoff ? "Enter sends, Shift+Enter begins a new line."
				: "The bot answers here. Take over, so that it falls silent.";
	}

	field.value = now.text;
	fit();
	return {
		node: el("form", { class: "composer", onsubmit: (event) => {
			event.preventDefault();
			send();
		} }, problem,
			el("div", { class: "composer-row" },
				el("div", { class: "field grow" },
					el("label", { for: "reply" }, "Reply"), field), go),
			el("div", { class: "composer-low" }, hint, count)),
		update,
	};
}
