// The Node peer of the interoperability tests, on `ws`.
//
//     peer.js server [--tls CERTIFICATE KEY] [deflate options]
//     peer.js client URL [--ca CERTIFICATE] [deflate options]
//
// README.md tells what a server does for which path, and what a client checks.
"use strict";

const assert = require("node:assert/strict");
const { once } = require("node:events");
const { readFileSync } = require("node:fs");
const http = require("node:http");
const https = require("node:https");
const WebSocket = require("ws");

const SUBPROTOCOLS = ["v2.feed", "v1.feed"];
const FRAGMENT = 1000;
const SIZES = [1, 125, 126, 127, 65535, 65536, 1 << 20];
const TEXT = "Zażółć gęślą jaźń, 価格 ¥1,234, 🚀";
const LONGEST_REASON = "é".repeat(61) + ".";
const CLOSES = [
  [1000, ""], [1000, "goodbye"], [1001, "going away"], [3000, "żegnaj"], [4999, LONGEST_REASON],
];
const TIMEOUT = 30_000;

function main() {
  const options = parseArguments(process.argv.slice(2));
  if (options.role === "server") runServer(options);
  else if (options.role === "client") runClient(options);
  else throw new Error("usage: peer.js server|client ...");
}

function parseArguments([role, ...rest]) {
  const options = { role, deflate: {} };
  if (role === "client") options.url = rest.shift();
  while (rest.length > 0) {
    const name = rest.shift();
    switch (name) {
      case "--tls": options.tls = { cert: readFileSync(rest.shift()), key: readFileSync(rest.shift()) }; break;
      case "--ca": options.ca = readFileSync(rest.shift()); break;
      case "--agreed": options.agreed = rest.shift(); break;
      case "--deflate": options.compress = true; break;
      case "--server-no-context-takeover": options.deflate.serverNoContextTakeover = true; break;
      case "--client-no-context-takeover": options.deflate.clientNoContextTakeover = true; break;
      case "--server-max-window-bits": options.deflate.serverMaxWindowBits = Number(rest.shift()); break;
      case "--client-max-window-bits": options.deflate.clientMaxWindowBits = Number(rest.shift()); break;
      default: throw new Error(`unknown option ${name}`);
    }
  }
  return options;
}

function perMessageDeflate(options) {
  return options.compress ? { threshold: 0, ...options.deflate } : false;
}

// The server.

function runServer(options) {
  const listener = options.tls ? https.createServer(options.tls) : http.createServer();
  const server = new WebSocket.Server({
    server: listener,
    maxPayload: 0,
    perMessageDeflate: perMessageDeflate(options),
    handleProtocols: (offered) => SUBPROTOCOLS.find((name) => offered.has(name)) ?? false,
  });
  server.on("connection", serveConnection);
  listener.listen(0, "127.0.0.1", () => console.log("listening", listener.address().port));
}

function serveConnection(socket, request) {
  const url = new URL(request.url, "ws://localhost");
  socket.on("close", (code, reason) => console.log("closed", code, reason.toString()));
  socket.on("error", (error) => console.error(error.message));
  if (url.pathname === "/close") {
    socket.close(Number(url.searchParams.get("code")), url.searchParams.get("reason") ?? "");
  }
  socket.on("message", (data, binary) => {
    if (url.pathname === "/fragments") sendInFragments(socket, data, binary, FRAGMENT);
    else socket.send(data, { binary });
  });
}

function sendInFragments(socket, data, binary, size) {
  for (let at = 0; at + size < data.length; at += size) {
    socket.send(data.subarray(at, at + size), { binary, fin: false });
  }
  const rest = data.length % size || Math.min(size, data.length);
  socket.send(data.subarray(data.length - rest), { binary, fin: true });
}

// The client.

async function runClient(options) {
  for (const [name, check] of CHECKS) {
    try {
      await check(options);
    } catch (error) {
      console.log(`FAILED ${name}: ${String(error.message ?? error).slice(0, 500)}`);
      process.exit(1);
    }
    console.log(`ok ${name}`);
  }
}

async function dial(options, path = "/echo", subprotocols = []) {
  const socket = new WebSocket(options.url + path, subprotocols, {
    ca: options.ca,
    maxPayload: 0,
    perMessageDeflate: perMessageDeflate(options),
  });
  // Listened for from the start: a server may close right behind its answer.
  socket.closed = within(once(socket, "close"), "a close");
  socket.closed.catch(() => {});
  socket.inbox = inboxOf(socket);
  let agreed = "";
  socket.on("upgrade", ({ headers }) => { agreed = headers["sec-websocket-extensions"] ?? ""; });
  await within(once(socket, "open"), "the handshake");
  const wanted = options.compress ? `permessage-deflate; ${options.agreed ?? ""}` : "";
  assert.deepEqual(parametersOf(agreed), parametersOf(wanted), "extensions");
  return socket;
}

