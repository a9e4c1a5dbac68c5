"""The Python peer of the interoperability tests, on `websockets`.

    peer.py server [--tls CERTIFICATE KEY] [deflate options]
    peer.py client URL [--ca CERTIFICATE] [deflate options]

README.md tells what a server does for which path, and what a client checks.
"""

import argparse
import asyncio
import contextlib
import ssl
import sys
import urllib.parse

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)

SUBPROTOCOLS = ["v2.feed", "v1.feed"]
FRAGMENT = 1000
SIZES = [1, 125, 126, 127, 65535, 65536, 1 << 20]
TEXT = "Zażółć gęślą jaźń, 価格 ¥1,234, 🚀"
LONGEST_REASON = "é" * 61 + "."
CLOSES = [(1000, ""), (1000, "goodbye"), (1001, "going away"), (3000, "żegnaj"), (4999, LONGEST_REASON)]
TIMEOUT = 30


def main():
    options = parse_arguments()
    if options.role == "server":
        asyncio.run(run_server(options))
    else:
        asyncio.run(run_client(options))


def parse_arguments():
    parser = argparse.ArgumentParser()
    roles = parser.add_subparsers(dest="role", required=True)
    server = roles.add_parser("server")
    server.add_argument("--tls", nargs=2, metavar=("CERTIFICATE", "KEY"))
    client = roles.add_parser("client")
    client.add_argument("url")
    client.add_argument("--ca")
    for role in (server, client):
        role.add_argument("--deflate", action="store_true")
        role.add_argument("--server-no-context-takeover", action="store_true")
        role.add_argument("--client-no-context-takeover", action="store_true")
        role.add_argument("--server-max-window-bits", type=int)
        role.add_argument("--client-max-window-bits", type=int)
    client.add_argument("--agreed", default="")
    return parser.parse_args()


def deflate(factory, options, **defaults):
    if not options.deflate:
        return None
    settings = {
        "server_no_context_takeover": options.server_no_context_takeover,
        "client_no_context_takeover": options.client_no_context_takeover,
        "server_max_window_bits": options.server_max_window_bits,
        "client_max_window_bits": options.client_max_window_bits,
    }
    return [factory(**{**settings, **{k: v for k, v in defaults.items() if not settings[k]}})]


# The server.


