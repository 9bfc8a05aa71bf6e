//! How much an honest plugin notices of four hostile ones: its calls alone, then beside them, in turns within one run.
//!
//! Prints the median and the 99th percentile of each kind of call, and how they compare. Ends with an error where the 99th
//! percentile beside the others is more than three times that alone. Arguments: calls of each kind in a round (500), and
//! rounds (4).

#[path = "../tests/hostile/far.rs"]
#[expect(dead_code, reason = "the tests look at more of it")]
mod far;
#[path = "../tests/hostile/support.rs"]
#[expect(dead_code, reason = "the tests look at more of it")]
mod support;

use footbridge_engine::ports::{Connector, Transform};
use footbridge_model::id::ConnectionId;
use footbridge_model::plugin::TransformBatch;
use footbridge_sandbox::{Face, Limits};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{Bench, Outcome, ask, ask_at, now};

/// What the four do, over and over.
const DEEDS: [&str; 4] = ["loop", "copy", "random flood", "work and rest"];
const QUESTION: &str = r#"{"service":"accounting","path":"/Contacts"}"#;

struct Honest {
    connector: Arc<dyn Connector>,
    transform: Arc<dyn Transform>,
    batch: TransformBatch,
}

#[derive(Clone, Copy)]
enum Work {
    Pure,
    Read,
    Batch,
}

impl Work {
    const ALL: [Self; 3] = [Self::Pure, Self::Read, Self::Batch];

    fn name(self) -> &'static str {
        match self {
            Self::Pure => "a call that reaches nothing",
            Self::Read => "a read through the broker",
            Self::Batch => "a batch of 500 records",
        }
    }
}

impl Honest {
    async fn call(&self, work: Work) -> Outcome<()> {
        match work {
            Work::Pure => drop(self.connector.describe().await?),
            Work::Read => drop(ask_at(&self.connector, "first", Some(QUESTION)).await?),
            Work::Batch => drop(self.transform.apply(self.batch.clone()).await?),
        }
        Ok(())
    }

    async fn times(&self, work: Work, calls: usize) -> Outcome<Vec<Duration>> {
        let mut times = Vec::with_capacity(calls);
        for _ in 0..calls {
            let began = Instant::now();
            self.call(work).await?;
            times.push(began.elapsed());
        }
        Ok(times)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match measure().await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn measure() -> Outcome<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    let calls = arguments.next().map_or(Ok(500), |text| text.parse())?;
    let rounds: usize = arguments.next().map_or(Ok(4), |text| text.parse())?;
    let bench = Bench::new(Limits {
        // They are stopped and come again, and none is kept from it.
        strikes: u32::MAX,
        ..Limits::default()
    })?;
    let far = far::far(vec![Face::WasiHttp]).await?;
    let fetcher = bench.install("honest", footbridge_hostile::FETCHER).await?;
    let connection = ConnectionId::new("xero");
    let input = |n: usize| ("Opportunity".to_owned(), n.to_string(), "{}".to_owned());
    let honest = Honest {
        connector: bench
            .sandbox
            .connector(&fetcher, &far.broker, &connection, None)?,
        transform: bench.transform().await?,
        batch: TransformBatch {
            settings: "honest".to_owned(),
            as_of: "2026-11-22T10:00:00Z".to_owned(),
            local_date: "2026-11-22".to_owned(),
            inputs: (0..500).map(input).collect(),
        },
    };
    let mut hostile = Vec::new();
    for (deed, mark) in DEEDS.into_iter().zip(b'a'..) {
        let mut component = std::fs::read(footbridge_hostile::CONNECTOR)?;
        // Something at its end that changes its digest and nothing else: four plugins, not one.
        component.extend([0, 3, 1, b'm', mark]);
        let name = format!("hostile-{}", char::from(mark));
        let installed = bench.sandbox.install(&name, component, now()).await?;
        let connection = ConnectionId::new("second");
        let connector = bench
            .sandbox
            .connector(&installed, &far.broker, &connection, None)?;
        hostile.push((deed, connector));
    }
    let mut figures = Work::ALL.map(|work| (work, Vec::new(), Vec::new()));
    for (work, ..) in &figures {
        honest.times(*work, 20).await?;
    }
    for _ in 0..rounds {
        for (work, alone, _) in &mut figures {
            alone.extend(honest.times(*work, calls).await?);
        }
        let others: Vec<_> = hostile
            .iter()
            .map(|(deed, connector)| {
                let (deed, connector) = (*deed, connector.clone());
                tokio::spawn(async move {
                    loop {
                        let _ = ask(&connector, deed).await;
                    }
                })
            })
            .collect();
        // Until each is at it.
        tokio::time::sleep(Duration::from_millis(300)).await;
        for (work, _, beside) in &mut figures {
            beside.extend(honest.times(*work, calls).await?);
        }
        for other in others {
            other.abort();
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    println!("{calls} calls of each kind in each of {rounds} rounds; beside {DEEDS:?}");
    let mut within = true;
    for (work, alone, beside) in figures {
        let ([alone_median, alone_p99], [median, p99]) = (percentiles(alone), percentiles(beside));
        let hundredths = p99.as_micros() * 100 / alone_p99.as_micros().max(1);
        within &= hundredths <= 300;
        println!(
            "{:<28} alone: median {alone_median:>9.1?} p99 {alone_p99:>9.1?}   beside: median {median:>9.1?} p99 {p99:>9.1?}   p99 ratio {}.{:02}",
            work.name(),
            hundredths / 100,
            hundredths % 100
        );
    }
    Ok(match within {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn percentiles(mut times: Vec<Duration>) -> [Duration; 2] {
    times.sort_unstable();
    [50, 99].map(|percent| {
        let at = times.len() * percent / 100;
        times
            .get(at.min(times.len().saturating_sub(1)))
            .copied()
            .unwrap_or_default()
    })
}
