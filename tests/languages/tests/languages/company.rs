//! All accounts and deals of the believable company, as the Salesforce connector reports them over HTTP.

use crate::support::{Record, install_one};
use chrono::Utc;
use footbridge_model::id::ConnectionId;
use footbridge_model::plugin::{FeedRequest, TransformDescription};
use footbridge_sandbox::{
    Broker, BrokerOptions, Connection, InstallationKey, Provider, Sandbox, Secret, SecretSource,
    SystemClock,
};
use footbridge_simulators::clock::SimClock;
use footbridge_simulators::company::{CompanyOptions, USUAL_DEALS, build};
use footbridge_simulators::salesforce::SalesforceSimulator;
use footbridge_simulators::xero::XeroSimulator;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// The records with the fields that the mapping reads, and no others, as for a sync.
pub(crate) async fn records(sandbox: &Sandbox, wanted: &TransformDescription) -> Vec<Record> {
    let company = build(CompanyOptions {
        deals: USUAL_DEALS,
        seed: 7,
        as_of: Utc::now(),
    });
    let clock = SimClock::system();
    let options = company.salesforce_options();
    let (client, secret) = (options.client_id.clone(), options.client_secret.clone());
    let salesforce = SalesforceSimulator::new(options, clock.clone());
    let xero = XeroSimulator::new(company.xero_options(), clock);
    company.seed_into(&salesforce, &xero).unwrap();
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let server = salesforce.serve(any).await.unwrap();

    let secret = SecretSource::Given(Secret::new(secret));
    let mut connection = Connection::new("salesforce", Provider::Salesforce, client, secret);
    connection.base_url = Some(server.base_url.clone());
    let options = BrokerOptions {
        key: InstallationKey::random(),
        tokens: None,
        clock: Arc::new(SystemClock),
        audit: None,
    };
    let broker = Broker::new(vec![connection], options).unwrap();
    let connector = footbridge_bundle::SALESFORCE;
    let connector = install_one(sandbox, connector.name, connector.bytes.to_vec()).await;
    let connection = ConnectionId::new("salesforce");
    let connector = sandbox.connector(&connector, &broker, &connection, None);
    let connector = connector.unwrap();

    let mut records = Vec::new();
    for (object, fields) in &wanted.reads {
        let mut cursor = None;
        loop {
            let request = FeedRequest {
                object: object.clone(),
                cursor,
                limit: 1000,
                fields: fields.clone(),
            };
            let (page, _) = connector.read_changes(request).await.unwrap();
            let items = page.items.into_iter();
            records.extend(items.map(|item| (item.object, item.id, item.doc)));
            if page.complete {
                break;
            }
            cursor = page.next;
        }
    }
    records
}
