/*
 * What ScyllaDB's Alternator, which speaks DynamoDB's API too, takes of it, as
 * far as we have a use for any: front.cjs refuses more, so that it is not used
 * unawares. Alternator has no x-amz-crc32 and no session tokens either, but
 * those are nobody's need.
 */
'use strict';

const EXPRESSIONS = ['ConditionExpression', 'ExpressionAttributeNames',
	'ExpressionAttributeValues'];
const PAGES = ['Limit', 'ExclusiveStartKey'];

const MEMBERS = {
	Query: ['TableName', 'IndexName', 'KeyConditionExpression',
		'ScanIndexForward', 'Select', ...EXPRESSIONS.slice(1), ...PAGES],
	Scan: ['TableName', ...PAGES],
	GetItem: ['TableName', 'Key', 'ConsistentRead'],
	PutItem: ['TableName', 'Item', ...EXPRESSIONS],
	UpdateItem: ['TableName', 'Key', 'UpdateExpression', ...EXPRESSIONS],
	DeleteItem: ['TableName', 'Key', ...EXPRESSIONS],
};

/* What tests ask for by themselves. */
const OF_TESTS = ['CreateTable', 'DescribeTable', 'ListTables', 'NoSuchThing'];

const SCHEME = 'AWS4-HMAC-SHA256';

/* It takes the header apart at ", " and nowhere else. */
function readsAuthorization(authorization) {
	const [first, ...rest] = authorization.split(', ');
	const names = [first.replace(`${SCHEME} `, ''), ...rest]
		.map((part) => part.split('=')[0]);
	return first.startsWith(`${SCHEME} Credential=`) &&
		names.join() === 'Credential,SignedHeaders,Signature';
}

/* null if it takes the request, else what it would not. */
exports.refuses = (operation, request, body) => {
	if (OF_TESTS.includes(operation))
		return null;
	const known = MEMBERS[operation];
	const odd = known && Object.keys(JSON.parse(body))
		.find((member) => !known.includes(member));
	if (!known)
		return `${operation} is none of its operations that we use`;
	if (odd)
		return `${operation} has ${odd}`;
	/* It signs "/", whatever was asked for. */
	if (request.method !== 'POST' || request.url !== '/')
		return `${request.method} ${request.url}`;
	if (!readsAuthorization(request.headers.authorization))
		return 'an Authorization that it does not understand';
	return null;
};
