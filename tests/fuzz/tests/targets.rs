//! Every target: each file of its corpus, random bytes, mutations of the corpus, and
//! the corpus itself.
#![expect(clippy::unwrap_used, reason = "tests")]

use bolero::check;
use twine_fuzz::{MAX_INPUT_BYTES, MUTATED_INPUTS, RANDOM_INPUTS, TARGETS, mutate, seeds};

macro_rules! targets {
    ($($name:ident: $run:path, $mutated:ident;)*) => {
        $(
            #[test]
            fn $name() {
                check!()
                    .with_iterations(RANDOM_INPUTS)
                    .with_max_len(MAX_INPUT_BYTES)
                    .for_each(|input: &[u8]| $run(input));
            }

            #[test]
            fn $mutated() {
                mutated(stringify!($name));
            }
        )*

        #[test]
        fn every_target_has_its_test() {
            let tested = [$(stringify!($name)),*];
            assert_eq!(TARGETS.map(|target| target.name), tested);
        }
    };
}

targets! {
    wire_frames: twine_fuzz::wire::frames, wire_frames_mutated;
    wire_content: twine_fuzz::wire::content, wire_content_mutated;
    control_messages: twine_fuzz::control::messages, control_messages_mutated;
    daemon_config: twine_fuzz::config::daemon, daemon_config_mutated;
    gateway_config: twine_fuzz::config::gateway, gateway_config_mutated;
    lab_scenario: twine_fuzz::scenario::lab, lab_scenario_mutated;
    engine_desk: twine_fuzz::engine::desk, engine_desk_mutated;
    gateway_core: twine_fuzz::gateway::core, gateway_core_mutated;
    sms_pdu: twine_fuzz::sms::pdu, sms_pdu_mutated;
}

/// Nothing is left to how the fuzzer finds its files: each is run, and one that panics is
/// named.
#[test]
fn every_file_of_the_corpus_is_run() {
    let mut wrong = Vec::new();
    for target in TARGETS {
        let corpus = seeds::committed(target.name).unwrap();
        assert!(!corpus.is_empty(), "{} has no corpus", target.name);
        for (name, input) in corpus {
            if std::panic::catch_unwind(|| (target.run)(&input)).is_err() {
                wrong.push(format!("{}/{name}", target.name));
            }
        }
    }
    assert!(wrong.is_empty(), "panics, above: {wrong:#?}");
}

/// `TWINE_FUZZ_MUTATIONS` asks for more than the usual number.
fn mutated(name: &str) {
    let count = std::env::var("TWINE_FUZZ_MUTATIONS")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(MUTATED_INPUTS);
    let target = TARGETS
        .into_iter()
        .find(|target| target.name == name)
        .unwrap();
    let corpus: Vec<_> = seeds::committed(name).unwrap().into_values().collect();
    mutate::each(&corpus, count, target.run);
}

#[test]
fn the_corpus_is_what_seed_corpus_writes() {
    for target in TARGETS {
        let wrong = seeds::differences(target.name, &(target.seeds)()).unwrap();
        assert!(
            wrong.is_empty(),
            "{wrong:#?}\ncargo run -p twine-fuzz --bin seed-corpus"
        );
    }
}