async def run_server(options):
    tls = None
    if options.tls:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*options.tls)
    async with serve(
        serve_connection,
        "127.0.0.1",
        0,
        ssl=tls,
        subprotocols=SUBPROTOCOLS,
        # A client that offers no subprotocol is served without one.
        select_subprotocol=choose_subprotocol,
        compression=None,
        extensions=deflate(ServerPerMessageDeflateFactory, options),
        max_size=None,
        ping_interval=None,
    ) as server:
        print("listening", server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()


def choose_subprotocol(_connection, offered):
    return next((name for name in SUBPROTOCOLS if name in offered), None)


async def serve_connection(connection):
    url = urllib.parse.urlsplit(connection.request.path)
    query = dict(urllib.parse.parse_qsl(url.query))
    try:
        if url.path == "/close":
            await connection.close(int(query["code"]), query.get("reason", ""))
            return
        async for message in connection:
            if url.path == "/fragments":
                await connection.send(fragments(message), text=isinstance(message, str))
            else:
                await connection.send(message)
    except ConnectionClosed:
        pass
    finally:
        print("closed", connection.close_code, connection.close_reason, flush=True)


def fragments(message):
    data = message.encode() if isinstance(message, str) else message
    return [data[at : at + FRAGMENT] for at in range(0, len(data), FRAGMENT)] or [b""]


# The client.


async def run_client(options):
    for name, check in CHECKS:
        try:
            await check(options)
        except Exception as error:
            print(f"FAILED {name}: {type(error).__name__}: {error}", flush=True)
            sys.exit(1)
        print(f"ok {name}", flush=True)


@contextlib.asynccontextmanager
async def dial(options, path="/echo", subprotocols=None):
    tls = ssl.create_default_context(cafile=options.ca) if options.ca else None
    async with connect(
        options.url + path,
        ssl=tls,
        subprotocols=subprotocols,
        compression=None,
        extensions=deflate(ClientPerMessageDeflateFactory, options, client_max_window_bits=True),
        max_size=None,
        ping_interval=None,
        open_timeout=TIMEOUT,
        close_timeout=TIMEOUT,
        proxy=None,
    ) as connection:
        wanted = f"permessage-deflate; {options.agreed}" if options.deflate else ""
        agreed = connection.response.headers.get("Sec-WebSocket-Extensions", "")
        expect("extensions", parameters_of(agreed), parameters_of(wanted))
        yield connection


def parameters_of(extension):
    return {part.strip() for part in extension.split(";")} - {""}


def expect(what, got, wanted):
    if got != wanted:
        raise AssertionError(f"{what}: got {got!r:.200}, expected {wanted!r:.200}")


async def echo(connection, message):
    await connection.send(message)
    expect("echo", await receive(connection), message)


async def receive(connection):
    return await asyncio.wait_for(connection.recv(), TIMEOUT)


async def check_messages(options):
    async with dial(options) as connection:
        for message in ["hello", bytes(range(256)), "", b"", TEXT]:
            await echo(connection, message)


async def check_sizes(options):
    for path in ["/echo", "/fragments"]:
        async with dial(options, path) as connection:
            for size in SIZES:
                await echo(connection, bytes(i * 7 & 0xFF for i in range(size)))
                await echo(connection, (TEXT * (size // len(TEXT) + 1))[:size])


async def check_fragmented(options):
    for path in ["/echo", "/fragments"]:
        async with dial(options, path) as connection:
            data = TEXT.encode()
            await connection.send([data[at : at + 1] for at in range(len(data))], text=True)
            expect("text", await receive(connection), TEXT)
            await connection.send([b"", b"one", b"", b"two", b""])
            expect("binary", await receive(connection), b"onetwo")
            await connection.send(["", ""])
            expect("empty text", await receive(connection), "")


async def check_ping(options):
    async with dial(options) as connection:

        async def with_ping_inside():
            yield b"before "
            pongs.append(await connection.ping("inside"))
            yield b"after"

        pongs = [await connection.ping(), await connection.ping(b"x" * 125)]
        await connection.send(with_ping_inside())
        expect("message", await receive(connection), b"before after")
        for pong in pongs:
            await asyncio.wait_for(pong, TIMEOUT)


async def check_pipelined(options):
    async with dial(options) as connection:
        messages = [f"message {n}" * (n % 7) for n in range(500)]
        for message in messages:
            await connection.send(message)
        expect("echoes", [await receive(connection) for _ in messages], messages)


async def check_subprotocols(options):
    for offered, wanted in [(["v1.feed", "v2.feed"], "v2.feed"), (["v1.feed"], "v1.feed"), (None, None)]:
        async with dial(options, subprotocols=offered) as connection:
            expect("subprotocol", connection.subprotocol, wanted)
            await echo(connection, "agreed")


async def check_close_by_client(options):
    for code, reason in CLOSES:
        async with dial(options) as connection:
            await echo(connection, "last words")
            await connection.close(code, reason)
            expect("close", connection.protocol.close_rcvd.code, code)


async def check_close_by_server(options):
    for code, reason in CLOSES:
        query = urllib.parse.urlencode({"code": code, "reason": reason})
        async with dial(options, f"/close?{query}") as connection:
            try:
                await receive(connection)
            except ConnectionClosed as closed:
                expect("close", (closed.rcvd.code, closed.rcvd.reason), (code, reason))
            else:
                raise AssertionError("a message in place of a close")


CHECKS = [
    ("messages", check_messages),
    ("sizes", check_sizes),
    ("fragmented", check_fragmented),
    ("ping", check_ping),
    ("pipelined", check_pipelined),
    ("subprotocols", check_subprotocols),
    ("close by client", check_close_by_client),
    ("close by server", check_close_by_server),
]


if __name__ == "__main__":
    main()
