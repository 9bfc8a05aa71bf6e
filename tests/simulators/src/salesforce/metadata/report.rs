//! Report folders and reports: kept as definitions and as the records that queries find.

use serde_json::{Value, json};

use super::definition::{list, required, text};
use super::{Kind, Site, id_of};

/// Creates or changes a folder; says whether it was there.
pub(super) fn apply_folder(
    site: &mut Site,
    name: &str,
    definition: &Value,
) -> Result<bool, String> {
    let label = required(definition, "name")?;
    let id = id_of(Kind::ReportFolder, name);
    let existed = site.store.live("Folder", &id).is_some();
    let access = text(definition, "accessType").unwrap_or_else(|| "Public".to_owned());
    let row = json!({"Name": label, "DeveloperName": name, "Type": "Report", "AccessType": access});
    site.put_row("Folder", &id, &row);
    Ok(existed)
}

/// Deletes an empty folder.
pub(super) fn remove_folder(site: &mut Site, name: &str) -> Result<bool, String> {
    let inside = format!("{name}/");
    if site
        .metadata
        .of(Kind::Report)
        .any(|(report, _)| report.starts_with(&inside))
    {
        return Err(format!("Cannot delete folder {name}: it is not empty"));
    }
    Ok(site.drop_row("Folder", &id_of(Kind::ReportFolder, name)))
}

/// Columns of every report on a custom object.
const COLUMNS: [&str; 7] = [
    "CUST_NAME",
    "CUST_ID",
    "CUST_CREATED_DATE",
    "CUST_CREATED_NAME",
    "CUST_LAST_UPDATE",
    "CUST_OWNER_NAME",
    "RowCount",
];

/// Creates or changes a report; says whether it was there.
pub(super) fn apply(site: &mut Site, full_name: &str, definition: &Value) -> Result<bool, String> {
    let (folder, name) = full_name
        .split_once('/')
        .ok_or_else(|| format!("{full_name} is not in a folder"))?;
    let folder_row = site
        .store
        .live("Folder", &id_of(Kind::ReportFolder, folder))
        .ok_or_else(|| format!("Cannot find folder:{folder}"))?;
    let folder_name = folder_row.text("Name").unwrap_or_default().to_owned();
    let label = required(definition, "name")?;
    if label.chars().count() > 40 {
        return Err(format!(
            "Report Name: data value too large: {label} (max length=40)"
        ));
    }
    let format = required(definition, "format")?;
    if !matches!(
        format.as_str(),
        "Tabular" | "Summary" | "Matrix" | "MultiBlock"
    ) {
        return Err(format!(
            "'{format}' is not a valid value for the enum 'ReportFormat'"
        ));
    }
    let kind = required(definition, "reportType")?;
    if let Some(object) = kind.strip_prefix("CustomEntity$") {
        let Some(object) = site
            .store
            .schema
            .object(object)
            .filter(|object| object.reports)
        else {
            return Err(format!("reportType: Invalid value specified: {kind}"));
        };
        let filters = definition
            .get("filter")
            .map(|filter| list(filter, "criteriaItems"))
            .unwrap_or_default();
        let named = list(definition, "columns")
            .into_iter()
            .chain(list(definition, "groupingsDown"))
            .chain(list(definition, "groupingsAcross"))
            .filter_map(|part| text(part, "field"))
            .chain(filters.into_iter().filter_map(|part| text(part, "column")));
        for column in named {
            let own = column
                .split_once(['.', '$'])
                .filter(|(of, _)| *of == object.name)
                .and_then(|(_, field)| object.field(field));
            if own.is_none() && !COLUMNS.contains(&column.as_str()) {
                return Err(format!("field: Invalid value specified: {column}"));
            }
        }
    }
    if format == "Summary" && list(definition, "groupingsDown").is_empty() {
        return Err("A summary report must have a grouping".to_owned());
    }
    let id = id_of(Kind::Report, full_name);
    let existed = site.store.live("Report", &id).is_some();
    let row = json!({
        "Name": label, "DeveloperName": name, "Description": text(definition, "description"), "FolderName": folder_name, "Format": format,
    });
    site.put_row("Report", &id, &row);
    Ok(existed)
}

pub(super) fn remove(site: &mut Site, full_name: &str) -> bool {
    site.drop_row("Report", &id_of(Kind::Report, full_name))
}
