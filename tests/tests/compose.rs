//! The compose file is a second description of production; this keeps it true to the binary and the design.

#![allow(clippy::unwrap_used)]

use std::process::Command;

use ensimbi_tests::{ensimbi_bin, repo_root};
use yaml_rust2::{Yaml, YamlLoader};

fn compose() -> Yaml {
    let text = std::fs::read_to_string(repo_root().join("docker-compose.yml")).unwrap();
    let mut documents = YamlLoader::load_from_str(&text).expect("docker-compose.yml is no YAML");
    assert_eq!(documents.len(), 1, "docker-compose.yml should be one document");
    documents.remove(0)
}

/// The words of a list.
fn strings(list: &Yaml) -> Vec<&str> {
    list.as_vec().map(|words| words.iter().filter_map(Yaml::as_str).collect()).unwrap_or_default()
}

/// Whether a service keeps this folder on a volume that the file declares.
fn keeps(compose: &Yaml, service: &str, folder: &str) -> bool {
    strings(&compose["services"][service]["volumes"]).iter().any(|mount| {
        let (volume, place) = mount.split_once(':').unwrap_or_default();
        place == folder
            && compose["volumes"].as_hash().is_some_and(|all| all.contains_key(&Yaml::String(volume.into())))
    })
}

fn version(image: &str) -> Vec<u32> {
    let tag = image.rsplit(':').next().unwrap_or_default().split('-').next().unwrap_or_default();
    tag.split('.').filter_map(|part| part.parse().ok()).collect()
}

/// What the binary says about a subcommand; fails when it has none of that name.
fn help(words: &[&str]) -> String {
    let output = Command::new(ensimbi_bin()).args(words).arg("--help").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "`ensimbi {} --help` fails: {}",
        words.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

/// The service of each real provider's simulator.
fn simulators() -> impl Iterator<Item = String> {
    let stages = ensimbi_connectors::providers::stages().iter().filter(|stage| stage.in_demo());
    stages.map(|stage| format!("simulator-{}", stage.provider()))
}

#[test]
fn the_services_of_production_are_all_there() {
    let compose = compose();
    for service in ["postgres", "nats", "ensimbi"].map(str::to_owned).into_iter().chain(simulators()) {
        let found = &compose["services"][service.as_str()];
        assert!(!found.is_badvalue(), "docker-compose.yml has no service `{service}`: add it");
    }
}

#[test]
fn the_database_is_new_enough_durable_and_waited_for() {
    let compose = compose();
    let database = &compose["services"]["postgres"];
    let image = database["image"].as_str().unwrap();
    assert!(image.starts_with("postgres:") && version(image) >= vec![15], "{image}: PostgreSQL 15 or newer is needed");
    assert!(!database["healthcheck"]["test"].is_badvalue(), "postgres needs a health check");
    assert!(
        keeps(&compose, "postgres", "/var/lib/postgresql/data"),
        "postgres must keep its data on a declared volume"
    );
    let waits = &compose["services"]["ensimbi"]["depends_on"]["postgres"]["condition"];
    assert_eq!(waits.as_str(), Some("service_healthy"), "ensimbi must wait for a healthy postgres");
    let text = format!("{:?}", strings(&database["command"]));
    assert!(!text.contains("fsync=off"), "the product refuses a database without fsync");
}

#[test]
fn the_bus_syncs_before_it_acknowledges_and_keeps_its_streams() {
    let compose = compose();
    let bus = &compose["services"]["nats"];
    let image = bus["image"].as_str().unwrap();
    assert!(
        image.starts_with("nats:") && version(image) >= vec![2, 10],
        "{image}: nats-server 2.10 or newer is needed"
    );
    let mount = &bus["configs"][0];
    let target = mount["target"].as_str().expect("nats needs its configuration mounted");
    assert!(strings(&bus["command"]).contains(&target), "the nats command should name {target}");
    let content = compose["configs"][mount["source"].as_str().unwrap()]["content"].as_str().expect("configs: content");
    let lines: Vec<&str> = content.lines().map(str::trim).collect();
    assert!(lines.contains(&"jetstream {"), "the nats configuration turns JetStream on");
    assert!(
        lines.contains(&"sync_interval: always"),
        "JetStream must sync before it acknowledges: sync_interval: always"
    );
    let store = lines.iter().find_map(|line| line.strip_prefix("store_dir: ")).expect("store_dir is missing");
    assert!(keeps(&compose, "nats", store), "JetStream's store_dir {store} must be on a declared volume");
}

#[test]
fn ensimbi_is_told_where_everything_is() {
    let compose = compose();
    let environment = &compose["services"]["ensimbi"]["environment"];
    let database = environment["ENSIMBI_DATABASE_URL"].as_str().expect("ENSIMBI_DATABASE_URL is missing");
    assert!(database.contains("@postgres:5432/"), "ENSIMBI_DATABASE_URL should lead to the service `postgres`");
    let bus = environment["ENSIMBI_NATS_URL"].as_str().expect("ENSIMBI_NATS_URL is missing");
    assert!(bus.ends_with("@nats:4222"), "ENSIMBI_NATS_URL should lead to the service `nats`");
    let key = environment["ENSIMBI_MASTER_KEY_FILE"].as_str().expect("ENSIMBI_MASTER_KEY_FILE is missing");
    let source = compose["services"]["ensimbi"]["secrets"][0]["source"].as_str().expect("the master key is a secret");
    assert_eq!(key, format!("/run/secrets/{source}"), "the master key's file should be the mounted secret");
    assert!(!compose["secrets"][source].is_badvalue(), "the secret `{source}` is not declared");
    assert!(keeps(&compose, "ensimbi", "/var/lib/ensimbi"), "ensimbi must keep its folder on a declared volume");
    for service in simulators() {
        assert!(keeps(&compose, &service, "/var/lib/ensimbi"), "{service} must keep its books on a volume");
    }
}

#[test]
fn the_commands_are_commands_of_the_binary() {
    let compose = compose();
    let simulated = simulators().map(|service| (service, "simulate"));
    for (service, command) in simulated.chain([("ensimbi".to_owned(), "serve")]) {
        let words = strings(&compose["services"][service.as_str()]["command"]);
        assert_eq!(words.first(), Some(&command), "{service} should run `ensimbi {command}`");
        assert!(
            help(&[]).lines().any(|line| line.split_whitespace().next() == Some(command)),
            "`ensimbi --help` lists no `{command}`: change docker-compose.yml or bring the command back"
        );
        let text = help(&[command]);
        for flag in words.iter().filter(|word| word.starts_with("--")) {
            assert!(text.contains(flag), "`ensimbi {command} --help` lists no {flag}: change docker-compose.yml");
        }
    }
}

#[test]
fn passwords_come_from_outside() {
    let text = std::fs::read_to_string(repo_root().join("docker-compose.yml")).unwrap();
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
        let lower = line.to_lowercase();
        if lower.contains("password") || lower.contains("://") && lower.contains('@') {
            assert!(line.contains(":?"), "write this as \"${{NAME:?set NAME in .env}}\": {line}");
        }
    }
}
