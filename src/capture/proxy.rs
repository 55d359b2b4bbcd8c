//! The proxy: every byte passes on as it came, at once, and is listened to on the way. Knows no HTTP.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use super::conversation::{Conversation, Party};
use super::observed::Log;
use crate::engine::address::{Address, Reader, Writer};

const PIECE: usize = 64 * 1024;
/// As many connections are served at once; others wait.
const MOST_CONNECTIONS: usize = 256;
/// How long connections may take to end once the client is gone.
const ENDING: Duration = Duration::from_secs(2);
/// How often is looked whether a client that has closed its half is gone altogether.
const LOOKING: Duration = Duration::from_millis(50);

/// Where the proxy listens.
#[derive(Clone, Debug)]
pub enum Listen {
    /// On a new unix socket at this path.
    Unix(PathBuf),
    /// Here.
    Tcp(SocketAddr),
}

/// A proxy that is running.
pub struct Proxy {
    /// What a client takes as `DOCKER_HOST`.
    pub host: String,
    log: Arc<Mutex<Log>>,
    unreached: Arc<Mutex<Option<String>>>,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

enum Listener {
    Unix(UnixListener),
    Tcp(TcpListener),
}

/// The client's end of a connection.
struct Client {
    reader: Reader,
    writer: Writer,
    /// The same socket once more, to see whether somebody is at its other end.
    watched: Option<OwnedFd>,
}

impl Proxy {
    /// Listens, and passes every connection on to the engine.
    pub async fn start(listen: Listen, engine: Address) -> io::Result<Proxy> {
        let (listener, host) = match listen {
            Listen::Unix(path) => {
                (Listener::Unix(UnixListener::bind(&path)?), format!("unix://{}", path.display()))
            }
            Listen::Tcp(address) => {
                let listener = TcpListener::bind(address).await?;
                let mut there = listener.local_addr()?;
                if there.ip().is_unspecified() {
                    there.set_ip(match there {
                        SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                        SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
                    });
                }
                (Listener::Tcp(listener), format!("tcp://{there}"))
            }
        };
        let (log, unreached) = (Arc::<Mutex<Log>>::default(), Arc::default());
        let (stop, stopped) = oneshot::channel();
        let serving =
            tokio::spawn(serve(listener, engine, Arc::clone(&log), Arc::clone(&unreached), stopped));
        Ok(Proxy { host, log, unreached, stop, serving })
    }

    /// Ends it once the connections have ended, or have had time to. Gives what was seen, and
    /// why the engine could not be reached, if it could not.
    pub async fn finish(self) -> (Log, Option<String>) {
        drop(self.stop);
        let _ = self.serving.await;
        let log = std::mem::take(&mut *self.log.lock().unwrap_or_else(PoisonError::into_inner));
        let unreached = self.unreached.lock().unwrap_or_else(PoisonError::into_inner).take();
        (log, unreached)
    }
}

async fn serve(
    listener: Listener,
    engine: Address,
    log: Arc<Mutex<Log>>,
    unreached: Arc<Mutex<Option<String>>>,
    mut stopped: oneshot::Receiver<()>,
) {
    let mut connections = JoinSet::new();
    loop {
        let has_room = connections.len() < MOST_CONNECTIONS;
        tokio::select! {
            _ = &mut stopped => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if has_room => match accepted {
                Ok(client) => {
                    let (engine, log, unreached) = (engine.clone(), Arc::clone(&log), Arc::clone(&unreached));
                    connections.spawn(async move {
                        match engine.connect().await {
                            Ok((reader, writer)) => relay(client, reader, writer, log).await,
                            Err(error) => {
                                let mut told = unreached.lock().unwrap_or_else(PoisonError::into_inner);
                                told.get_or_insert(error.to_string());
                            }
                        }
                    });
                }
                // Too many open files, mostly: it passes.
                Err(_) => sleep(LOOKING).await,
            },
        }
    }
    let _ = timeout(ENDING, async { while connections.join_next().await.is_some() {} }).await;
    connections.shutdown().await;
}

impl Listener {
    async fn accept(&self) -> io::Result<Client> {
        Ok(match self {
            Listener::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                let watched = stream.as_fd().try_clone_to_owned().ok();
                let (reader, writer) = stream.into_split();
                Client { reader: Box::new(reader), writer: Box::new(writer), watched }
            }
            Listener::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                let _ = stream.set_nodelay(true);
                let watched = stream.as_fd().try_clone_to_owned().ok();
                let (reader, writer) = stream.into_split();
                Client { reader: Box::new(reader), writer: Box::new(writer), watched }
            }
        })
    }
}

/// How passing on in one direction came to its end.
enum End {
    /// The sender closed its half, which was passed on.
    Closed,
    /// The sender's connection broke.
    Broken,
    /// The receiver takes no more.
    Refused,
}

/// Passes everything on between the two until nobody is left to send or to receive.
async fn relay(client: Client, mut engine_reader: Reader, mut engine_writer: Writer, log: Arc<Mutex<Log>>) {
    let conversation = Mutex::new(Conversation::new(log));
    let Client { mut reader, mut writer, watched } = client;
    let upwards = async {
        match pass(&mut reader, &mut engine_writer, &conversation, Party::Client).await {
            // A client that only closed its half still wants its answer; one that is gone does not.
            End::Closed => gone(watched.as_ref()).await,
            End::Broken => {}
            // The engine may have answered early: what it said still has to reach a client that
            // may not read before it has written.
            End::Refused => {
                let mut unread = vec![0; PIECE];
                while matches!(reader.read(&mut unread).await, Ok(1..)) {}
                gone(watched.as_ref()).await;
            }
        }
    };
    let downwards = async {
        match pass(&mut engine_reader, &mut writer, &conversation, Party::Engine).await {
            End::Closed => true,
            End::Broken | End::Refused => false,
        }
    };
    tokio::pin!(upwards);
    tokio::select! {
        () = &mut upwards => {}
        // The engine has closed its half; what the client still sends is passed on.
        closed = downwards => if closed { upwards.await },
    }
    conversation.lock().unwrap_or_else(PoisonError::into_inner).over();
}

/// Passes on in one direction.
async fn pass(from: &mut Reader, to: &mut Writer, conversation: &Mutex<Conversation>, party: Party) -> End {
    let mut piece = vec![0; PIECE];
    loop {
        let length = match from.read(&mut piece).await {
            Ok(0) => {
                conversation.lock().unwrap_or_else(PoisonError::into_inner).closed(party);
                return if to.shutdown().await.is_ok() { End::Closed } else { End::Refused };
            }
            Ok(length) => length,
            Err(_) => return End::Broken,
        };
        // Heard before it is passed on, so that a request is known before its answer comes.
        conversation.lock().unwrap_or_else(PoisonError::into_inner).hear(party, &piece[..length]);
        let passed = async {
            to.write_all(&piece[..length]).await?;
            to.flush().await
        };
        if passed.await.is_err() {
            return End::Refused;
        }
    }
}

/// Returns once nobody is at the other end any more, as far as the system tells.
async fn gone(watched: Option<&OwnedFd>) {
    let Some(watched) = watched else { return std::future::pending().await };
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    loop {
        let mut asked = [PollFd::new(watched, PollFlags::empty())];
        let is_gone = match poll(&mut asked, Some(&now)) {
            Ok(_) => asked[0].revents().intersects(PollFlags::HUP | PollFlags::ERR),
            Err(_) => false,
        };
        if is_gone {
            return;
        }
        sleep(LOOKING).await;
    }
}
