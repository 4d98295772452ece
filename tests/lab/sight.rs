//! What one survey of a lab says.

use serde_json::{Value, json};

use crate::lab::Lab;

/// One survey of a lab's cluster: its exit code, and the cluster.
pub(crate) struct Sight<'a> {
    lab: &'a Lab,
    pub(crate) code: i32,
    pub(crate) cluster: Value,
}

impl<'a> Sight<'a> {
    pub(crate) fn of(lab: &'a Lab) -> Self {
        let (code, mut status) = lab.status();
        Self { lab, code, cluster: status["clusters"][0].take() }
    }

    pub(crate) fn ids(&self) -> Vec<&str> {
        let all = self.cluster["findings"].as_array().expect("findings");
        all.iter().filter_map(|finding| finding["id"].as_str()).collect()
    }

    /// Some finding of this id is about exactly these nodes.
    #[track_caller]
    pub(crate) fn names(&self, id: &str, nodes: &[&str]) -> &Self {
        let all = self.cluster["findings"].as_array().expect("findings");
        let found = all.iter().any(|finding| finding["id"] == id && finding["nodes"] == json!(nodes));
        assert!(found, "no {id} on {nodes:?}: {:?}\n{}", self.ids(), self.lab.status_text());
        eprintln!("  {id} {}", nodes.join(" "));
        self
    }

    /// Some finding of this id is about this node, whoever else it names.
    #[track_caller]
    pub(crate) fn about(&self, id: &str, node: &str) -> &Self {
        let all = self.cluster["findings"].as_array().expect("findings");
        let is = |finding: &&Value| {
            finding["id"] == id
                && finding["nodes"].as_array().is_some_and(|nodes| nodes.contains(&json!(node)))
        };
        assert!(all.iter().any(|finding| is(&finding)), "no {id} on {node}\n{}", self.lab.status_text());
        eprintln!("  {id} {node}");
        self
    }

    /// No finding of this id.
    #[track_caller]
    pub(crate) fn silent(&self, id: &str) -> &Self {
        assert!(!self.ids().contains(&id), "{id}\n{}", self.lab.status_text());
        self
    }

    /// Nothing is said but this, in any order.
    #[track_caller]
    pub(crate) fn only(&self, wanted: &[&str]) -> &Self {
        let mut said = self.ids();
        said.retain(|id| !wanted.contains(id));
        assert!(said.is_empty(), "also {said:?}\n{}", self.lab.status_text());
        self
    }

    /// The verdict, standings, servers and candidates, as one comparable value.
    pub(crate) fn picture(&self) -> Value {
        let of = |field: &str| -> Vec<Value> {
            let all = self.cluster["nodes"].as_array().expect("nodes");
            all.iter().map(|node| node[field].clone()).collect()
        };
        json!({
            "verdict": self.cluster["verdict"],
            "candidates": self.cluster["candidates"],
            "standing": of("standing"),
            "server": of("server"),
            "ssh": of("ssh"),
        })
    }

    pub(crate) fn node(&self, name: &str) -> &Value {
        let all = self.cluster["nodes"].as_array().expect("nodes");
        all.iter().find(|node| node["name"] == name).unwrap_or_else(|| panic!("no node {name}"))
    }

    #[track_caller]
    pub(crate) fn stands(&self, node: &str, standing: &str) -> &Self {
        assert_eq!(self.node(node)["standing"], standing, "{node}\n{}", self.lab.status_text());
        self
    }
}
