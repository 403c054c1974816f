// Views of what an administrator may see.
import { el } from "./dom.js";

// Whether a view's request was refused for its token, which stays: it is good
// for other views. Then the view says so in place of what it shows.
export function refused(error, box) {
	if (error?.status !== 403)
		return false;
	box.replaceChildren(el("p", { class: "note", role: "status" },
		error.code === "admin token needed"
			? "Only the administrator's token opens this view. Yours is " +
				"good for the inbox."
			: error.message));
	return true;
}
