/*
 * AWS's official SDK for JavaScript for the outbox suite: makes the table and
 * the queues, and takes out what is on a queue.
 *
 * usage: AWS_FRONT=URL node aws.cjs make | take QUEUE SECONDS | put JSON |
 *        age TABLE SECONDS
 */
'use strict';

const {
	CreateTableCommand, DynamoDBClient, PutItemCommand, ScanCommand,
} = require('@aws-sdk/client-dynamodb');
const {
	CreateQueueCommand, DeleteMessageCommand, ReceiveMessageCommand, SQSClient,
} = require('@aws-sdk/client-sqs');

const config = {
	region: 'us-east-1',
	endpoint: process.env.AWS_FRONT,
	credentials: { accessKeyId: 'AKIDTEST', secretAccessKey: 'secret-of-test' },
};
const dynamodb = new DynamoDBClient(config);
const sqs = new SQSClient(config);
const url = (name) => `${process.env.AWS_FRONT}/000000000000/${name}`;

async function makeTable(TableName, key, index) {
	const names = index ? [key, 'recipient_tel', 'created_at'] : [key];
	await dynamodb.send(new CreateTableCommand({
		TableName,
		BillingMode: 'PAY_PER_REQUEST',
		AttributeDefinitions: names.map((AttributeName) => (
			{ AttributeName, AttributeType: 'S' })),
		KeySchema: [{ AttributeName: key, KeyType: 'HASH' }],
		GlobalSecondaryIndexes: index ? [{
			IndexName: 'recipient-tel-index',
			KeySchema: [
				{ AttributeName: 'recipient_tel', KeyType: 'HASH' },
				{ AttributeName: 'created_at', KeyType: 'RANGE' },
			],
			Projection: { ProjectionType: 'ALL' },
		}] : undefined,
	}));
}

const commands = {
	async make() {
		await makeTable('conversations', 'conversation_id', true);
		await makeTable('seen', 'message_sid', false);
		await sqs.send(new CreateQueueCommand({ QueueName: 'ai' }));
		await sqs.send(new CreateQueueCommand({ QueueName: 'human.fifo',
			Attributes: { FifoQueue: 'true' } }));
	},
	async put(json) {
		const item = JSON.parse(json);
		await dynamodb.send(new PutItemCommand({ TableName: 'conversations',
			Item: Object.fromEntries(Object.entries(item).map(([k, v]) =>
				[k, typeof v === 'boolean' ? { BOOL: v } : { S: v }])) }));
	},
	async scan(TableName) {
		const { Items } = await dynamodb.send(new ScanCommand({ TableName }));
		console.log(JSON.stringify(Items));
	},
	/* As if what is not sent had been claimed so long ago. */
	async age(TableName, seconds) {
		const { Items } = await dynamodb.send(new ScanCommand({ TableName }));
		for (const Item of Items.filter((i) => i.claimed_at && !i.sent_at)) {
			Item.claimed_at.N = String(Item.claimed_at.N - seconds);
			await dynamodb.send(new PutItemCommand({ TableName, Item }));
		}
	},
	/* Until nothing has come for so long. */
	async take(name, seconds) {
		for (;;) {
			const { Messages } = await sqs.send(new ReceiveMessageCommand({
				QueueUrl: url(name), MaxNumberOfMessages: 10,
				WaitTimeSeconds: Number(seconds),
				AttributeNames: ['All'] }));
			if (!Messages || Messages.length === 0)
				return;
			for (const m of Messages) {
				console.log(JSON.stringify({ body: m.Body,
					attributes: m.Attributes }));
				await sqs.send(new DeleteMessageCommand({ QueueUrl: url(name),
					ReceiptHandle: m.ReceiptHandle }));
			}
		}
	},
};

commands[process.argv[2]](...process.argv.slice(3)).catch((e) => {
	console.error(e);
	process.exit(1);
});
