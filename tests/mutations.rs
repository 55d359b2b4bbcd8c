//! Proof that a difference is noticed: one thing of a committed answer is changed, in memory, and
//! the library's own compare and judge must find it at that place. `ci/mutations` does it 10,000
//! times, the test some hundred times.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test ends where it cannot go on; figures are said"
)]

#[path = "mutations/mutate.rs"]
mod mutate;
#[path = "mutations/pairs.rs"]
mod pairs;
#[path = "mutations/routes.rs"]
mod routes;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use divergence::divergence::Matcher;
use divergence::pointer::Pointer;
use divergence::scenario::StepId;
use divergence::verdict::{Finding, FindingKind, PinPlace};
use mutate::{Dice, Kind, is_token, mutate, put, sites};
use pairs::{Project, Spot, is_at, spots, without_ids};
use serde_json::Value;

/// How many mutations the test makes, and from which seed on.
const SOME: (u64, u64) = (500, 1);

/// Read once for both tests.
static PROJECT: LazyLock<Project> = LazyLock::new(Project::load);

/// What came of a mutation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// Found at its place, as this.
    Found(FindingKind),
    /// The rule that says that it means nothing.
    Volatile(String),
    /// The pin whose matcher takes it.
    Pinned(PinPlace),
    /// Nothing says anything.
    Missed,
}

/// Where a kind of mutation can happen.
type Sites = Vec<(Spot, Pointer)>;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

fn all_sites(project: &Project, known: &[Vec<Finding>]) -> BTreeMap<Kind, Sites> {
    let mut all: BTreeMap<Kind, Sites> = BTreeMap::new();
    for (spot, part) in spots(project, |pair| &pair.candidate) {
        for (kind, _) in Kind::ALL {
            let here = sites(kind, part).into_iter().map(|at| (spot, at));
            all.entry(kind).or_default().extend(here);
        }
        let step = &project.pairs[spot.pair].candidate.steps[spot.step].id;
        let fixable = all.entry(Kind::Fixed).or_default();
        fixable.extend(known_places(&known[spot.pair], step, &part.name).map(|at| (spot, at)));
    }
    all
}

/// The places of known findings within one exchange.
fn known_places<'f>(
    findings: &'f [Finding],
    step: &'f StepId,
    part: &'f str,
) -> impl Iterator<Item = Pointer> + 'f {
    let here = findings.iter().filter(move |each| each.finding == FindingKind::Known && each.step == *step);
    here.filter_map(move |each| {
        let within =
            if part.is_empty() { Some(each.at.as_str()) } else { each.at.strip_prefix(&format!("/{part}")) };
        Pointer::parse(within?).ok()
    })
}

/// One mutation of the candidate's answer; none when nothing was changed.
fn outcome(
    project: &Project,
    kind: Kind,
    spot: Spot,
    at: &Pointer,
    dice: &mut Dice,
) -> Option<(Outcome, Pointer)> {
    let pair = &project.pairs[spot.pair];
    let mut candidate = pair.candidate.clone();
    let part = &mut candidate.steps[spot.step].parts[spot.part];
    let before = at.find(&part.tree).cloned();
    let place = match kind {
        Kind::Fixed => {
            let ours = pair.reference.step(&candidate.steps[spot.step].id)?;
            let part = &mut candidate.steps[spot.step].parts[spot.part];
            let ours = at.find(&ours.part(&part.name)?.tree).cloned();
            // Ids are told by where they stand: those of the other side say nothing here.
            if ours.as_ref().is_some_and(|value| value.to_string().contains("<id of ")) {
                return None;
            }
            // A list that loses an element is another list.
            if ours.is_none() && at.segments().last()?.parse::<usize>().is_ok() {
                return None;
            }
            put(&mut part.tree, at, ours);
            at.clone()
        }
        _ => mutate(kind, &mut part.tree, at, dice)?,
    };
    if !project.compares(spot.pair, &candidate, spot, &place) {
        return None;
    }
    let rule = hide(project, kind, &mut candidate.steps[spot.step].parts[spot.part], &place, before.as_ref());
    if let Some(rule) = rule {
        return Some((Outcome::Volatile(rule), place));
    }
    if candidate == pair.candidate {
        return None;
    }
    let findings = project.findings(spot.pair, &pair.reference, &candidate);
    let here: Vec<&Finding> = findings.iter().filter(|each| is_at(each, &candidate, spot, &place)).collect();
    if let Some(found) = here.iter().map(|each| each.finding).filter(|kind| kind.fails()).min() {
        return Some((Outcome::Found(found), place));
    }
    // Another id is found where that id stands once more; where it stands once, it says nothing.
    let after = place.find(&candidate.steps[spot.step].parts[spot.part].tree);
    let texts = [before.as_ref(), after].map(|value| value.and_then(Value::as_str).unwrap_or_default());
    if texts[0] != texts[1] && without_ids(texts[0]) == without_ids(texts[1]) {
        let elsewhere = findings.iter().map(|each| each.finding).filter(|kind| kind.fails()).min();
        let once = Outcome::Volatile("an id that stands once".to_owned());
        return Some((elsewhere.map_or(once, Outcome::Found), place));
    }
    // Within a pin only where its matcher takes more than one value.
    let takes = |pin: &&PinPlace| {
        let found = project.observation(pin).map(|observation| &observation.candidate);
        found.is_some_and(|matcher| !matches!(matcher, Matcher::Is(_) | Matcher::Absent))
    };
    let pin = here.iter().filter_map(|each| each.pin.as_ref()).find(takes);
    Some((pin.map_or(Outcome::Missed, |pin| Outcome::Pinned(pin.clone())), place))
}

