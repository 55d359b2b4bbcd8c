//! What a run against a real engine says of the evidence of divergences: which were seen as written,
//! and which were not. Lists only; changing a file is a person's word.

use std::collections::{BTreeMap, BTreeSet};

use super::Report;
use crate::divergence::{Divergence, Evidence};
use crate::engine_id::Kind;
use crate::verdict::FindingKind;

/// What a run saw of divergences whose evidence is not yet `observed`, or is and was contradicted.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Promotion {
    /// Seen as written, and nowhere otherwise: these may say `observed`.
    pub seen: Vec<String>,
    /// Not as written somewhere, with the evidence that says so.
    pub contradicted: Vec<(String, Evidence)>,
}

/// What a report says of evidence; nothing where the candidate is not the engine itself.
pub fn promotion(report: &Report, divergences: &[Divergence]) -> Promotion {
    let mut promotion = Promotion::default();
    if !matches!(report.candidate.kind, Kind::Live | Kind::Container) {
        return promotion;
    }
    let mut found: BTreeMap<&str, BTreeSet<FindingKind>> = BTreeMap::new();
    for finding in report.verdicts.iter().flat_map(|case| &case.findings) {
        if let Some(id) = &finding.divergence {
            found.entry(id).or_default().insert(finding.finding);
        }
    }
    let own = divergences.iter().filter(|each| each.engine == report.candidate.identity);
    for divergence in own {
        let Some(kinds) = found.get(divergence.id.as_str()) else { continue };
        if kinds.iter().any(|kind| kind.fails()) {
            promotion.contradicted.push((divergence.id.clone(), divergence.evidence));
        } else if kinds.contains(&FindingKind::Known) && divergence.evidence != Evidence::Observed {
            promotion.seen.push(divergence.id.clone());
        }
    }
    promotion
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{CaseReport, Side};
    use crate::scenario::{ScenarioId, StepId};
    use crate::store::Store;
    use crate::verdict::{Finding, VerdictKind};

    #[test]
    fn only_the_engine_itself_says_something_of_evidence() {
        let loaded = Store::find(None, std::path::Path::new("."), None).unwrap().load().unwrap();
        let divergences = &loaded.suite.divergences;
        let mut own = divergences.iter().filter(|each| each.engine == "sdc-docker");
        let (seen, partly, unseen) = (own.next().unwrap(), own.next().unwrap(), own.next().unwrap());
        let finding = |divergence: &Divergence, finding| Finding {
            finding,
            divergence: Some(divergence.id.clone()),
            pin: None,
            step: StepId("s".to_owned()),
            at: "/status".to_owned(),
            reference: None,
            candidate: None,
            absent: Vec::new(),
            note: None,
        };
        let findings = vec![
            finding(seen, FindingKind::Known),
            finding(partly, FindingKind::Known),
            finding(partly, FindingKind::Fixed),
            finding(unseen, FindingKind::Unreached),
        ];
        let case = CaseReport {
            scenario: ScenarioId("a/b".to_owned()),
            api: "1.21".parse().unwrap(),
            verdict: VerdictKind::Fails,
            reason: None,
            findings,
            millis: None,
        };
        let side = |identity: &str, kind| Side {
            name: identity.to_owned(),
            identity: identity.to_owned(),
            kind,
            recorded_from: None,
            release: "1.0".parse().unwrap(),
        };
        let told = |kind| {
            let sides = (side("docker", Kind::Live), side("sdc-docker", kind));
            promotion(&Report::new(sides.0, sides.1, "default", vec![case.clone()]), divergences)
        };
        let expected = Promotion {
            seen: vec![seen.id.clone()],
            contradicted: vec![(partly.id.clone(), partly.evidence)],
        };
        assert_eq!(told(Kind::Live), expected);
        assert_eq!(told(Kind::Simulator), Promotion::default());
        assert_eq!(told(Kind::Recorded), Promotion::default());
    }
}
