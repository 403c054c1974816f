/*
 * The official SDK for JavaScript on the other side: "prepare" writes what the
 * C tests read, "check" reads what they wrote. AWS_FRONT is the front.
 */
'use strict';

const assert = require('node:assert/strict');
const { setTimeout: sleep } = require('node:timers/promises');
const {
	BatchWriteItemCommand, CreateTableCommand, DescribeTableCommand,
	DynamoDBClient, GetItemCommand,
	PutItemCommand,
} = require('@aws-sdk/client-dynamodb');
const {
	CreateQueueCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient,
} = require('@aws-sdk/client-sqs');

const config = {
	region: 'us-east-1',
	endpoint: process.env.AWS_FRONT,
	credentials: { accessKeyId: 'AKIDTEST', secretAccessKey: 'secret-of-test' },
};
const dynamodb = new DynamoDBClient(config);
const sqs = new SQSClient(config);
const queueUrl = (name) => `${process.env.AWS_FRONT}/000000000000/${name}`;

const S = (s) => ({ S: s });

async function makeTable(name) {
	await dynamodb.send(new CreateTableCommand({
		TableName: name,
		BillingMode: 'PAY_PER_REQUEST',
		AttributeDefinitions: ['conversation_id', 'recipient_tel', 'created_at']
			.map((a) => ({ AttributeName: a, AttributeType: 'S' })),
		KeySchema: [{ AttributeName: 'conversation_id', KeyType: 'HASH' }],
		GlobalSecondaryIndexes: [{
			IndexName: 'recipient-tel-index',
			KeySchema: [
				{ AttributeName: 'recipient_tel', KeyType: 'HASH' },
				{ AttributeName: 'created_at', KeyType: 'RANGE' },
			],
			Projection: { ProjectionType: 'ALL' },
		}],
	}));
	for (let status = ''; status !== 'ACTIVE'; await sleep(10))
		status = (await dynamodb.send(new DescribeTableCommand({
			TableName: name }))).Table.TableStatus;
}

const conversation = (id, tel, created, more) => ({
	conversation_id: S(id), recipient_tel: S(tel), created_at: S(created),
	...more,
});

async function prepareTable() {
	await makeTable('sdk');
	const at = '2026-11-21T18:50:00.123456';
	const items = [
		conversation('sdk-old', '+1001', '2025-01-01T00:00:00'),
		conversation('sdk-new', '+1001', at, { thread_id: S('th_1'),
			company_id: S('co_1'), project_id: { N: '42' },
			history: { L: [S('x')] }, handoff_to_human: { BOOL: true } }),
		conversation('sdk-yes', '+1002', at, { handoff_to_human: S('Yes') }),
		conversation('sdk-one', '+1003', at, { handoff_to_human: { N: '1' } }),
		conversation('sdk-null', '+1004', at,
			{ handoff_to_human: { NULL: true } }),
		conversation('sdk-absent', '+1005', at),
		conversation('sdk-maybe', '+1006', at, { handoff_to_human: S('maybe') }),
		conversation('sdk-zero', '+1007', at, { handoff_to_human: S('0') }),
	];
	for (const Item of items)
		await dynamodb.send(new PutItemCommand({ TableName: 'sdk', Item }));
}

async function prepareMany() {
	await makeTable('sdk-many');
	const items = Array.from({ length: 1100 }, (_, i) => conversation(`m${i}`,
		'+2000', new Date(1.7e12 + i * 1000).toISOString()));
	while (items.length > 0)
		await dynamodb.send(new BatchWriteItemCommand({ RequestItems: {
			'sdk-many': items.splice(0, 25)
				.map((Item) => ({ PutRequest: { Item } })),
		} }));
}

async function prepareQueues() {
	for (const QueueName of ['sdk-in', 'sdk-out'])
		await sqs.send(new CreateQueueCommand({ QueueName }));
	await sqs.send(new CreateQueueCommand({ QueueName: 'sdk-out.fifo',
		Attributes: { FifoQueue: 'true' } }));
	await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl('sdk-in'),
		MessageBody: 'from the SDK \u20ac' }));
}

async function checkTable() {
	const get = async (id) => (await dynamodb.send(new GetItemCommand({
		TableName: 'sdk', Key: { conversation_id: S(id) },
	}))).Item;
	assert.deepEqual(await get('from-c'), conversation('from-c', '+1008',
		'2026-11-21T18:50:00.123456', { thread_id: S('th_\u00e9'),
			company_id: S('co_2'), handoff_to_human: { BOOL: false } }));
	assert.deepEqual(await get('sdk-old'), conversation('sdk-old', '+1001',
		'2025-01-01T00:00:00', { handoff_to_human: { BOOL: true } }));
}

const receive = async (name) => (await sqs.send(new ReceiveMessageCommand({
	QueueUrl: queueUrl(name), MaxNumberOfMessages: 10, WaitTimeSeconds: 2,
	VisibilityTimeout: 0, MessageSystemAttributeNames: ['All'],
}))).Messages;

async function checkQueue() {
	const [message, ...more] = await receive('sdk-out');
	assert.equal(message.Body, '{"a":"Zo\u00eb \u{1f600}"}');
	assert.equal(more.length, 0);
}

async function checkFifo() {
	const first = await receive('sdk-out.fifo');
	assert.equal(first.length, 1);
	assert.equal(first[0].Body, 'one');
	assert.equal(first[0].Attributes.MessageDeduplicationId, 'SM1');
	/* "c 1" is no name for a group. */
	assert.match(first[0].Attributes.MessageGroupId, /^[0-9a-f]{64}$/);
}

const steps = {
	prepare: [prepareTable, prepareMany, prepareQueues],
	check: [checkTable, checkQueue, checkFifo],
};

async function main() {
	let failed = 0;
	for (const step of steps[process.argv[2]]) {
		try {
			await step();
		} catch (error) {
			console.log(`sdk ${step.name}:`, error);
			failed++;
		}
	}
	console.log(`${steps[process.argv[2]].length - failed} passed, ` +
		`${failed} failed`);
	process.exit(failed === 0 ? 0 : 1);
}

main();