/// What normalising does to the changed value; the rule when nothing of the change is left.
fn hide(
    project: &Project,
    kind: Kind,
    part: &mut divergence::snapshot::Part,
    at: &Pointer,
    before: Option<&Value>,
) -> Option<String> {
    let (rules, route) = (&project.loaded.rules, part.route.clone());
    let changed = at.find(&part.tree)?.clone();
    if kind == Kind::Reordered && before != Some(&changed) {
        return rules.leaves_order(route.as_ref(), at).map(|rule| format!("{rule}: in any order"));
    }
    if let Some((rule, token)) = rules.hides(route.as_ref(), at, &changed) {
        put(&mut part.tree, at, Some(token.clone()));
        return (before == Some(&token)).then(|| format!("{rule}: {token}"));
    }
    // A view hides as well: the numbers and times of a row of ps.
    let is_cell = at.segments().iter().any(|segment| segment == "processes");
    let token = before.filter(|before| is_cell && is_token(before))?;
    (!matches!(changed, Value::Null) && mutate::is_raw_of(token, &changed))
        .then(|| format!("view of processes: {token}"))
}

/// Makes so many mutations; the figures, and what was missed.
fn run(project: &Project, count: u64, seed: u64) -> Figures {
    let known: Vec<Vec<Finding>> = project
        .pairs
        .iter()
        .enumerate()
        .map(|(at, pair)| project.findings(at, &pair.reference, &pair.candidate))
        .collect();
    let unexplained: usize = known.iter().flatten().filter(|finding| finding.finding.fails()).count();
    assert_eq!(unexplained, 0, "nothing is mutated, and something is found");
    let sites = all_sites(project, &known);
    let mut figures = Figures::default();
    for nth in 0..count {
        let mut dice = Dice(seed.wrapping_add(nth).wrapping_mul(0x2545_f491_4f6c_dd1d));
        // Few places can be changed to what they are: other dice, or another place.
        let done = (0..50).find_map(|_| {
            let (kind, word) = Kind::ALL[dice.below(Kind::ALL.len())];
            let all = &sites[&kind];
            let (spot, at) = all.get(dice.below(all.len()))?;
            outcome(project, kind, *spot, at, &mut dice).map(|(outcome, place)| (word, *spot, place, outcome))
        });
        let (word, spot, place, outcome) = done.unwrap();
        let snapshot = &project.pairs[spot.pair].candidate;
        let pins = known[spot.pair].iter().filter(|each| is_at(each, snapshot, spot, &place));
        for pin in pins.filter_map(|each| each.pin.as_ref()) {
            *figures.tried.entry(pin.clone()).or_default() += 1;
        }
        // What is as the reference answers must be told so.
        let is_missed = outcome == Outcome::Missed
            || (word == "as the reference" && outcome != Outcome::Found(FindingKind::Fixed));
        if is_missed {
            let step = &snapshot.steps[spot.step];
            figures.missed.push(format!(
                "seed {}: {word}: {} {}{}{place}: {outcome:?}",
                seed.wrapping_add(nth),
                snapshot.case,
                step.id,
                if step.parts[spot.part].name.is_empty() {
                    String::new()
                } else {
                    format!("/{}", step.parts[spot.part].name)
                },
            ));
        }
        *figures.counts.entry(word).or_default().entry(outcome).or_default() += 1;
    }
    figures
}

/// What all mutations came to.
#[derive(Default)]
struct Figures {
    counts: BTreeMap<&'static str, BTreeMap<Outcome, usize>>,
    /// How many mutations lay at each pin.
    tried: BTreeMap<PinPlace, usize>,
    missed: Vec<String>,
}

