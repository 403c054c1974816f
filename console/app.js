// The page's frame: who is in, which view is open.
import { el, announce } from "./dom.js";
import { Refusal, forget, get, onForgotten, remember, token } from "./api.js";
import { calls } from "./calls.js";
import { inbox } from "./inbox.js";
import { queues } from "./queues.js";
import { today } from "./today.js";

const VIEWS = { inbox, calls, queues, today };
const NAMES = { inbox: "Inbox", calls: "Calls", queues: "Queues",
	today: "Today" };

const main = document.getElementById("main");
const nav = document.getElementById("views");
const leave = document.getElementById("leave");
let view = null; // { name, stop, go }

function title(text) {
	document.title = `${text} – Switchhook`;
}

function trouble(error) {
	document.getElementById("trouble").textContent = error === null ? ""
		: error.status === 0
			? "No connection to the server. Trying again …"
			: `Not up to date: ${error.message}. Trying again …`;
}

function close() {
	view?.stop();
	view = null;
	trouble(null);
}

// ---- without a token

function signIn(why) {
	const problem = el("p", { class: "problem", role: "alert", id: "problem" });
	const field = el("input", { type: "text", id: "token", class: "secret",
		autocomplete: "off", autocapitalize: "none", spellcheck: "false",
		required: true, "aria-describedby": "problem" });
	const go = el("button", { type: "submit", class: "main" }, "Sign in");

	async function enter(event) {
		event.preventDefault();
		const text = field.value.trim();
		problem.textContent = "";
		if (!/^[\x21-\x7e]+$/.test(text)) {
			problem.textContent = text === "" ? "Enter a token."
				: "That is no token: it has spaces or other signs in it.";
			field.focus();
			return;
		}
		go.disabled = true;
		remember(text);
		try {
			await get("api/conversations?limit=1");
			open();
			return;
		} catch (error) {
			if (!(error instanceof Refusal))
				throw error;
			// After 401 the form is another already.
			if (error.status !== 401) {
				remember(null);
				problem.textContent = error.message;
			}
		} finally {
			go.disabled = false;
		}
	}

	close();
	nav.hidden = leave.hidden = true;
	title("Sign in");
	main.replaceChildren(el("form", { class: "sign-in", onsubmit: enter },
		el("h1", {}, "Sign in"),
		el("label", { for: "token" }, "Token"), field,
		el("p", { class: "hint" },
			"Yours, or the administrator's. It is kept in this tab only."),
		problem, go));
	problem.textContent = why;
	field.focus();
}

// ---- with one

function place() {
	const [name, ...rest] = location.hash.slice(1).split("/");
	let arg = rest.join("/");

	try {
		arg = decodeURIComponent(arg);
	} catch {
		arg = "";
	}
	return Object.hasOwn(VIEWS, name) ? [name, arg] : ["inbox", ""];
}

function open() {
	if (token() === null)
		return;
	const [name, arg] = place();
	nav.hidden = leave.hidden = false;
	for (const link of nav.children) {
		if (link.hash === `#${name}`)
			link.setAttribute("aria-current", "page");
		else
			link.removeAttribute("aria-current");
	}
	if (view?.name === name) {
		view.go(arg);
		return;
	}
	const first = view === null;
	close();
	main.replaceChildren();
	main.className = name;
	title(NAMES[name]);
	view = { name, ...VIEWS[name](main, arg, { title, trouble }) };
	if (!first || arg === "")
		main.querySelector("h1")?.focus();
	announce("");
}

onForgotten((wrong) => signIn(wrong
	? "The token is wrong, or no longer good." : ""));
leave.addEventListener("click", () => forget(false));
window.addEventListener("hashchange", open);
if (token() === null)
	signIn("");
else
	open();
