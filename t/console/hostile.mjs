// Whatever somebody outside may have put into any field.
import { iso } from "./mock.mjs";

export const HOSTILE = "<img src=x onerror=hit=1><script>hit=2</script>" +
	"\"'`{{7*7}}</title><svg/onload=hit=3>\u202e\u0000\u001b[2J";

const H = HOSTILE;

export function poison(state) {
	const c = state.conversation({ name: H, tel: H, addresses: [H, "javascript:hit=4"],
		handoff: true, handoff_by: H, handoff_at: iso(Date.now()),
		thread_id: H, opted_out: true });

	state.message(c, { text: H, channel: H, route: H, media: [
		{ url: "javascript:hit=5", content_type: H },
		{ url: "http://example.com/x", content_type: "image/png" },
		{ url: "data:text/html,<script>hit=6</script>", content_type: null },
		{ url: H, content_type: H },
		{ url: `https://example.com/${H}`, content_type: H }] });
	for (const s of ["failed", "unknown", H])
		state.message(c, { text: H, direction: "outbound", author: H,
			route: null, state: s, error: H, error_code: H });
	Object.assign(c, { unanswered: 1, last_text: H });
	state.calls = [{ sid: "CAx", status: H, direction: H, from: H, to: H,
		parent_call_sid: H, start_time: new Date().toUTCString(), end_time: H,
		duration: H, date_created: H, date_updated: H, events: [{ status: H,
			sequence: 0, at: H, duration: H, error_code: H }] }];
	state.queues.set(H, [{ id: H, queue: H, conversation_id: H, from: H,
		text: H, at: H, available_at: H, attempts: 1, state: H, reason: H }]);
	state.summary = { version: H, last_webhook_at: H, spool: { waiting: 1,
		oldest_at: H }, not_ready: [{ check: H, reason: H }], queues: [{ name: H,
		role: H, url: H, ready: 1, delayed: 0, taken: 0, oldest_at: H,
		dead: 1 }], hours: [{ at: iso(Date.now()), messages: { [H]: 1,
		__proto__: 1, constructor: 2 }, replies: { [H]: 1 }, calls: { [H]: 1 },
	refusals: { [H]: 1 } }] };
	state.ready = { status: "not ready", error: H, checks: { [H]: H } };
}
