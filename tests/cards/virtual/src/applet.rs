//! What the PIV applet stands on: the trussed services it needs, each sent to the part that has it.

use std::path::{Path, PathBuf};
use trussed::{
    backend::{Backend as _, BackendId},
    platform::Platform,
    serde_extensions::{ExtensionDispatch, ExtensionId, ExtensionImpl},
    service::ServiceResources,
    types::Context,
    virt::{self, StorageConfig, StoreConfig},
};
use trussed_auth::AuthExtension;
use trussed_auth_backend::{AuthBackend, AuthContext, FilesystemLayout};
use trussed_chunked::ChunkedExtension;
use trussed_core::{
    Error,
    api::{Reply, Request, reply, request},
    types::{Bytes, Location},
};
use trussed_hpke::HpkeExtension;
use trussed_rsa_alloc::SoftwareRsa;
use trussed_staging::{StagingBackend, StagingContext};
use trussed_wrap_key_to_file::WrapKeyToFileExtension;

pub(crate) type Client<'a> = virt::Client<'a, Services>;

/// The files of a card.
pub(crate) struct Memory {
    inner: PathBuf,
    outer: PathBuf,
}

impl Memory {
    pub(crate) fn beside(state: &Path) -> Self {
        Self { inner: state.with_extension("inner"), outer: state.with_extension("outer") }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    Staging,
    Auth,
    Rsa,
}

/// Asked in this order.
const ORDER: &[BackendId<Part>] =
    &[BackendId::Custom(Part::Staging), BackendId::Custom(Part::Auth), BackendId::Custom(Part::Rsa), BackendId::Core];

#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(crate) enum Extra {
    Auth,
    Chunked,
    Hpke,
    Wrap,
}

impl From<Extra> for u8 {
    fn from(extra: Extra) -> Self {
        extra as Self
    }
}

impl TryFrom<u8> for Extra {
    type Error = Error;

    fn try_from(number: u8) -> Result<Self, Error> {
        match number {
            0 => Ok(Self::Auth),
            1 => Ok(Self::Chunked),
            2 => Ok(Self::Hpke),
            3 => Ok(Self::Wrap),
            _ => Err(Error::InternalError),
        }
    }
}

#[derive(Default)]
pub(crate) struct Contexts {
    auth: AuthContext,
    staging: StagingContext,
}

pub(crate) struct Services {
    auth: AuthBackend,
    staging: StagingBackend,
}

macro_rules! number {
    ($($extension:ty => $extra:ident),+) => {
        $(impl ExtensionId<$extension> for Services {
            type Id = Extra;
            const ID: Extra = Extra::$extra;
        })+
    };
}
number!(AuthExtension => Auth, ChunkedExtension => Chunked, HpkeExtension => Hpke, WrapKeyToFileExtension => Wrap);

impl ExtensionDispatch for Services {
    type BackendId = Part;
    type Context = Contexts;
    type ExtensionId = Extra;

    fn core_request<P: Platform>(
        &mut self,
        part: &Part,
        context: &mut Context<Contexts>,
        request: &Request,
        resources: &mut ServiceResources<P>,
    ) -> Result<Reply, Error> {
        let (core, own) = (&mut context.core, &mut context.backends);
        match part {
            Part::Staging => self.staging.request(core, &mut own.staging, request, resources),
            Part::Auth => self.auth.request(core, &mut own.auth, request, resources),
            Part::Rsa => SoftwareRsa.request(core, &mut (), request, resources),
        }
    }

    fn extension_request<P: Platform>(
        &mut self,
        part: &Part,
        extra: &Extra,
        context: &mut Context<Contexts>,
        request: &request::SerdeExtension,
        resources: &mut ServiceResources<P>,
    ) -> Result<reply::SerdeExtension, Error> {
        let (core, own) = (&mut context.core, &mut context.backends);
        macro_rules! staged {
            ($extension:ty) => {
                ExtensionImpl::<$extension>::extension_request_serialized(
                    &mut self.staging,
                    core,
                    &mut own.staging,
                    request,
                    resources,
                )
            };
        }
        match (part, extra) {
            (Part::Auth, Extra::Auth) => {
                self.auth.extension_request_serialized(core, &mut own.auth, request, resources)
            }
            (Part::Staging, Extra::Chunked) => staged!(ChunkedExtension),
            (Part::Staging, Extra::Hpke) => staged!(HpkeExtension),
            (Part::Staging, Extra::Wrap) => staged!(WrapKeyToFileExtension),
            _ => Err(Error::RequestNotAvailable),
        }
    }
}

/// A powered card on this memory.
pub(crate) fn with<R>(memory: &Memory, live: impl FnOnce(Client<'_>) -> R) -> R {
    let store = StoreConfig {
        internal: StorageConfig::filesystem(memory.inner.clone()),
        external: StorageConfig::filesystem(memory.outer.clone()),
        volatile: StorageConfig::ram(),
    };
    let seed = Bytes::try_from(&b"a card for tests"[..]).expect("it is short");
    virt::with_platform(store, |platform| {
        let auth = AuthBackend::with_hw_key(Location::Internal, seed, FilesystemLayout::V0);
        let services = Services { auth, staging: StagingBackend::new() };
        platform.run_client_with_backends("piv-authenticator", services, ORDER, live)
    })
}
