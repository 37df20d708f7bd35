//! The two mappings from codes to classes.

use std::fmt;

/// The mapping to use.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Profile {
    /// Ours: each code belongs to the class that its meaning suggests. `refined`.
    #[default]
    Refined,
    /// Exactly that of Azure Stack Hub's backup controller, build 1.2301: a short list of Win32 codes; everything else
    /// is [`ShareNotAccessible`](super::AlertKind::ShareNotAccessible). There an unreachable server (53) is a *path* fault,
    /// and a disabled account (1331) is *general*. `microsoft-2301`.
    ///
    /// Other codes are first converted to the Win32 code that Windows makes of them.
    Microsoft2301,
}

impl Profile {
    /// Both profiles.
    pub const ALL: [Self; 2] = [Self::Refined, Self::Microsoft2301];

    /// Returns the name: `refined`, `microsoft-2301`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refined => "refined",
            Self::Microsoft2301 => "microsoft-2301",
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Profile {
    type Err = crate::Error;

    fn from_str(text: &str) -> crate::Result<Self> {
        Self::ALL.into_iter().find(|profile| profile.as_str() == text).ok_or_else(|| {
            let message = "no such profile; the profiles are refined and microsoft-2301";
            crate::Error::new(crate::ErrorKind::InvalidArgument, message)
        })
    }
}
