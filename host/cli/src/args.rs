//! The command line: what can be asked for. It does nothing itself; `main` dispatches.

mod history;
mod items;

pub(crate) use history::{Erase, Export, ExportHistory, History, Retention};
pub(crate) use items::{ItemAction, ItemId, Items, Replay};

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Keeps Xero and Salesforce in step through sandboxed plugins.
///
/// Exit codes: 0 done; 1 something failed; 2 wrong use or configuration; 3 done, and something waits for a person or is in doubt
/// (only with --strict); 4 the far side can't be reached or refused (of `sync` also: the way back could not go on); 5 the data directory or a backup is locked or damaged.
#[derive(Debug, Parser)]
#[command(name = "footbridge", version, about, after_help = EXAMPLES)]
pub(crate) struct Cli {
    /// The configuration.
    #[arg(
        long,
        short,
        global = true,
        default_value = "footbridge.toml",
        value_name = "FILE"
    )]
    pub(crate) config: PathBuf,
    /// JSON on standard output instead of text, errors too: {"error": {"kind", "page", "message", "causes", "exit_code"}}.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "Examples:
  footbridge demo                     two simulated companies and real plugins; no account needed
  footbridge init                     write a commented configuration and a mapping to start from
  footbridge connect xero             connect an account, step by step
  footbridge doctor                   check configuration, plugins, connections, data directory
  footbridge provision                make the objects and fields in Salesforce that payments and statuses come back to
  footbridge plan                     what a sync would change, why, and what it costs; writes nothing
  footbridge sync --go                do it, the first time; later `footbridge sync`
  footbridge stop --why \"audit\"       write nothing more, at once, also in a sync that is running
  footbridge items                    what waits for you, with the reason and what can be done

docs/errors/ has a page for each reason, kind of failure and kind of error.";

/// Commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Two simulated companies, real plugins: won deals become invoices. No account needed.
    #[command(
        after_help = "Examples:\n  footbridge demo\n  footbridge demo --headless --deals 1000 --seed 7 --json"
    )]
    Demo(Demo),
    /// Write a commented footbridge.toml and a mapping to start from.
    #[command(after_help = "Example:\n  footbridge init --directory books")]
    Init(Init),
    /// Connect an account: what to set up, consent, which organisation, and whether it does what your flows need.
    #[command(
        after_help = "Examples:\n  footbridge connect xero\n  footbridge connect xero --organisation \"Harbour & Hill Services Ltd\"\n  footbridge connect salesforce --paste    (the browser is on another machine)"
    )]
    Connect(Connect),
    /// End a connection: give its tokens back to the provider and remove them here.
    #[command(
        after_help = "Examples:\n  footbridge disconnect xero\n  footbridge disconnect xero --local    (the provider can't be reached, or has forgotten it already)"
    )]
    Disconnect(Disconnect),
    /// What a sync would change and why, and what it would cost. Nothing is written to either side.
    #[command(
        after_help = "What is shown: + is created, ~ is changed, old -> new.\n\nExamples:\n  footbridge plan\n  footbridge plan --only 006Hs00001abcdEFGH\n  footbridge plan --flow deals-to-invoices --json\n  footbridge plan --save                      keep it, so that people can approve it\n  footbridge plan --out friday.json           the same, and a file for others to read\n  footbridge plan list\n  footbridge plan show 5f0c1a2b\n  footbridge plan approve 5f0c1a2b --except 006Hs00001abcdEFGH\n  footbridge plan apply 5f0c1a2b"
    )]
    Plan(Plan),
    /// Saved plans and how they stand; the same as `plan list`.
    #[command(after_help = "Example:\n  footbridge plans")]
    Plans(Flow),
    /// Bring both sides in step: read what changed, plan, write, write back.
    #[command(
        after_help = "Examples:\n  footbridge sync --go       the first time: yes, write\n  footbridge sync\n  footbridge sync --strict --json\n  footbridge sync --go-on    after a restore or in a copy: yes, go on"
    )]
    Sync(Sync),
    /// Stop a flow, or all: nothing more is sent, also by a sync that is running now. What was sent is seen through.
    #[command(
        after_help = "Examples:\n  footbridge stop --why \"wrong price list\"\n  footbridge stop deals-to-invoices --why \"audit\"\n  footbridge stop --all --why \"moving to another Salesforce\""
    )]
    Stop(Stop),
    /// Let a stopped flow, or all, go on.
    #[command(after_help = "Examples:\n  footbridge go\n  footbridge go --all")]
    Go(Go),
    /// How things stand: last run, invoiced, waiting, in doubt. Reads only the data directory.
    #[command(after_help = "Examples:\n  footbridge status\n  footbridge status --json")]
    Status(Flow),
    /// Show what a connection's far side lacks to hold what we write there, and make it after your yes. Opt-in, and can be undone.
    #[command(
        after_help = "What is shown: + will be made, ~ will be changed, ! can't be done from here (with what to do by hand), - will be deleted.\nExit codes: 0 everything is there; 1 refused or failed; 3 something is left to do by hand.\n\nExamples:\n  footbridge provision --dry-run\n  footbridge provision\n  footbridge provision salesforce --yes --json\n  footbridge provision --remove"
    )]
    Provision(Provision),
    /// Every request that left or was refused: who asked, for what, what became of it. Reads only the data directory.
    #[command(
        after_help = "Examples:\n  footbridge audit\n  footbridge audit --refused --last 100 --json"
    )]
    Audit(Audit),
    /// What waits for you, each with its reason and what can be done; decide about it.
    #[command(after_help = items::EXAMPLES)]
    Items(Items),
    /// Read records again from the far side and let the next sync look at them: one, those of a reason, of a time. Never writes twice.
    #[command(after_help = items::REPLAY_EXAMPLES)]
    Replay(Replay),
    /// What was done to a record at either side: when, from what, old and new, why, by which plugins. Reads only the data directory.
    #[command(
        after_help = "Examples:\n  footbridge history INV-0042\n  footbridge history 006Hs00001abcdEFGH --field InvoiceNumber\n  footbridge history INV-0042 --csv > inv-0042.csv"
    )]
    History(History),
    /// Erase the bodies of old requests and answers, and old plans. That they were sent, and what came of them, stays.
    #[command(after_help = "Example:\n  footbridge retention --days 90")]
    Retention(Retention),
    /// Erase what is kept here about a record: what it held, not that something was done to it. Nothing at either side changes.
    #[command(
        after_help = "Examples:\n  footbridge erase 001Hs00001abcdEFGH --dry-run\n  footbridge erase 001Hs00001abcdEFGH INV-0042"
    )]
    Erase(Erase),
    /// Write what is known here into a file for other programs. Reads only the data directory.
    #[command(subcommand)]
    Export(Export),
    /// Check everything that a sync needs, and say what to do about what is wrong.
    #[command(after_help = "Examples:\n  footbridge doctor\n  footbridge doctor --offline --json")]
    Doctor(Doctor),
    /// Write all that the data directory knows into one file, also while a sync is running. Tokens, keys and plugins are not in it.
    #[command(
        after_help = "Examples:\n  footbridge backup /backups/footbridge-2026-11-30\n  footbridge backup --verify /backups/footbridge-2026-11-30"
    )]
    Backup(Backup),
    /// Make a data directory of a backup. Its flows are held until you say go: `footbridge sync --go-on`.
    #[command(
        after_help = "Example:\n  footbridge restore /backups/footbridge-2026-11-30 --into footbridge-data"
    )]
    Restore(Restore),
    /// Write the rows of the data directory anew, so that it takes no more disk than it needs. Nobody may work in it meanwhile.
    #[command(after_help = "Example:\n  footbridge compact")]
    Compact,
    /// Move the rows of the data directory to the other store.
    #[command(after_help = "Example:\n  footbridge migrate --to redb")]
    Migrate(Migrate),
    /// Plugins: inspect, install, grant, revoke, list, remove, sign.
    #[command(
        subcommand,
        after_help = "Examples:\n  footbridge plugin list\n  footbridge plugin inspect mine.wasm\n  footbridge plugin install mine.wasm --name mine\n  footbridge plugin revoke mine"
    )]
    Plugin(Plugin),
    /// A script that completes commands in your shell.
    #[command(
        after_help = "Examples:\n  footbridge completions bash > ~/.local/share/bash-completion/completions/footbridge\n  footbridge completions fish > ~/.config/fish/completions/footbridge.fish"
    )]
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

