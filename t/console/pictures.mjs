// The pictures of the page in README.md: doc/inbox.png and doc/today.png, from
// the made-up day of sample.mjs.
//
// usage: CHROMIUM=/usr/bin/chromium NODE_PATH=… node t/console/pictures.mjs
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ADMIN, serve } from "./mock.mjs";
import { fill } from "./sample.mjs";
import { box, choose, launch, signIn, tab, view } from "./browser.mjs";

const top = fileURLToPath(new URL("../..", import.meta.url));
const site = await serve(`${top}/console`);
const browser = await launch();

mkdirSync(`${top}/doc`, { recursive: true });
fill(site.state);
// One that wants a decision is enough.
const said = site.state.messages.get("c0");
said.splice(said.findIndex((m) => m.state === "failed"), 1);
const page = await tab(browser, site.url,
	{ viewport: { width: 1080, height: 640 } });
await signIn(page, ADMIN);
await choose(page, "Ada Byron");
await box(page).fill("It is! Shall I keep it for you until Saturday?");
await page.screenshot({ path: `${top}/doc/inbox.png` });
await view(page, "Today");
await page.getByRole("img", { name: /^Calls/ }).waitFor();
await page.screenshot({ path: `${top}/doc/today.png` });
await browser.close();
site.close();
