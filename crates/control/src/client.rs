//! A face's end of the control socket. The client checks whose socket it is before it says anything (A1).
//!
//! Asking, listening and piping are separate connections, so that a listener that falls behind never holds up an
//! answer. A request is never repeated by itself after a lost connection: it may have been carried out (A6).

use crate::{
    fault::ControlError,
    frame::{self, Cut, REPLY_CAP, REQUEST_CAP, Reader},
    message::{FromAgent, FromClient, Hello, PipeAsk},
    pipe::Pipe,
    place::Place,
    server::HELLO_WITHIN,
    start::Start,
    user,
};
use hither_model::{Answer, Ask, ErrorCode, Failure, News};
use serde::Serialize;
use std::{io, path::Path, time::Duration};
use tokio::net::{
    UnixStream,
    unix::{OwnedReadHalf, OwnedWriteHalf},
};

const WRITE_WITHIN: Duration = Duration::from_secs(10);

/// A connection to the agent of one profile, for asking.
#[derive(Debug)]
pub struct Client {
    line: Line,
    next: u64,
    way: Way,
}

/// Which agent, and as which user.
#[derive(Debug, Clone)]
struct Way {
    places: Vec<Place>,
    uid: u32,
}

#[derive(Debug)]
struct Line {
    reader: Reader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
}

impl Client {
    /// Connects to the running agent of the profile.
    ///
    /// # Errors
    /// No agent, another user's socket, another version, or the agent does not answer.
    pub async fn connect(profile: &Path) -> Result<Self, Failure> {
        Ok(Self::by(Way { places: Place::candidates(profile), uid: user::ours() }).await?)
    }

    /// Connects to the agent of the profile, starting it if none runs. Says whether it was started.
    ///
    /// # Errors
    /// As [`Client::connect`], and whatever kept the agent from starting.
    pub async fn connect_or_start(profile: &Path, start: &Start) -> Result<(Self, bool), Failure> {
        match Self::connect(profile).await {
            Err(failure) if failure.code == ErrorCode::NoAgent => {
                let started = start.run(profile).await?;
                Ok((Self::connect(profile).await?, started))
            }
            other => other.map(|client| (client, false)),
        }
    }

    /// Connects to the agent at one place, as a process of user `uid` (for tests and special set-ups).
    ///
    /// # Errors
    /// As [`Client::connect`].
    pub async fn connect_at(place: Place, uid: u32) -> Result<Self, Failure> {
        Ok(Self::by(Way { places: vec![place], uid }).await?)
    }

    async fn by(way: Way) -> Result<Self, ControlError> {
        Ok(Self { line: way.open().await?, next: 1, way })
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// The failure the agent answered with, or the loss of the connection.
    pub async fn ask(&mut self, ask: Ask) -> Result<Answer, Failure> {
        let id = self.next;
        self.next += 1;
        self.line.say(&FromClient::Request { id, ask }).await?;
        loop {
            match self.line.hear().await? {
                FromAgent::Reply { id: of, answer: Answer::Failed { failure } } if of == id => return Err(failure),
                FromAgent::Reply { id: of, answer } if of == id => return Ok(answer),
                FromAgent::Refused(failure) => return Err(failure),
                // The answer to a question that was given up.
                FromAgent::Reply { .. } | FromAgent::Note(_) | FromAgent::Piped { .. } => {}
            }
        }
    }

    /// News from now on, beginning with a snapshot. Subscribe before asking for something that news will report on: when
    /// this returns, nothing that happens later is missed.
    ///
    /// # Errors
    /// As [`Client::connect`].
    pub async fn news(&self) -> Result<NewsFeed, Failure> {
        let mut line = self.way.open().await?;
        line.say(&FromClient::Subscribe { id: 0 }).await?;
        let mut feed = NewsFeed { line, first: None };
        feed.first = Some(feed.next().await?);
        Ok(feed)
    }

    /// A stream to or from another device; waits until it is there.
    ///
    /// # Errors
    /// As [`Client::connect`], and whatever kept the stream from being made.
    pub async fn pipe(&self, ask: PipeAsk) -> Result<Pipe, Failure> {
        let mut line = self.way.open().await?;
        line.say(&FromClient::Pipe { id: 0, ask }).await?;
        match line.hear().await? {
            FromAgent::Piped { .. } => {}
            FromAgent::Reply { answer: Answer::Failed { failure }, .. } | FromAgent::Refused(failure) => {
                return Err(failure);
            }
            FromAgent::Reply { .. } | FromAgent::Note(_) => {
                return Err(ControlError::Malformed("a stream was expected".into()).into());
            }
        }
        let (reader, early) = line.reader.into_parts();
        Ok(Pipe { early, reader, writer: line.writer })
    }
}

/// News as they come.
#[derive(Debug)]
pub struct NewsFeed {
    line: Line,
    first: Option<News>,
}

impl NewsFeed {
    /// The next news. May be dropped and called again without loss.
    ///
    /// # Errors
    /// The agent ended, or the connection was lost.
    pub async fn next(&mut self) -> Result<News, Failure> {
        if let Some(first) = self.first.take() {
            return Ok(first);
        }
        loop {
            match self.line.hear().await? {
                FromAgent::Note(news) => return Ok(news),
                FromAgent::Reply { answer: Answer::Failed { failure }, .. } | FromAgent::Refused(failure) => {
                    return Err(failure);
                }
                FromAgent::Reply { .. } | FromAgent::Piped { .. } => {}
            }
        }
    }
}

impl Way {
    async fn open(&self) -> Result<Line, ControlError> {
        for place in &self.places {
            if !place.check()? {
                continue;
            }
            match UnixStream::connect(place.socket()).await {
                Ok(stream) => return self.greet(stream).await,
                Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {}
                Err(e) => return Err(ControlError::Lost(e)),
            }
        }
        Err(ControlError::NoAgent)
    }

    async fn greet(&self, stream: UnixStream) -> Result<Line, ControlError> {
        user::check(&stream, self.uid)?;
        let (reader, mut writer) = stream.into_split();
        let mut reader = Reader::new(reader, Cut::Frames, REPLY_CAP);
        let said = frame::send(&mut writer, &Hello::ours(), Cut::Frames, REQUEST_CAP, HELLO_WITHIN).await;
        let hello = tokio::time::timeout(HELLO_WITHIN, reader.message::<Hello>()).await;
        let hello = hello.map_err(|_| ControlError::Silent)??.ok_or_else(ended)?;
        hello.judge_agent()?;
        let mut line = Line { reader, writer };
        if said.is_err() {
            // The agent closed the connection at once: it says why after its hello.
            return match line.hear().await? {
                FromAgent::Refused(failure) => Err(ControlError::Refused(failure)),
                _ => Err(ended()),
            };
        }
        Ok(line)
    }
}

fn ended() -> ControlError {
    ControlError::Lost(io::ErrorKind::UnexpectedEof.into())
}

impl Line {
    async fn say<T: Serialize>(&mut self, message: &T) -> Result<(), ControlError> {
        match frame::send(&mut self.writer, message, Cut::Frames, REQUEST_CAP, WRITE_WITHIN).await {
            Err(ControlError::Lost(e)) => match self.hear().await {
                Ok(FromAgent::Refused(failure)) => Err(ControlError::Refused(failure)),
                _ => Err(ControlError::Lost(e)),
            },
            said => said,
        }
    }

    async fn hear(&mut self) -> Result<FromAgent, ControlError> {
        self.reader.message().await?.ok_or_else(ended)
    }
}
