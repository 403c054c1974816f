/*
 * What the back ends have accepted, in a file, which outlives them: with it
 * front.cjs can be killed and started again. Tables, items and queues are made
 * again from it; messages are not: to see those, read the file.
 * A FIFO queue knows its deduplication ids for five minutes, killed or not.
 *
 * One line a call: {at, target, headers, call, repeat}.
 */
'use strict';

const { existsSync, openSync, readFileSync, writeSync } = require('node:fs');
const { createHash } = require('node:crypto');

const REMEMBERED_MS = 5 * 60 * 1000;

const MAKES = ['CreateTable', 'PutItem', 'UpdateItem', 'DeleteItem',
	'CreateQueue'];

const operation = (target) => target.split('.')[1];

/* What names a message on a FIFO queue; null: it is none. */
const fifoKey = (target, call) =>
	operation(target) === 'SendMessage' && call.QueueUrl?.endsWith('.fifo')
		? `${call.QueueUrl.split('/').at(-1)} ${call.MessageDeduplicationId}`
		: null;

const md5 = (text) => createHash('md5').update(text).digest('hex');

exports.open = (file) => {
	const seen = new Map(); /* key of a FIFO message -> when */
	const past = existsSync(file)
		? readFileSync(file, 'utf8').split('\n').filter(Boolean)
			.map((line) => JSON.parse(line)) : [];
	for (const { at, target, call, repeat } of past)
		if (!repeat && fifoKey(target, call))
			seen.set(fifoKey(target, call), at);
	const fd = openSync(file, 'a');
	const isRepeat = (target, call) =>
		seen.get(fifoKey(target, call)) > Date.now() - REMEMBERED_MS;

	const write = (target, headers, call, repeat) => {
		const at = Date.now();
		if (!repeat && fifoKey(target, call))
			seen.set(fifoKey(target, call), at);
		writeSync(fd, JSON.stringify({ at, target, headers, call, repeat }) +
			'\n');
	};

	return {
		/* Calls to make again at the start. */
		makes: past.filter(({ target }) => MAKES.includes(operation(target))),
		/* What a queue answers to what it has already; null: it has not. */
		repeated(target, headers, call) {
			if (!isRepeat(target, call))
				return null;
			write(target, headers, call, true);
			return { status: 200,
				headers: { 'content-type': 'application/x-amz-json-1.0' },
				body: JSON.stringify({ MessageId: 'as-before',
					MD5OfMessageBody: md5(call.MessageBody) }) };
		},
		/* It was accepted; nobody has been told yet. */
		accepted(target, headers, call) {
			if (MAKES.includes(operation(target)) ||
				operation(target) === 'SendMessage')
				write(target, headers, call, isRepeat(target, call));
		},
	};
};