/// `demo`.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Won deals in the simulated Salesforce.
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) deals: u32,
    /// Varies the everyday part of the company; the special cases stay.
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,
    /// No story and no questions: sync, sync again, print the counts.
    #[arg(long)]
    pub(crate) headless: bool,
    /// Leave the simulators running and the files in this folder, to try the other commands on.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) keep: Option<PathBuf>,
}

/// `init`.
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Where to write.
    #[arg(long, default_value = ".", value_name = "FOLDER")]
    pub(crate) directory: PathBuf,
}

/// `connect`.
#[derive(Debug, Args)]
pub(crate) struct Connect {
    /// The connection, as the configuration names it.
    pub(crate) connection: String,
    /// The browser is elsewhere: paste the address that it ends at, or the code alone.
    #[arg(long)]
    pub(crate) paste: bool,
    /// Which organisation, by id or name, where the consent reaches several.
    #[arg(long, value_name = "ID OR NAME")]
    pub(crate) organisation: Option<String>,
    /// Print the link and don't open a browser.
    #[arg(long)]
    pub(crate) no_browser: bool,
    /// How long to wait for the answer of the consent page.
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=60))]
    pub(crate) wait_minutes: u64,
}

/// `disconnect`.
#[derive(Debug, Args)]
pub(crate) struct Disconnect {
    /// The connection, as the configuration names it.
    pub(crate) connection: String,
    /// Don't tell the provider; only remove what is stored here.
    #[arg(long)]
    pub(crate) local: bool,
}

/// Commands on one flow.
#[derive(Debug, Args)]
pub(crate) struct Flow {
    /// The flow; not needed if there is one.
    #[arg(long)]
    pub(crate) flow: Option<String>,
}

/// `plan`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Plan {
    /// The flow; not needed if there is one.
    #[arg(long)]
    pub(crate) flow: Option<String>,
    /// Only what is about this record, by its id, or this operation; with what it needs. Repeatable.
    #[arg(long, value_name = "ID")]
    pub(crate) only: Vec<String>,
    /// Keep the plan, so that it can be approved and applied.
    #[arg(long)]
    pub(crate) save: bool,
    /// Keep it, and write it to a file for others to read. A file that is changed afterwards is refused.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// What to do with a saved one.
    #[command(subcommand)]
    pub(crate) action: Option<PlanAction>,
}

/// What can be done with saved plans.
#[derive(Debug, Subcommand)]
pub(crate) enum PlanAction {
    /// Saved plans and how they stand.
    List(Flow),
    /// A saved plan as it was saved, and what became of it.
    Show(SavedPlan),
    /// Say yes to a saved plan or to a part of it. A later yes takes the place of an earlier one.
    #[command(
        after_help = "Examples:\n  footbridge plan approve 5f0c1a2b\n  footbridge plan approve 5f0c1a2b --only 006Hs00001abcdEFGH   (a record brings along what it needs)\n  footbridge plan approve friday.json --except 006Hs00001abcdEFGH"
    )]
    Approve(Approve),
    /// Carry out what was approved, and nothing else. Doing it again writes nothing twice.
    #[command(
        after_help = "Exit codes: 0 all that was approved is written; 3 something of it is not (with the reason).\n\nExamples:\n  footbridge plan apply 5f0c1a2b\n  footbridge plan apply friday.json --json"
    )]
    Apply(SavedPlan),
    /// Take a saved plan back: it is never carried out any more. What was written stays.
    Withdraw(SavedPlan),
}

/// One saved plan.
#[derive(Debug, Args)]
pub(crate) struct SavedPlan {
    /// Its id, or the beginning of it, or a file that `plan --out` wrote.
    #[arg(value_name = "ID OR FILE")]
    pub(crate) plan: String,
    /// The flow; not needed if there is one.
    #[arg(long)]
    pub(crate) flow: Option<String>,
}

