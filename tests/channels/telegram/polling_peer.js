// telegram-test-api with the three things corrected on which a strict client fails: who the bot is, dates in seconds, and
// options given back as the text they were sent in.
// Usage: node polling_peer.js PORT, with NODE_PATH naming the folder of the packages.
const express = require('express');
const TelegramServer = require('telegram-test-api');

const server = new TelegramServer({ port: Number(process.argv[2]), host: '127.0.0.1', storeTimeout: 600 });

const sent = server.addBotMessage.bind(server);
server.addBotMessage = (message, token) => {
  const { link_preview_options: _, ...answer } = sent(message, token);
  return { ...answer, date: Math.floor(answer.date / 1000) };
};

const front = express();
front.post(/^\/bot[^/]+\/getMe$/, (request, response) => {
  response.json({ ok: true, result: { id: 123456, is_bot: true, first_name: 'Test', username: 'test_bot' } });
});
front.use(server.webServer);
server.webServer = front;
server.start();
