// The same two routes in Express with the official SDK's webhook middleware.
//
// usage: NODE_PATH=…/node_modules node express.cjs SOCKET TOKEN URL
// It stores nothing: a signed message is checked and answered.
'use strict';

const express = require('express');
const twilio = require('twilio');

const [socket, token, url] = process.argv.slice(2);
const app = express();

app.disable('x-powered-by');
app.get('/health', (request, response) => {
	response.json({ status: 'ok', version: '0' });
});
app.post('/whatsapp', express.urlencoded({ extended: false }),
	twilio.webhook({ validate: true, url: `${url}/whatsapp` }, token),
	(request, response) => {
		response.type('text/xml').send(
			'<?xml version="1.0" encoding="UTF-8"?><Response/>');
	});
app.listen(socket);