impl Figures {
    fn tell(&self, project: &Project) {
        println!(
            "{:22} {:>6} {:>8} {:>6} {:>9} {:>7} {:>7}",
            "", "new", "drifted", "fixed", "volatile", "pinned", "missed"
        );
        let columns: [fn(&Outcome) -> bool; 6] = [
            |each| matches!(each, Outcome::Found(FindingKind::New)),
            |each| matches!(each, Outcome::Found(FindingKind::Drifted)),
            |each| matches!(each, Outcome::Found(FindingKind::Fixed)),
            |each| matches!(each, Outcome::Volatile(_)),
            |each| matches!(each, Outcome::Pinned(_)),
            |each| matches!(each, Outcome::Missed),
        ];
        for (_, word) in Kind::ALL {
            let Some(counts) = self.counts.get(word) else {
                println!("{word:22} nowhere to be made");
                continue;
            };
            let sum = |is: fn(&Outcome) -> bool| -> usize {
                counts.iter().filter(|(outcome, _)| is(outcome)).map(|(_, count)| count).sum()
            };
            let [new, drifted, fixed, volatile, pinned, missed] = columns.map(sum);
            println!("{word:22} {new:>6} {drifted:>8} {fixed:>6} {volatile:>9} {pinned:>7} {missed:>7}");
        }
        let mut by_rule: BTreeMap<&str, usize> = BTreeMap::new();
        let mut by_pin: BTreeMap<&PinPlace, usize> = BTreeMap::new();
        for (outcome, count) in self.counts.values().flatten() {
            match outcome {
                Outcome::Volatile(rule) => *by_rule.entry(rule).or_default() += count,
                Outcome::Pinned(pin) => *by_pin.entry(pin).or_default() += count,
                Outcome::Found(_) | Outcome::Missed => {}
            }
        }
        println!("\nvolatile, by rule:");
        sorted(&by_rule).into_iter().for_each(|(rule, count)| println!("{count:>6}  {rule}"));
        println!("\nwithin a pin's matcher, of all that were made there:");
        for (pin, count) in sorted(&by_pin) {
            let all = self.tried.get(pin).copied().unwrap_or(count);
            println!("{count:>6} of {all:<5} {pin}: {}", told(project, pin));
        }
        self.missed.iter().for_each(|line| println!("missed  {line}"));
    }

    fn total(&self, is: fn(&Outcome) -> bool) -> usize {
        self.counts.values().flatten().filter(|(outcome, _)| is(outcome)).map(|(_, count)| count).sum()
    }
}

fn sorted<'m, T: Ord + ?Sized>(counts: &BTreeMap<&'m T, usize>) -> Vec<(&'m T, usize)> {
    let mut sorted: Vec<(&T, usize)> = counts.iter().map(|(name, count)| (*name, *count)).collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    sorted
}

/// What a pin says of the candidate.
fn told(project: &Project, pin: &PinPlace) -> String {
    project.observation(pin).map_or_else(String::new, |each| format!("{} {}", each.at, each.candidate))
}

#[test]
fn every_mutation_is_found_at_its_place() {
    let (count, seed) = (number("DIVERGENCE_MUTATIONS", SOME.0), number("DIVERGENCE_SEED", SOME.1));
    let project = &*PROJECT;
    println!("\n{count} mutations from seed {seed} on");
    let figures = run(project, count, seed);
    figures.tell(project);
    println!(
        "{count} mutations: {} found, {} volatile, {} within a pin, {} missed",
        figures.total(|each| matches!(each, Outcome::Found(_))),
        figures.total(|each| matches!(each, Outcome::Volatile(_))),
        figures.total(|each| matches!(each, Outcome::Pinned(_))),
        figures.missed.len()
    );
    assert_eq!(figures.missed, [""; 0]);
}

#[test]
fn some_scenario_notices_for_every_route_what_goes_wrong_with_the_reference() {
    let project = &*PROJECT;
    let routes = routes::notice(project, number("DIVERGENCE_SEED", SOME.1));
    println!();
    for (route, noticed) in &routes {
        let told: Vec<String> =
            noticed.by_kind.iter().map(|(kind, (seen, all))| format!("{kind} {seen}/{all}")).collect();
        let whole = if noticed.whole { "" } else { "; never compared in whole" };
        println!("{route}: {}{whole}", told.join(", "));
    }
    let in_part = routes.values().filter(|noticed| !noticed.whole).count();
    println!("{} routes; of {in_part} no scenario compares all that an answer holds", routes.len());
    assert_eq!(routes::unnoticed(&routes), [""; 0]);
}
