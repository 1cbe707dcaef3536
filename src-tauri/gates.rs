//! The first gate, tested as it is built into the program: which window may call which command. The capability and
//! permission files are the real ones; only the toolkit under them is Tauri's stand-in.

use crate::{shell::Shell, with_commands};
use serde_json::{Value, json};
use std::{sync::Arc, time::Instant};
use tauri::{
    WebviewUrl, WebviewWindow, WebviewWindowBuilder,
    ipc::{CallbackFn, InvokeBody},
    test::{INVOKE_KEY, MockRuntime, get_ipc_response, mock_builder},
    webview::InvokeRequest,
};

/// Every command of the shell, with arguments it can be called with.
fn commands() -> Vec<(&'static str, Value)> {
    vec![
        ("proximity", json!({ "ask": { "ask": "near" } })),
        ("certificates", json!({ "ask": { "ask": "identities" } })),
        ("settings", json!({ "ask": { "ask": "status" } })),
        ("watch", json!({ "channel": "__CHANNEL__:1" })),
        ("start_agent", json!({})),
        ("take_link", json!({})),
        ("send_picked", json!({ "to": "a", "tokens": ["p0"] })),
        ("post_picked", json!({ "to": ["a"], "tokens": ["p0"], "terms": {} })),
        ("lend", json!({ "terms": { "peer": "a", "name": "ssh", "port": 22, "lasts": "until-closed" } })),
        ("pick", json!({ "kind": "files" })),
        ("paste", json!({})),
        ("open_kept", json!({ "transfer": "a" })),
        ("show_kept", json!({ "transfer": "a" })),
        ("drag_kept", json!({ "transfer": "a" })),
        ("desktop", json!({})),
        ("set_autostart", json!({ "on": true })),
        ("background", json!({})),
        ("set_background", json!({ "when": "off" })),
        ("set_language", json!({ "tag": "en" })),
        ("ready", json!({})),
        ("copy_text", json!({ "text": "a", "secret": false })),
        ("save_text", json!({ "name": "a", "text": "a" })),
    ]
}

struct Stage {
    _profile: tempfile::TempDir,
    shell: Arc<Shell>,
    app: tauri::App<MockRuntime>,
}

impl Stage {
    fn new() -> Self {
        let profile = tempfile::tempdir().unwrap();
        let shell = Shell::new(profile.path().join("p"), false, Instant::now());
        let app = with_commands(mock_builder()).manage(shell.clone()).build(tauri::generate_context!()).unwrap();
        Self { _profile: profile, shell, app }
    }

    fn window(&self, label: &str) -> WebviewWindow<MockRuntime> {
        WebviewWindowBuilder::new(&self.app, label, WebviewUrl::default()).build().unwrap()
    }
}

fn call(window: &WebviewWindow<MockRuntime>, command: &str, arguments: Value) -> Result<Value, Value> {
    let request = InvokeRequest {
        cmd: command.into(),
        callback: CallbackFn(0),
        error: CallbackFn(1),
        url: "tauri://localhost".parse().unwrap(),
        body: InvokeBody::Json(arguments),
        headers: tauri::http::HeaderMap::new(),
        invoke_key: INVOKE_KEY.to_owned(),
    };
    get_ipc_response(window, request).map(|body| body.deserialize().unwrap())
}

/// Whether an answer is the gate's own refusal.
fn denied(answer: &Result<Value, Value>) -> bool {
    answer.as_ref().is_err_and(|why| why.as_str().is_some_and(|why| why.contains("not allowed")))
}

#[test]
fn every_command_belongs_to_one_permission_set() {
    let sets = [
        include_str!("permissions/proximity.toml"),
        include_str!("permissions/settings.toml"),
        include_str!("permissions/shared-user-certificates.toml"),
        include_str!("permissions/window.toml"),
    ];
    let lists = sets.map(|set| set.split_once("commands.allow").map_or("", |(_, list)| list));
    for (command, _) in commands() {
        let quoted = format!("\"{command}\"");
        assert_eq!(lists.iter().filter(|list| list.contains(&quoted)).count(), 1, "{command}");
    }
    let named: usize = lists.iter().map(|list| list.matches('"').count() / 2).sum();
    assert_eq!(named, commands().len(), "a permission set names a command that is not tested here");
}

#[test]
fn a_window_without_permissions_is_denied_every_command() {
    let stage = Stage::new();
    let guest = stage.window("guest");
    for (command, arguments) in commands() {
        let answer = call(&guest, command, arguments);
        assert!(denied(&answer), "{command} answered a window without permissions: {answer:?}");
    }
    assert!(stage.shell.remembered.language().is_none() && !crate::entries::autostart());
}

#[test]
fn the_main_window_gets_through_the_gate_to_what_is_behind_it() {
    let stage = Stage::new();
    let main = stage.window("main");
    // What needs neither an agent nor a toolkit.
    assert_eq!(call(&main, "take_link", json!({})), Ok(Value::Null));
    assert_eq!(call(&main, "set_language", json!({ "tag": "../x" })).unwrap_err()["code"], "Misuse");
    for (command, question) in [
        ("proximity", json!({ "ask": "stop" })),
        ("proximity", json!({ "ask": "send", "peer": "a", "paths": ["/etc/passwd"] })),
        ("proximity", json!({ "ask": "outbox", "outbox": "post", "to": ["a"], "paths": ["/etc/passwd"] })),
        (
            "proximity",
            json!({ "ask": "expose", "name": "ssh", "target": "127.0.0.1:22", "to": ["a"], "lasts": "always" }),
        ),
        ("proximity", json!({ "ask": "forward", "peer": "a", "name": "db", "bind": "127.0.0.1:5432" })),
        ("settings", json!({ "ask": "near" })),
        ("certificates", json!({ "ask": "set-capability", "name": "proximity", "granted": true })),
    ] {
        let answer = call(&main, command, json!({ "ask": question }));
        let code = answer.unwrap_err()["code"].clone();
        assert_eq!(code, "AccessDenied", "{command} took a question of another set: {question}");
    }
    let nothing = call(&main, "send_picked", json!({ "to": "a", "tokens": ["/etc/passwd"] })).unwrap_err();
    assert_eq!(nothing["code"], "AccessDenied");
    let nothing = call(&main, "post_picked", json!({ "to": ["a"], "tokens": ["/etc/passwd"], "terms": {} }));
    assert_eq!(nothing.unwrap_err()["code"], "AccessDenied");
    // Without an agent nobody knows the device, so nothing is lent, and the person is not even asked.
    let terms = json!({ "peer": "a", "name": "ssh", "port": 22, "lasts": "until-closed" });
    assert_eq!(call(&main, "lend", json!({ "terms": terms })).unwrap_err()["code"], "NoAgent");
}

#[test]
fn no_window_may_use_the_toolkits_own_commands() {
    let stage = Stage::new();
    let main = stage.window("main");
    for command in [
        "plugin:window|close",
        "plugin:window|create",
        "plugin:webview|create_webview_window",
        "plugin:event|emit",
        "plugin:app|version",
        "plugin:path|resolve_directory",
        "plugin:opener|open_path",
        "plugin:menu|new",
    ] {
        let answer = call(&main, command, json!({}));
        assert!(denied(&answer), "{command} answered: {answer:?}");
    }
}
