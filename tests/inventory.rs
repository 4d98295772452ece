//! The inventory: what a good file means, and how every bad one is answered.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's helpers fail by panicking"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use breakglass::facts::{NodeName, Role};
use breakglass::inventory::{
    Diagnostics, Inventory, Login, MAX_BYTES, Node, PasswordFrom, Server, Sql, Ssh, Tls, Transport, parse,
    parse_bytes,
};
use proptest::prelude::*;

const EXAMPLE: &str = include_str!("../assets/inventory.example.toml");
const README: &str = include_str!("../README.md");

fn malformed() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inventory");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// What every answer owes: the file's name, and no character a terminal would obey.
fn assert_fit_to_show(errors: &Diagnostics, file: &str) {
    let text = errors.to_string();
    assert!(text.contains(file), "no file name in: {text}");
    assert!(errors.count() >= 1);
    let bad = text
        .chars()
        .find(|c| *c != '\n' && breakglass::facts::Plain::new(c.to_string()).as_str() != c.to_string());
    assert_eq!(bad, None, "in: {text:?}");
}

#[test]
fn every_malformed_file_is_answered_as_expected() {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let files = malformed();
    assert!(files.len() >= 20);
    for path in files {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let errors = parse_bytes("inventory.toml", &fs::read(&path).unwrap()).expect_err(&name);
        assert_fit_to_show(&errors, "inventory.toml");
        assert!(!errors.to_string().contains("hunter2"), "{errors}");
        settings.bind(|| insta::assert_snapshot!(format!("inventory_{name}"), errors.to_string()));
    }
}

#[test]
fn every_expected_answer_has_its_file() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    let names: BTreeSet<String> = malformed()
        .iter()
        .map(|path| format!("inventory_{}.snap", path.file_stem().unwrap().display()))
        .collect();
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(!name.starts_with("inventory_") || names.contains(&name), "{name} belongs to no file");
    }
}

fn ssh(destination: &str, alias: bool) -> Ssh {
    Ssh {
        destination: destination.into(),
        alias,
        port: None,
        user: None,
        key: None,
        host_key: None,
        known_hosts: None,
    }
}

