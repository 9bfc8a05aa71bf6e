//! `footbridge connect`: an account, step by step: what to set up, consent, organisation, proof, keeping.
//!
//! It holds no rule of OAuth: `footbridge_sandbox` does. In reading order: `guide` (what to paste where), `listen` and `page` (the
//! browser comes back), `paste` (or a person does), `choose` (which organisation), `shown` (the findings).

mod choose;
mod guide;
mod listen;
mod page;
mod paste;
mod shown;

use crate::args;
use crate::commands::{Output, aside, print_json, show};
use crate::compose;
use crate::config::Config;
use crate::exit::{Exit, UsageError};
use crate::render::count;
use crate::typed;
use anyhow::Context;
use footbridge_engine::Pinned;
use footbridge_engine::ports::Clock;
use footbridge_model::id::ConnectionId;
use footbridge_sandbox::{
    Approves, Broker, Code, Connection, ConsentRequest, Needs, Reachable, SystemClock,
};
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use shown::{HeldLine, held_words};

pub(crate) async fn run(
    config: &Config,
    args: &args::Connect,
    output: Output,
) -> anyhow::Result<Exit> {
    let connection = config.connection(&args.connection)?;
    // Nobody else may use the tokens meanwhile, and the pin is read from it.
    let store = compose::store(config)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let broker = compose::broker(config, &clock)?;
    let id = connection.name.clone();
    let pinned = footbridge_engine::pinned(&store, &id).await?;
    let before = Before {
        configured: connection.organisation.clone(),
        pinned,
        chosen: broker.held(&id)?.organisation.map(|chosen| Pinned {
            id: chosen.id,
            name: chosen.name,
            test: chosen.test,
        }),
    };
    if connection.auth.needs_consent() {
        consent(&broker, connection, args, output).await?;
    } else {
        let scopes = broker.scopes(&id)?;
        tell(output, &guide::without_consent(connection, &scopes))?;
    }
    let proven = prove(&broker, config, connection, args, &before, output).await;
    let nothing_before = before.chosen.is_none();
    match proven {
        Ok(Proven::Kept(told)) => {
            match output {
                Output::Json => print_json(&told)?,
                Output::Text => show(&shown::words(&told))?,
            }
            Ok(Exit::Done)
        }
        Ok(Proven::InTheWay(mut told)) => {
            let back = give_back(&broker, connection, nothing_before).await;
            told.given_back = back;
            match output {
                Output::Json => print_json(&told)?,
                Output::Text => show(&shown::words(&told))?,
            }
            Ok(Exit::FarSide)
        }
        Err(error) => {
            give_back(&broker, connection, nothing_before).await;
            Err(error)
        }
    }
}

/// Whom a connection may be for, by all that was said before.
struct Before {
    /// By the configuration.
    configured: Option<String>,
    /// By what flows did with it.
    pinned: Option<Pinned>,
    /// By the last time it was connected.
    chosen: Option<Pinned>,
}

enum Proven {
    Kept(shown::Told),
    InTheWay(shown::Told),
}

/// A consent that isn't kept is given back, unless an older one stands that this would end too.
async fn give_back(broker: &Broker, connection: &Connection, nothing_before: bool) -> bool {
    connection.auth.needs_consent() && nothing_before && broker.give_back(&connection.name).await
}

/// Gets a person's consent and its tokens.
async fn consent(
    broker: &Broker,
    connection: &Connection,
    args: &args::Connect,
    output: Output,
) -> anyhow::Result<()> {
    let id = &connection.name;
    let request = Arc::new(broker.ask_consent(id)?);
    let scopes = broker.scopes(id)?;
    tell(output, &guide::with_consent(connection, &scopes))?;
    let code = if args.paste {
        tell(output, &guide::paste(&request))?;
        stoppable(paste::read(&request)).await?
    } else {
        let listener = listen::Listener::bind(connection.redirect_port()).await?;
        tell(output, &guide::open(&request))?;
        if !args.no_browser && std::io::stdout().is_terminal() {
            guide::open_browser(&request);
        }
        let patience = Duration::from_secs(args.wait_minutes.saturating_mul(60));
        stoppable(heard(listener, &request, patience)).await?
    };
    tell(output, "Exchanging the code.\n")?;
    Ok(broker.take_code(id, &request, code).await?)
}

async fn heard(
    listener: listen::Listener,
    request: &Arc<ConsentRequest>,
    patience: Duration,
) -> anyhow::Result<Code> {
    match tokio::time::timeout(patience, listener.callback(request)).await {
        Ok(code) => code,
        Err(_) => Err(UsageError(format!(
            "nobody answered the consent page within {}. Nothing was stored. Run the command again; where the browser is on another machine, add --paste",
            count(usize::try_from(patience.as_secs() / 60).unwrap_or(usize::MAX), "minute")
        ))
        .into()),
    }
}

/// Until it is done, or somebody presses Ctrl-C.
async fn stoppable<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::select! {
        done = work => done,
        stopped = tokio::signal::ctrl_c() => {
            stopped.context("waiting for Ctrl-C")?;
            anyhow::bail!("stopped. Nothing was stored")
        }
    }
}

/// Chooses, proves, keeps.
async fn prove(
    broker: &Broker,
    config: &Config,
    connection: &Connection,
    args: &args::Connect,
    before: &Before,
    output: Output,
) -> anyhow::Result<Proven> {
    let id = &connection.name;
    let reached = broker.reaches(id).await?;
    let wanted = choose::wanted(before, args.organisation.as_deref());
    let chosen: Reachable = choose::one(id, &reached, &wanted, output)?;
    broker.choose(id, &chosen)?;
    tell(output, "Looking whether it does what your flows need.\n")?;
    let preflight = broker.preflight(id, &needs(config, id)).await?;
    let held = broker.held(id)?;
    if let Some(now) = &held.organisation {
        choose::same(id, before, now)?;
    }
    let passed = preflight.passed();
    if passed {
        broker.keep(id).await?;
    }
    let told = shown::Told {
        connection: id.to_string(),
        connected: passed,
        given_back: false,
        organisation: held.organisation,
        consent: held.consent,
        preflight,
    };
    Ok(if passed {
        Proven::Kept(told)
    } else {
        Proven::InTheWay(told)
    })
}

/// What the flows need of a connection.
fn needs(config: &Config, id: &ConnectionId) -> Needs {
    let mut needs = Needs {
        approves: Approves::No,
        ..Needs::default()
    };
    for flow in config.flows.values() {
        if flow.source == id.as_str() {
            needs.reads.push(flow.deal.object.clone());
            let customers = &flow.customers;
            needs.reads.extend(customers.objects.iter().cloned());
            for field in customers.policy.iter().flat_map(|policy| policy.reads()) {
                let objects = customers.objects.iter();
                needs
                    .writes
                    .extend(objects.map(|object| (object.clone(), field.clone())));
            }
            if let Some(back) = &flow.write_back {
                let fields = [&back.id, &back.number, &back.link];
                let fields = fields.into_iter().flatten().cloned();
                needs
                    .writes
                    .extend(fields.map(|field| (flow.deal.object.clone(), field)));
            }
        }
        if flow.ledger == id.as_str()
            && flow.billing.status == footbridge_plan::policy::InvoiceStatus::Authorised
        {
            needs.approves = Approves::Yes;
        }
    }
    needs
}

/// For people while it goes on: on standard output, or beside the JSON.
fn tell(output: Output, text: &str) -> anyhow::Result<()> {
    match output {
        Output::Text => show(text),
        Output::Json => {
            aside(&typed::in_text(text));
            Ok(())
        }
    }
}