/// `plan approve`.
#[derive(Debug, Args)]
pub(crate) struct Approve {
    /// Which.
    #[command(flatten)]
    pub(crate) plan: SavedPlan,
    /// Yes to this record or operation only. Repeatable.
    #[arg(long, value_name = "ID")]
    pub(crate) only: Vec<String>,
    /// Yes to all but this record or operation. Repeatable.
    #[arg(long, value_name = "ID")]
    pub(crate) except: Vec<String>,
}

/// `stop`.
#[derive(Debug, Args)]
pub(crate) struct Stop {
    /// The flow; not needed if there is one.
    pub(crate) flow: Option<String>,
    /// All flows, also those to come.
    #[arg(long, conflicts_with = "flow")]
    pub(crate) all: bool,
    /// What for; whoever meets the stop reads it.
    #[arg(long, value_name = "TEXT")]
    pub(crate) why: String,
}

/// `go`.
#[derive(Debug, Args)]
pub(crate) struct Go {
    /// The flow; not needed if there is one.
    pub(crate) flow: Option<String>,
    /// Take back the stop of all flows; one that is stopped by name stays so.
    #[arg(long, conflicts_with = "flow")]
    pub(crate) all: bool,
}

/// `sync`.
#[derive(Debug, Args)]
pub(crate) struct Sync {
    /// The flow; not needed if there is one.
    #[arg(long)]
    pub(crate) flow: Option<String>,
    /// Yes to the first run of a flow that has never written; later it changes nothing.
    #[arg(long)]
    pub(crate) go: bool,
    /// Exit with 3 if anything waits for a person or is in doubt.
    #[arg(long)]
    pub(crate) strict: bool,
    /// Go on although many records are gone at once: that is right.
    #[arg(long)]
    pub(crate) accept_drop: bool,
    /// Go, where the flow is held: after a restore, in a copied data directory, or beside another Footbridge. You say that no
    /// other one works on these organisations any more.
    #[arg(long)]
    pub(crate) go_on: bool,
}

/// `backup`.
#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The file to write; it must not be there yet.
    pub(crate) file: PathBuf,
    /// Write nothing: read this backup whole and say what it holds.
    #[arg(long)]
    pub(crate) verify: bool,
}

/// `restore`.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The backup.
    pub(crate) file: PathBuf,
    /// The folder to make; empty or not there yet.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) into: PathBuf,
    /// `sled` or `redb`. Default: the one that the backup was taken of.
    #[arg(long, value_name = "STORE")]
    pub(crate) store: Option<String>,
}

/// `migrate`.
#[derive(Debug, Args)]
pub(crate) struct Migrate {
    /// `sled` or `redb`.
    #[arg(long, value_name = "STORE")]
    pub(crate) to: String,
}

/// `provision`.
#[derive(Debug, Args)]
pub(crate) struct Provision {
    /// The connection; not needed if only one can be set up.
    pub(crate) connection: Option<String>,
    /// Only show it.
    #[arg(long, conflicts_with = "yes")]
    pub(crate) dry_run: bool,
    /// Take away what Footbridge made there, with all records in it.
    #[arg(long)]
    pub(crate) remove: bool,
    /// Yes, without a question.
    #[arg(long)]
    pub(crate) yes: bool,
}

/// `audit`.
#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// So many, the newest.
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub(crate) last: usize,
    /// Only what has no answer: refused, over budget, lost.
    #[arg(long)]
    pub(crate) refused: bool,
}

/// `doctor`.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Don't talk to the far sides.
    #[arg(long)]
    pub(crate) offline: bool,
}

