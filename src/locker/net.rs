//! What every store over a network needs: where its servers are, names and dialling, TLS, who we are,
//! and why that fails, in words. A store brings its protocol.

mod addresses;
pub(super) mod certificate;
mod config;
mod credential;
#[cfg(feature = "members")]
pub(super) mod dialler;
pub(super) mod endpoint;
pub(super) mod examined;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
#[cfg(feature = "members")]
pub(super) mod liveness;
#[cfg(feature = "members")]
pub(super) mod members;
pub(super) mod protocol;
pub(super) mod random;
pub(super) mod reach;
pub(super) mod reason;
pub(super) mod refusal;
mod tls;
mod user;

use crate::error::Setting;
#[cfg(feature = "cli")]
pub(crate) use addresses::before_look_up;
pub use certificate::Certificate;
pub use config::Tls;
/// TLS, for [`Tls::rustls`].
#[doc(no_inline)]
pub use tokio_rustls::rustls;
pub use user::Credentials;

/// The settings that a store over a network takes.
pub(super) static SETTINGS: [Setting; 8] = [
    Setting::Endpoints,
    Setting::Cacert,
    Setting::Cert,
    Setting::Key,
    Setting::InsecureSkipTlsVerify,
    Setting::User,
    Setting::Password,
    Setting::Ttl,
];
