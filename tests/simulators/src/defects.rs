//! Seeded defects: a simulator that is wrong in one known way, to see whether the independent checks notice.
//!
//! A simulator is honest unless its options name a defect. The options' defaults read [`VARIABLE`], so that the compiled test
//! binaries can be run with one; nothing in the tree sets it but the mutation check (`examples/defects.rs`), and the demo names
//! [`Defects::none`] itself, so that it cannot be reached by it. Each vendor lists its own: `xero/defect.rs`, `salesforce/defect.rs`.

use std::io::Write as _;
use std::sync::OnceLock;

/// The environment variable that names a defect for a test process, by its kebab-case name.
pub const VARIABLE: &str = "FOOTBRIDGE_SIMULATOR_DEFECT";

/// A vendor's list of defects.
pub trait Defect: Copy + PartialEq + 'static {
    /// All of them.
    const ALL: &'static [Self];
    /// Kebab-case, unique over both vendors.
    fn name(self) -> &'static str;
    /// What the simulator does wrong, in one sentence.
    fn sentence(self) -> &'static str;
}

/// The defects of one simulator: none, or one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Defects<D>(Source<D>);

/// Who says which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source<D> {
    Options(Option<D>),
    /// Asked when the first thing is done, so that whoever was told to be honest never looks there.
    Environment,
}

impl<D: Defect> Defects<D> {
    /// An honest simulator, whatever the environment says.
    pub const fn none() -> Self {
        Self(Source::Options(None))
    }

    /// A simulator with that defect.
    pub const fn only(defect: D) -> Self {
        Self(Source::Options(Some(defect)))
    }

    /// Whether this defect is seeded.
    pub fn has(&self, defect: D) -> bool {
        match self.0 {
            Source::Options(seeded) => seeded == Some(defect),
            Source::Environment => wanted() == Some(defect.name()),
        }
    }
}

impl<D: Defect> Default for Defects<D> {
    /// What the environment asks for; nothing where it asks for nothing or for the other vendor's.
    fn default() -> Self {
        Self(Source::Environment)
    }
}

/// The defect that the environment names. A name that nobody knows ends the process: a check that passes because nothing was
/// seeded would say the opposite of what it shows.
fn wanted() -> Option<&'static str> {
    static WANTED: OnceLock<Option<&'static str>> = OnceLock::new();
    *WANTED.get_or_init(|| {
        let given = std::env::var(VARIABLE).ok().filter(|name| !name.is_empty())?;
        let known = crate::xero::Defect::ALL
            .iter()
            .map(|defect| (defect.name(), defect.sentence()))
            .chain(
                crate::salesforce::Defect::ALL
                    .iter()
                    .map(|defect| (defect.name(), defect.sentence())),
            )
            .find(|(name, _)| *name == given);
        let (said, known) = match known {
            Some((name, sentence)) => (format!("SEEDED DEFECT {name}: {sentence}"), Some(name)),
            None => (
                format!("{VARIABLE}={given:?} is no defect; see `cargo run --release -p footbridge-simulators --example defects -- --list`"),
                None,
            ),
        };
        // Nobody is left to tell when standard error is closed.
        let _ignored = writeln!(std::io::stderr(), "simulators: {said}");
        if known.is_none() {
            std::process::exit(2);
        }
        known
    })
}

/// A vendor's enum of defects with their names and sentences.
macro_rules! defects {
    ($($variant:ident = $name:literal: $sentence:literal,)*) => {
        /// One way in which this simulator can be wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Defect {
            $(#[doc = $sentence] $variant,)*
        }

        impl crate::defects::Defect for Defect {
            const ALL: &'static [Self] = &[$(Self::$variant,)*];

            fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            fn sentence(self) -> &'static str {
                match self {
                    $(Self::$variant => $sentence,)*
                }
            }
        }
    };
}
pub(crate) use defects;
