//! The defects that would hurt the books most are noticed by these tests.

use footbridge_simulators::xero::Defect;

use super::seeded::is_caught;

#[test]
fn a_simulator_that_is_wrong_about_money_or_keys_is_noticed() {
    for (defect, test) in [
        (
            Defect::HalfEvenTax,
            "books::tax_is_rounded_half_up_and_per_line",
        ),
        (
            Defect::TaxOnTheSum,
            "invoices::the_recorded_invoice_comes_out_to_the_cent",
        ),
        (
            Defect::DuplicateNumberAccepted,
            "invoices::receivable_numbers_are_unique_and_found_again",
        ),
        (
            Defect::PeriodLockIgnored,
            "invoices::locked_periods_take_no_postings",
        ),
        (
            Defect::KeyIgnored,
            "faults::a_key_replays_its_answer_for_six_minutes",
        ),
        (
            Defect::DuplicateNameAccepted,
            "contacts::names_are_unique_among_active_contacts_whatever_the_case",
        ),
        (
            Defect::OmittedLinesKept,
            "invoices::lines_that_are_left_out_are_deleted",
        ),
    ] {
        is_caught(defect, test);
    }
}
