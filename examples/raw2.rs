use wirespeed::{WebSocketConnection, WebSocketError, WebSocketListener, WebSocketOptions};
fn main() {
    let port: u16 = std::env::args().nth(1).unwrap().parse().unwrap();
    let mut o = WebSocketOptions::server();
    o.limits.message = 16 << 20;
    o.limits.frame = 16 << 20;
    o.limits.fragments = 65537;
    o.limits.inflate_ratio = 100000;
    o.deflate = Some(wirespeed::deflate::DeflateOptions::for_server().threshold(0));
    WebSocketListener::bind(("127.0.0.1", port)).unwrap().options(o).serve(echo).unwrap();
}
fn echo(connection: WebSocketConnection) -> Result<(), WebSocketError> {
    let r = echo2(connection);
    if let Err(e) = &r {
        eprintln!("{e}");
    }
    r
}
fn echo2(connection: WebSocketConnection) -> Result<(), WebSocketError> {
    while let Some(message) = connection.receive()? {
        if !message.is_data() {
            continue;
        }
        connection.write(message)?;
        if !connection.has_buffered_message() {
            connection.flush()?;
        }
    }
    Ok(())
}
