//! A way from an engine that has a network of its own to the registry of this machine: what it
//! dials on its own loopback is answered here.

use std::fs::File;
use std::io;
use std::net::TcpListener;
use std::os::fd::AsFd as _;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;

/// Opens the way to `address`, as long as the runtime lives. `pid` is a process in the engine's
/// network.
pub async fn open(pid: u32, address: &str) -> io::Result<()> {
    let listener = listen(pid, address.to_owned())?;
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let address = address.to_owned();
    tokio::spawn(async move {
        while let Ok((mut inner, _)) = listener.accept().await {
            let address = address.clone();
            tokio::spawn(async move {
                if let Ok(mut outer) = TcpStream::connect(&address).await {
                    // Either side may end it.
                    let _ = copy_bidirectional(&mut inner, &mut outer).await;
                }
            });
        }
    });
    Ok(())
}

/// A socket belongs to the network in which it was made, whoever uses it later: one thread goes
/// there to make it, and ends.
fn listen(pid: u32, address: String) -> io::Result<TcpListener> {
    let listening = std::thread::spawn(move || {
        let network = File::open(format!("/proc/{pid}/ns/net"))?;
        move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))?;
        TcpListener::bind(&address)
    });
    listening.join().unwrap_or_else(|_| Err(io::Error::other("the thread that listens panicked")))
}
