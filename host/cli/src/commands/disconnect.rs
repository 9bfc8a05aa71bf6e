//! `footbridge disconnect`: gives an account's tokens back and removes them here.

use crate::args;
use crate::commands::{Output, print_json, show};
use crate::compose;
use crate::config::Config;
use crate::exit::Exit;
use crate::render::{safe, wrapped};
use footbridge_engine::ports::Clock;
use footbridge_sandbox::{Ending, SystemClock};
use serde_json::json;
use std::sync::Arc;

pub(crate) async fn run(
    config: &Config,
    args: &args::Disconnect,
    output: Output,
) -> anyhow::Result<Exit> {
    let connection = config.connection(&args.connection)?;
    // Nobody else may use the tokens meanwhile.
    let _store = compose::store(config)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let broker = compose::broker(config, &clock)?;
    let ending = if args.local {
        Ending::Here
    } else {
        Ending::There
    };
    let told = broker.disconnect(&connection.name, ending).await?;
    match output {
        Output::Json => print_json(&json!({
            "connection": connection.name, "done": told.done, "remains": told.remains,
        }))?,
        Output::Text => {
            let mut text = String::new();
            for (mark, lines) in [("done   ", &told.done), ("remains", &told.remains)] {
                for line in lines {
                    let line = wrapped(&safe(line, 400), 9);
                    text.push_str(&format!("{mark}  {}", line.trim_start()));
                }
            }
            show(&text)?;
        }
    }
    Ok(Exit::Done)
}