/// `plugin`.
#[derive(Debug, Subcommand)]
pub(crate) enum Plugin {
    /// What a component is and asks for, without running anything of it.
    Inspect(PluginInspect),
    /// Show what a plugin asks for and, with your yes, let it in and grant it that.
    #[command(
        after_help = "Examples:\n  footbridge plugin install mine.wasm --name mine\n  footbridge plugin install mine.wasm --name mine --digest 5f0c...   (as `plugin inspect` printed it)\n  footbridge plugin install mine.wasm --name mine --only \"read accounting /Contacts\""
    )]
    Install(PluginInstall),
    /// Grant an installed plugin what it asks for, or part of that, on a connection or in a flow.
    #[command(
        after_help = "Examples:\n  footbridge plugin grant mine --flow deals-to-invoices\n  footbridge plugin grant mine --flow deals-to-invoices --only \"reads Opportunity.Amount\" --only \"writes invoice.lines\""
    )]
    Grant(PluginGrant),
    /// Take an installed plugin's grants away.
    Revoke(PluginPlace),
    /// Put a version in use that is kept beside the present one, after showing what it would draft otherwise.
    Use {
        /// The beginning of its digest, 8 digits or more.
        digest: String,
    },
    /// What is installed, which versions are kept, and what each was granted.
    List,
    /// Forget a plugin with all its versions and grants.
    Remove {
        /// Its name.
        name: String,
    },
    /// What lies in the watched folder. Nothing there is granted anything or runs.
    Staged,
    /// For authors: sign a component with its manifest. A signature grants nothing.
    Sign(PluginSign),
}

/// `plugin inspect`.
#[derive(Debug, Args)]
pub(crate) struct PluginInspect {
    /// A .wasm file.
    pub(crate) file: PathBuf,
    /// Its manifest. Default: the .toml file of the same name beside it, else plugin.toml beside it.
    #[arg(long, value_name = "FILE")]
    pub(crate) manifest: Option<PathBuf>,
}

/// `plugin install`.
#[derive(Debug, Args)]
pub(crate) struct PluginInstall {
    /// A .wasm file.
    pub(crate) file: PathBuf,
    /// The name that flows and connections use.
    #[arg(long)]
    pub(crate) name: String,
    /// Its manifest. Default: the .toml file of the same name beside it, else plugin.toml beside it.
    #[arg(long, value_name = "FILE")]
    pub(crate) manifest: Option<PathBuf>,
    /// Grant it on this connection. Default: those that name it.
    #[arg(long)]
    pub(crate) connection: Vec<String>,
    /// Grant it in this flow. Default: those that name it.
    #[arg(long)]
    pub(crate) flow: Vec<String>,
    /// Grant only this of what it asks for, by its name as inspect prints it. Repeatable.
    #[arg(long, value_name = "POWER")]
    pub(crate) only: Vec<String>,
    /// Yes, without a question. Needs --digest.
    #[arg(long)]
    pub(crate) yes: bool,
    /// Yes to just this, as inspect printed it after "to install".
    #[arg(long, value_name = "HEX")]
    pub(crate) digest: Option<String>,
}

/// `plugin grant`.
#[derive(Debug, Args)]
pub(crate) struct PluginGrant {
    /// Who and where.
    #[command(flatten)]
    pub(crate) place: PluginPlace,
    /// Grant only this of what it asks for, by its name as inspect prints it. Repeatable.
    #[arg(long, value_name = "POWER")]
    pub(crate) only: Vec<String>,
    /// Yes, without a question. Needs --digest.
    #[arg(long)]
    pub(crate) yes: bool,
    /// Yes to just this, as inspect printed it after "to install".
    #[arg(long, value_name = "HEX")]
    pub(crate) digest: Option<String>,
}

/// A plugin, and where.
#[derive(Debug, Args)]
pub(crate) struct PluginPlace {
    /// The plugin's name.
    pub(crate) name: String,
    /// On this connection. Default: where the configuration names the plugin.
    #[arg(long)]
    pub(crate) connection: Vec<String>,
    /// In this flow. Default: where the configuration names the plugin.
    #[arg(long)]
    pub(crate) flow: Vec<String>,
}

/// `plugin sign`.
#[derive(Debug, Args)]
pub(crate) struct PluginSign {
    /// A .wasm file. The signature is written beside it, with .sig added to its name.
    pub(crate) file: PathBuf,
    /// The signing key; made there if the file is missing. Keep it secret.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// Its manifest. Default: the .toml file of the same name beside it, else plugin.toml beside it.
    #[arg(long, value_name = "FILE")]
    pub(crate) manifest: Option<PathBuf>,
}
