// The same routes in Express with the official SDK's webhook middleware.
//
// usage: NODE_PATH=…/node_modules node express.cjs SOCKET TOKEN URL PATH=FILE...
// It stores nothing: a signed request is checked and answered with the body of
// its path's file, which is more than fair: nothing is built or rendered.
'use strict';

const fs = require('fs');
const express = require('express');
const twilio = require('twilio');

const [socket, token, url, ...replies] = process.argv.slice(2);
const app = express();

app.disable('x-powered-by');
for (const reply of replies) {
	const [path, file] = reply.split('=');
	const body = fs.readFileSync(file, 'utf8').split('\r\n\r\n')[1];

	if (path === '/health') {
		app.get(path, (request, response) => {
			response.json({ status: 'ok', version: '0' });
		});
		continue;
	}
	app.post(path, express.urlencoded({ extended: false }),
		twilio.webhook({ validate: true, url: url + path }, token),
		(request, response) => {
			response.type('text/xml').send(body);
		});
}
app.listen(socket);
