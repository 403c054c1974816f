// The OpenAPI description, and replies compared with it.
//
// usage: node openapi.mjs DESCRIPTION <exchanges.json >faults.json
//
// The description must be valid against the meta-schema of OpenAPI 3.1, and its
// examples against their own schemas. An exchange is {what, method, path, form,
// json, type, status, headers: [[name, value]], body}: path without base path and
// query, form the fields as an object or null, json the body's object or null and type its type.
// The answer is {faults: [text], seen: ["get /health 200"]}. NODE_PATH is where
// the packages are.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const require = createRequire(import.meta.url);
const Ajv = require("ajv/dist/2020").default;
const addFormats = require("ajv-formats").default;
const { Validator } = await import(pathToFileURL(
	require.resolve("@seriousme/openapi-schema-validator")));

const text = readFileSync(process.argv[2], "utf8");
const doc = JSON.parse(text);
const faults = [];
const seen = new Set();

const checked = await new Validator().validate(JSON.parse(text));
if (!checked.valid)
	faults.push(`not OpenAPI 3.1: ${JSON.stringify(checked.errors)}`);

const ajv = new Ajv({ strict: true, allErrors: true, allowUnionTypes: true,
	strictRequired: false, strictTypes: false });
addFormats(ajv);
ajv.addVocabulary(["example", "components", "openapi", "info", "servers",
	"tags", "paths", "x-other-paths"]);
ajv.addSchema(doc, "doc");

function pointer(parts) {
	return "doc#/" + parts.map((p) => encodeURIComponent(
		p.replace(/~/g, "~0").replace(/\//g, "~1"))).join("/");
}

// Follow a reference; where it is, for the schemas in it.
function resolve(node, at) {
	while (node.$ref) {
		at = node.$ref.slice(2).split("/");
		node = at.reduce((n, part) => n[part], doc);
	}
	return [node, at];
}

function fault(what, message) {
	faults.push(`${what}: ${message}`);
}

function fits(what, at, value) {
	const validate = ajv.getSchema(pointer(at));
	if (!validate)
		fault(what, `no schema at ${at.join("/")}`);
	else if (!validate(value))
		fault(what, `${ajv.errorsText(validate.errors)} in ` +
			JSON.stringify(value).slice(0, 300));
}

function checkExamples(node, at) {
	if (node === null || typeof node !== "object")
		return;
	if (node.schema && node.example !== undefined)
		fits(`example of ${at.join("/")}`, [...at, "schema"], node.example);
	if (Array.isArray(node.examples))
		for (const example of node.examples)
			fits(`example of ${at.join("/")}`, at, example);
	for (const [name, child] of Object.entries(node))
		checkExamples(child, [...at, name]);
}

// "/a/{b}" takes one segment, and the path must be the description's, but for a
// slash at the end.
function findPath(slashed) {
	const path = slashed.replace(/(?<=.)\/$/, "");

	return Object.keys(doc.paths).find((pattern) => {
		const parts = pattern.split("/"), given = path.split("/");
		return parts.length === given.length && parts.every((p, i) =>
			p.startsWith("{") ? given[i] !== "" : p === given[i]);
	});
}

// What is said of this reply: [response object, where it is, its name].
function described(e) {
	const pattern = findPath(e.path);
	const method = e.method.toLowerCase();
	if (!pattern)
		return [...resolve(doc["x-other-paths"], ["x-other-paths"]),
			404, "other path 404"];
	const item = doc.paths[pattern];
	const at = ["paths", pattern];
	if (!item[method])
		return [...resolve(item["x-other-methods"],
			[...at, "x-other-methods"]), 405, `other ${pattern} 405`];
	const response = item[method].responses[e.status];
	if (!response)
		return [null];
	return [...resolve(response, [...at, method, "responses", `${e.status}`]),
		e.status, `${method} ${pattern} ${e.status}`];
}

function checkHeaders(e, what, response, at) {
	const given = new Map(e.headers.map(([n, v]) => [n.toLowerCase(), v]));
	for (const [name, ref] of Object.entries(response.headers ?? {})) {
		const [header, where] = resolve(ref, [...at, "headers", name]);
		const value = given.get(name.toLowerCase());
		if (value === undefined && header.required)
			fault(what, `no ${name}`);
		if (value === undefined)
			continue;
		const number = resolve(header.schema, where)[0].type === "integer";
		fits(`${what}: ${name}`, [...where, "schema"],
			number ? Number(value) : value);
	}
	for (const name of ["retry-after", "allow", "www-authenticate"])
		if (given.has(name) && !Object.keys(response.headers ?? {}).some(
			(h) => h.toLowerCase() === name))
			fault(what, `${name} is not described`);
	return given.get("content-type");
}

function checkBody(e, what, response, at, type) {
	if (!response.content) {
		if (e.body !== "" || type !== undefined)
			fault(what, `a body is not described: ${type} ${e.body}`);
		return;
	}
	const found = Object.keys(response.content).find(
		(t) => t.toLowerCase() === (type ?? "").toLowerCase());
	if (!found) {
		fault(what, `content type ${type}`);
	} else if (e.method !== "HEAD") {
		let value = e.body;
		if (found.includes("json")) {
			try {
				value = JSON.parse(e.body);
			} catch (error) {
				fault(what, `${error.message}: ${e.body}`);
				return;
			}
		}
		fits(what, [...at, "content", found, "schema"], value);
	}
}

// What is answered well must be what the description asks for.
function checkRequest(e, what) {
	const item = doc.paths[findPath(e.path)];
	if (e.status >= 300 || e.method !== "POST")
		return;
	const at = ["paths", findPath(e.path), "post", "requestBody", "content"];
	const content = item.post.requestBody.content;
	const type = e.json ? e.type
		: "application/x-www-form-urlencoded";
	if (!content[type])
		fault(what, `${type} is not described, but taken`);
	else
		fits(`${what}: what was sent`, [...at, type, "schema"],
			e.json ?? e.form);
}

function check(e) {
	const what = `${e.what}: ${e.method} ${e.path} ${e.status}`;
	const [response, at, status, name] = described(e);
	if (response === null) {
		fault(what, `not described: ${JSON.stringify(e.headers)} ${e.body}`);
		return;
	}
	if (e.status !== status) {
		fault(what, `should be ${status}`);
		return;
	}
	const type = checkHeaders(e, what, response, at);
	checkBody(e, what, response, at, type);
	checkRequest(e, what);
	seen.add(name);
}

// A pipe's end may not be there yet, which readFileSync(0) takes for an error.
async function input() {
	const pieces = [];
	for await (const piece of process.stdin)
		pieces.push(piece);
	return JSON.parse(Buffer.concat(pieces));
}

checkExamples(doc, []);
for (const e of await input())
	check(e);
process.stdout.write(JSON.stringify({ faults, seen: [...seen] }));