fn good(text: &str) -> Inventory {
    parse("inventory.toml", text).unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn the_example_is_read_as_it_says() {
    let inventory = good(EXAMPLE);
    let names: Vec<&str> = inventory.clusters.iter().map(|cluster| cluster.name.as_str()).collect();
    assert_eq!(names, ["shop", "ledger", "pods"]);

    let shop = &inventory.cluster("shop").unwrap().nodes;
    assert_eq!(
        shop[0],
        Node {
            name: NodeName::new("g1").unwrap(),
            role: Role::Data,
            transport: Transport::Ssh(ssh("db1", true)),
            sudo: false,
            sql: Sql::Probe,
            server: Server::default(),
        }
    );
    assert_eq!((shop[3].role, &shop[3].sql), (Role::Arbitrator, &Sql::None));

    let ledger = &inventory.cluster("ledger").unwrap().nodes;
    let login =
        Login { user: "breakglass".into(), password: Some(PasswordFrom::Env("LEDGER_PASSWORD".into())) };
    assert_eq!(
        ledger[0],
        Node {
            name: NodeName::new("l1").unwrap(),
            role: Role::Data,
            transport: Transport::Ssh(Ssh {
                port: Some(2222),
                user: Some("ops".into()),
                key: Some("~/.ssh/id_breakglass".into()),
                host_key: Some("SHA256:uNiVztksCsDhcc0u9e8BrmyPQ3gDbO0t5Kqs9qhDZOM".into()),
                known_hosts: Some("/etc/breakglass/known_hosts".into()),
                ..ssh("10.0.0.1", false)
            }),
            sudo: true,
            sql: Sql::Socket { path: Some("/run/mysqld/mysqld.sock".into()), login: login.clone() },
            server: Server {
                unit: Some("mariadb.service".into()),
                datadir: Some("/var/lib/mysql".into()),
                user: Some("mysql".into()),
                binary: Some("/usr/sbin/mariadbd".into()),
                backup: Some("/srv/backup".into()),
            },
        }
    );
    assert_eq!(ledger[1].server.datadir.as_deref(), Some("/srv/mysql"));
    assert_eq!(
        ledger[2].sql,
        Sql::Tcp {
            host: Some("db3.ledger.internal".into()),
            port: 3306,
            login,
            tls: Tls::Verify { ca: Some("/etc/breakglass/ledger-ca.pem".into()) },
        }
    );

    let pods = &inventory.cluster("pods").unwrap().nodes;
    let Transport::Command(words) = &pods[0].transport else { panic!("{:?}", pods[0]) };
    assert_eq!(words.join(" "), "kubectl exec -i shop-0 -c mariadb -- sh -s");
    assert!(!pods[0].sudo);
}

/// The blocks of README.md in that language.
fn fenced(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    let blocks = README.split(&fence).skip(1);
    blocks.map(|block| block.split("```").next().unwrap()).collect()
}

#[test]
fn the_readme_shows_an_inventory_that_is_read() {
    let blocks = fenced("toml");
    assert_eq!(blocks.len(), 1);
    let inventory = good(blocks[0]);
    assert_eq!(inventory.clusters[0].nodes.len(), 3);
    assert!(inventory.clusters[0].nodes.iter().all(|node| node.sudo));
}

#[test]
fn the_readme_shows_an_answer_that_is_given() {
    let shown = fenced("text").concat();
    let answers = include_str!("snapshots/inventory_unknown_keys.snap");
    assert!(answers.contains(shown.trim_end()), "{answers}");
}

/// A cluster of one node `g1`, with more keys of the cluster before it and of the node in it.
fn one(cluster: &str, node: &str) -> Node {
    let text = format!(
        "format = \"breakglass.inventory/1\"\n[[cluster]]\nname = \"shop\"\nfamily = \"galera\"\n{cluster}\n\
         [[cluster.node]]\nname = \"g1\"\n{node}\n"
    );
    good(&text).clusters.remove(0).nodes.remove(0)
}

#[test]
fn sql_follows_from_what_is_said() {
    let login = |password| Login { user: "u".into(), password };
    let socket =
        |path: Option<&str>, password| Sql::Socket { path: path.map(Into::into), login: login(password) };
    assert_eq!(one("", "ssh = \"db1\"").sql, Sql::Probe);
    assert_eq!(one("", "ssh = \"db1\"\n[cluster.node.sql]").sql, Sql::Probe);
    assert_eq!(one("", "ssh = \"db1\"\nsql.user = \"u\"").sql, socket(None, None));
    assert_eq!(
        one("", "ssh = \"db1\"\nsql = { user = \"u\", password = \"prompt\" }").sql,
        socket(None, Some(PasswordFrom::Prompt))
    );
    // A node's key wins over the defaults' key by key, and what belongs to another way is not applied.
    let defaults = "[cluster.defaults.sql]\nuser = \"u\"\npassword = \"prompt\"\nsocket = \"/run/x.sock\"";
    assert_eq!(
        one(defaults, "ssh = \"db1\"\nsql.socket = \"/run/y.sock\"").sql,
        socket(Some("/run/y.sock"), Some(PasswordFrom::Prompt))
    );
    assert_eq!(one(defaults, "ssh = \"db1\"\nsql.via = \"probe\"").sql, Sql::Probe);
    assert_eq!(one(defaults, "ssh = \"db1\"\nsql.via = \"none\"").sql, Sql::None);
    assert_eq!(
        one(defaults, "ssh = \"db1\"\nsql = { via = \"tcp\", tls = \"accept-invalid\" }").sql,
        Sql::Tcp {
            host: None,
            port: 3306,
            login: login(Some(PasswordFrom::Prompt)),
            tls: Tls::AcceptInvalid
        }
    );
}

#[test]
fn a_node_may_turn_off_the_certificate_its_cluster_verifies() {
    let defaults = "[cluster.defaults.sql]\nvia = \"tcp\"\nuser = \"u\"\nca = \"/ca.pem\"";
    let Sql::Tcp { tls, .. } = one(defaults, "ssh = \"db1\"\nsql.tls = \"off\"").sql else { panic!() };
    assert_eq!(tls, Tls::Off);
}

#[test]
fn defaults_of_ssh_do_not_apply_to_a_command() {
    let defaults = "[cluster.defaults]\nuser = \"ops\"\nport = 2222\nbecome = true\nunit = \"x.service\"";
    let node =
        one(defaults, "via = [\"docker\", \"exec\", \"-i\", \"db\", \"/bin/sh\", \"-s\"]\nbecome = false");
    assert!(!node.sudo);
    assert_eq!(node.server.unit.as_deref(), Some("x.service"));
    assert_eq!(node.sql, Sql::Probe);
}

#[test]
fn line_ends_and_byte_order_marks_of_other_systems_are_fine() {
    let text = format!("\u{feff}{}", EXAMPLE.replace('\n', "\r\n"));
    assert_eq!(good(&text), good(EXAMPLE));
    assert_eq!(parse_bytes("inventory.toml", text.as_bytes()).unwrap(), good(EXAMPLE));
}

#[test]
fn two_services_of_one_host_are_two_servers() {
    let node = |name: &str| {
        format!("[[cluster.node]]\nname = \"g{name}\"\nssh = \"db1\"\nunit = \"mariadb@{name}.service\"\n")
    };
    let text = format!(
        "format = \"breakglass.inventory/1\"\n[[cluster]]\nname = \"shop\"\nfamily = \"galera\"\n{}{}",
        node("1"),
        node("2")
    );
    assert_eq!(good(&text).clusters[0].nodes.len(), 2);
}

#[test]
fn a_file_beyond_any_inventory_is_refused_unread() {
    for text in [" ".repeat(MAX_BYTES + 1), format!("{EXAMPLE}{}", "#".repeat(MAX_BYTES))] {
        let errors = parse_bytes("inventory.toml", text.as_bytes()).unwrap_err();
        assert_fit_to_show(&errors, "inventory.toml");
        assert!(errors.to_string().contains("larger than 1 MiB"), "{errors}");
        assert_eq!(parse("inventory.toml", &text).unwrap_err().to_string(), errors.to_string());
    }
}

#[test]
fn large_hostile_files_end_soon() {
    let half = MAX_BYTES / 2;
    for text in [
        "[".repeat(half),
        format!("{}=1", "a.".repeat(half / 2)),
        "password = ".repeat(half / 11),
        "\u{1b}".repeat(half),
        "a = 1\n".repeat(half / 6),
        (0..half / 10).map(|n| format!("k{n}=1")).collect::<Vec<_>>().join("\n"),
        format!("format = \"breakglass.inventory/1\"\n{}", "[[cluster]]\n".repeat(half / 12)),
        format!(
            "format = \"breakglass.inventory/1\"\n[[cluster]]\nname = \"a\"\nfamily = \"galera\"\n{}",
            "[[cluster.node]]\nname = \"a\"\nssh=\"b\"\n".repeat(half / 40)
        ),
    ] {
        assert_fit_to_show(&parse("inventory.toml", &text).unwrap_err(), "inventory.toml");
    }
}

#[test]
fn the_file_name_is_made_plain_too() {
    let errors = parse("inv\u{1b}[31m\n.toml", "x = 1").unwrap_err();
    assert!(errors.to_string().contains("inv\\u{1b}[31m\\u{a}.toml"), "{errors}");
}

#[test]
fn colour_is_only_where_it_is_asked_for() {
    let errors = parse("inventory.toml", "x = 1").unwrap_err();
    assert!(errors.render(true).contains('\u{1b}'));
    assert!(!errors.render(false).contains('\u{1b}'));
}

/// The example with some of its bytes exchanged, dropped or doubled.
fn mutated() -> impl Strategy<Value = String> {
    let lines: Vec<String> = EXAMPLE.lines().map(str::to_owned).collect();
    let edit = (0..lines.len(), 0usize..120, 0u8..5, "[\\PC\\x00-\\x1f\\x7f-\\xa0\"'=\\[\\]{}\\\\]{0,4}");
    proptest::collection::vec(edit, 1..6).prop_map(move |edits| {
        let mut lines = lines.clone();
        for (line, at, kind, insert) in edits {
            let at = lines[line].floor_char_boundary(at);
            match kind {
                0 => lines[line].insert_str(at, &insert),
                1 => lines[line].truncate(at),
                2 => lines[line].clear(),
                3 => lines[line] = lines[line].split_off(at),
                _ => {
                    let copy = lines[line].clone();
                    lines[line].push('\n');
                    lines[line].push_str(&copy);
                }
            }
        }
        lines.join("\n")
    })
}

/// Everything a good inventory may put into an argument vector follows its grammar, whatever the file was.
fn assert_harmless(inventory: &Inventory) {
    let harmless = |word: &str| {
        !word.is_empty()
            && !word.starts_with('-')
            && word.chars().all(|c| c.is_ascii_alphanumeric() || "._-:%@+".contains(c))
    };
    for node in inventory.clusters.iter().flat_map(|cluster| &cluster.nodes) {
        match &node.transport {
            Transport::Ssh(ssh) => {
                assert!(harmless(&ssh.destination), "{ssh:?}");
                assert!(ssh.user.as_deref().is_none_or(harmless), "{ssh:?}");
                assert_ne!(ssh.port, Some(0));
            }
            Transport::Command(words) => assert!(!words.is_empty() && !node.sudo),
        }
        assert!(node.server.user.as_deref().is_none_or(harmless));
        assert!(node.server.datadir.as_deref().is_none_or(|path| path.starts_with('/')));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Err(errors) = parse_bytes("inventory.toml", &bytes) {
            assert_fit_to_show(&errors, "inventory.toml");
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "(?s).{0,200}") {
        if let Err(errors) = parse("inventory.toml", &text) {
            assert_fit_to_show(&errors, "inventory.toml");
        }
    }

    #[test]
    fn no_slip_in_a_good_file_makes_it_panic(text in mutated()) {
        match parse("inventory.toml", &text) {
            Ok(inventory) => assert_harmless(&inventory),
            Err(errors) => assert_fit_to_show(&errors, "inventory.toml"),
        }
    }

    #[test]
    fn no_password_that_is_written_down_is_shown(secret in "[A-Za-z0-9!$%&/()?.,;:+#-]{8,20}", way in 0usize..7) {
        let value = match way {
            0 => format!("password = \"{secret}\""),
            1 => format!("password = '{secret}'"),
            2 => format!("password = \"{secret}"),
            3 => format!("pasword = \"{secret}\""),
            4 => format!("password = {{ plain = \"{secret}\" }}"),
            5 => format!("password = {{ env = \"{secret}!\" }}"),
            _ => format!("password = {secret}"),
        };
        let text = format!(
            "format = \"breakglass.inventory/1\"\n[[cluster]]\nname = \"c\"\nfamily = \"galera\"\n\
             [[cluster.node]]\nname = \"n\"\nssh = \"h\"\n[cluster.node.sql]\nuser = \"u\"\n{value}\n"
        );
        if let Err(errors) = parse("inventory.toml", &text) {
            prop_assert!(!errors.to_string().contains(&secret), "{}", errors);
            let debug = format!("{errors:?}");
            prop_assert!(!debug.contains(&secret));
        }
    }

    #[test]
    fn a_destination_is_a_name_or_refused(text in "(-?[a-z0-9 ;|&$`'\"\\\\\n@:%/.-]{0,12})|(-oProxyCommand=.*)") {
        let file = format!(
            "format = \"breakglass.inventory/1\"\n[[cluster]]\nname = \"c\"\nfamily = \"galera\"\n\
             [[cluster.node]]\nname = \"n\"\nssh = {text:?}\nuser = {text:?}\n"
        );
        if let Ok(inventory) = parse("inventory.toml", &file) {
            assert_harmless(&inventory);
        }
    }
}