function parametersOf(extension) {
  return extension.split(";").map((part) => part.trim()).filter((part) => part !== "").sort();
}

// Messages in the order of their arrival, for whoever asks for the next one.
function inboxOf(socket) {
  const arrived = [];
  const waiting = [];
  socket.on("message", (data, binary) => {
    const message = binary ? data : data.toString();
    if (waiting.length > 0) waiting.shift()(message);
    else arrived.push(message);
  });
  return {
    next() {
      if (arrived.length > 0) return Promise.resolve(arrived.shift());
      return within(new Promise((resolve) => waiting.push(resolve)), "a message");
    },
  };
}

function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`timed out waiting for ${what}`)), TIMEOUT);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function echo(socket, message) {
  socket.send(message);
  same(await socket.inbox.next(), message);
}

// assert.deepEqual would print megabytes.
function same(got, wanted) {
  const equal = typeof wanted === "string" ? got === wanted : Buffer.isBuffer(got) && got.equals(wanted);
  assert.ok(equal, `got ${got.length} of ${typeof got}, expected ${wanted.length} of ${typeof wanted}`);
}

async function finish(socket) {
  socket.close(1000);
  assert.equal((await socket.closed)[0], 1000, "close code");
}

async function checkMessages(options) {
  const socket = await dial(options);
  for (const message of ["hello", Buffer.from([...Array(256).keys()]), "", Buffer.alloc(0), TEXT]) {
    await echo(socket, message);
  }
  await finish(socket);
}

async function checkSizes(options) {
  for (const path of ["/echo", "/fragments"]) {
    const socket = await dial(options, path);
    for (const size of SIZES) {
      await echo(socket, Buffer.alloc(size).map((_, i) => (i * 7) & 0xff));
      await echo(socket, TEXT.repeat(size / TEXT.length + 1));
    }
    await finish(socket);
  }
}

async function checkFragmented(options) {
  for (const path of ["/echo", "/fragments"]) {
    const socket = await dial(options, path);
    sendInFragments(socket, Buffer.from(TEXT), false, 1);
    same(await socket.inbox.next(), TEXT);
    for (const part of ["", "one", "", "two"]) socket.send(part, { binary: true, fin: false });
    socket.send("", { fin: true });
    same(await socket.inbox.next(), Buffer.from("onetwo"));
    socket.send("", { binary: false, fin: false });
    socket.send("", { fin: true });
    same(await socket.inbox.next(), "");
    await finish(socket);
  }
}

async function checkPing(options) {
  const socket = await dial(options);
  for (const payload of ["", "x".repeat(125)]) {
    const pong = within(once(socket, "pong"), "a pong");
    socket.ping(payload);
    same((await pong)[0], Buffer.from(payload));
  }
  const pong = within(once(socket, "pong"), "a pong inside a message");
  socket.send("before ", { binary: true, fin: false });
  socket.ping("inside");
  socket.send("after", { fin: true });
  same((await pong)[0], Buffer.from("inside"));
  same(await socket.inbox.next(), Buffer.from("before after"));
  await finish(socket);
}

async function checkPipelined(options) {
  const socket = await dial(options);
  const messages = Array.from({ length: 500 }, (_, n) => `message ${n}`.repeat(n % 7));
  for (const message of messages) socket.send(message);
  for (const message of messages) same(await socket.inbox.next(), message);
  await finish(socket);
}

async function checkSubprotocols(options) {
  for (const [offered, agreed] of [[["v1.feed", "v2.feed"], "v2.feed"], [["v1.feed"], "v1.feed"], [[], ""]]) {
    const socket = await dial(options, "/echo", offered);
    assert.equal(socket.protocol, agreed);
    await echo(socket, "agreed");
    await finish(socket);
  }
}

async function checkCloseByClient(options) {
  for (const [code, reason] of CLOSES) {
    const socket = await dial(options);
    await echo(socket, "last words");
    socket.close(code, reason);
    assert.equal((await socket.closed)[0], code);
  }
}

async function checkCloseByServer(options) {
  for (const [code, reason] of CLOSES) {
    const socket = await dial(options, `/close?${new URLSearchParams({ code, reason })}`);
    const closed = await socket.closed;
    assert.deepEqual([closed[0], closed[1].toString()], [code, reason]);
  }
}

const CHECKS = [
  ["messages", checkMessages],
  ["sizes", checkSizes],
  ["fragmented", checkFragmented],
  ["ping", checkPing],
  ["pipelined", checkPipelined],
  ["subprotocols", checkSubprotocols],
  ["close by client", checkCloseByClient],
  ["close by server", checkCloseByServer],
];

main();
