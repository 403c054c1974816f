/* The services that front.cjs answers itself. */
'use strict';

const json = (status, body) => ({
	status, headers: { 'content-type': 'application/x-amz-json-1.1' },
	body: JSON.stringify(body),
});
const text = (status, body, type = 'text/plain') => ({
	status, headers: { 'content-type': type }, body,
});

/* What a value has for "@", unless nothing is set. */
const marked = (state, value) => state.mark.length === 0
	? value : value.replace('@', state.mark.join(''));

/* --- Parameter Store -------------------------------------------------------- */

exports.ssm = (state, call) => {
	const names = call.Names;
	if (!Array.isArray(names) || names.length < 1 || names.length > 10 ||
		new Set(names).size !== names.length || call.WithDecryption !== true)
		return json(400, { __type: 'ValidationException', message: 'Names' });
	const found = names.filter((name) => name in state.parameters);
	return json(200, {
		Parameters: found.map((name) => {
			const [plain, selector] = name.split(/(?=:[^:/]+$)/);
			return { Name: plain, Type: 'SecureString', Version: 1,
				ARN: `arn:aws:ssm:us-east-1:000000000000:parameter${plain}`,
				Value: marked(state, state.parameters[name]),
				...(selector ? { Selector: selector } : {}) };
		}),
		InvalidParameters: names.filter((name) => !found.includes(name)),
	});
};

/* --- Secrets Manager ----------------------------------------------------------- */

exports.secrets = (state, call) => {
	const stage = call.VersionStage ?? 'AWSCURRENT';
	const value = state.secrets[call.SecretId]?.[stage];
	if (value === undefined)
		return json(400, { __type: 'ResourceNotFoundException',
			Message: `Secrets Manager can't find the specified secret value ` +
				`for staging label: ${stage}` });
	return json(200, { Name: call.SecretId, VersionStages: [stage],
		...(typeof value === 'string'
			? { SecretString: marked(state, value) } : { SecretBinary: value.binary }) });
};

/* --- keys ------------------------------------------------------------------------ */

function sts(state, mint, body) {
	const form = new URLSearchParams(body);
	const error = (status, code) => text(status,
		'<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">' +
		`<Error><Type>Sender</Type><Code>${code}</Code><Message>m</Message>` +
		'</Error><RequestId>r</RequestId></ErrorResponse>', 'text/xml');
	if (form.get('Action') !== 'AssumeRoleWithWebIdentity' ||
		form.get('Version') !== '2011-06-15' || !form.get('RoleSessionName'))
		return error(400, 'ValidationError');
	if (form.get('WebIdentityToken') !== state.sts.token)
		return error(400, 'InvalidIdentityToken');
	if (form.get('RoleArn') !== state.sts.role)
		return error(403, 'AccessDenied');
	const k = mint('STS');
	return text(200,
		'<AssumeRoleWithWebIdentityResponse ' +
		'xmlns="https://sts.amazonaws.com/doc/2011-06-15/">\n' +
		'  <AssumeRoleWithWebIdentityResult>\n    <Credentials>\n' +
		`      <SessionToken>${k.token}</SessionToken>\n` +
		`      <SecretAccessKey>${k.secret}</SecretAccessKey>\n` +
		`      <Expiration>${k.expiration}</Expiration>\n` +
		`      <AccessKeyId>${k.id}</AccessKeyId>\n` +
		'    </Credentials>\n  </AssumeRoleWithWebIdentityResult>\n' +
		'  <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>\n' +
		'</AssumeRoleWithWebIdentityResponse>\n', 'text/xml');
}

const credentials = (k, more) => text(200, JSON.stringify({
	AccessKeyId: k.id, SecretAccessKey: k.secret, Token: k.token,
	Expiration: k.expiration, ...more,
}), 'application/json');

function container(state, mint, request) {
	if ((request.headers.authorization ?? null) !== state.container.authorization)
		return text(401, '{"code":"Unauthorized"}', 'application/json');
	return credentials(mint('CONTAINER'), { RoleArn: 'arn' });
}

const IMDS_TOKEN = 'imds-token-==';
const ROLES = '/latest/meta-data/iam/security-credentials/';

function instance(state, mint, request, path) {
	if (path === '/latest/api/token') {
		const ttl = request.headers['x-aws-ec2-metadata-token-ttl-seconds'];
		return request.method === 'PUT' && Number(ttl) > 0
			? text(200, IMDS_TOKEN) : text(405, '');
	}
	if (request.headers['x-aws-ec2-metadata-token'] !== IMDS_TOKEN)
		return text(401, 'Unauthorized');
	if (state.instance.role === null)
		return text(404, 'Not Found');
	if (path === ROLES)
		return text(200, state.instance.role);
	if (path !== ROLES + state.instance.role)
		return text(404, 'Not Found');
	return credentials(mint('INSTANCE'), { Code: state.instance.code,
		Type: 'AWS-HMAC', LastUpdated: '2026-11-21T18:50:00Z' });
}

exports.plain = (state, mint, request, path, body) => {
	if (path.startsWith('/latest/'))
		return instance(state, mint, request, path);
	if (path.startsWith('/credentials/'))
		return container(state, mint, request);
	if (request.method === 'POST' && path === '/')
		return sts(state, mint, body);
	return text(404, 'nothing here');
};
