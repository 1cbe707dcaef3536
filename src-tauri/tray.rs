//! The icon in the tray (StatusNotifierItem): status, who may see this device, links off, closing, stopping. Where there
//! is no tray, closing the window ends this program; the agent goes on either way.

use crate::{desktop, shell::Shell, window};
use hither_model::{Answer, Ask, row::Visibility};
use hither_window::tray::{Tray, label, tooltip};
use ksni::{
    MenuItem, OfflineReason, Status, ToolTip, TrayMethods,
    menu::{RadioGroup, RadioItem, StandardItem, SubMenu},
};
use std::{env, path::PathBuf, sync::Arc, time::Duration};
use tauri::{AppHandle, Manager, Runtime};

/// The icon's name in icon themes, when hither is installed.
const ICON: &str = "hither-app-symbolic";
/// How long a program without window and tray waits for a tray: at login the panel may come later.
const TRAY_WITHIN: Duration = Duration::from_secs(45);
/// Who may see this device, in the order of the menu.
const CHOICES: [Visibility; 3] = [Visibility::Everyone, Visibility::Known, Visibility::Nobody];

/// The icon and what it knows.
pub(crate) struct Icon<R: Runtime> {
    app: AppHandle<R>,
    shell: Arc<Shell>,
    /// What stands there.
    pub(crate) tray: Tray,
}

/// Puts the icon into the tray; if there is no tray yet, as soon as there is one. `None` without a session bus.
pub(crate) async fn put<R: Runtime>(app: &AppHandle<R>, shell: &Arc<Shell>) -> Option<ksni::Handle<Icon<R>>> {
    let icon = || Icon { app: app.clone(), shell: shell.clone(), tray: Tray::default() };
    match icon().spawn().await {
        Ok(handle) => {
            announce(app, shell, true);
            Some(handle)
        }
        Err(e @ ksni::Error::Dbus(_)) => {
            tracing::info!("no tray: {e}");
            None
        }
        Err(e) => {
            tracing::info!("no tray yet: {e}");
            icon().assume_sni_available(true).spawn().await.ok()
        }
    }
}

fn announce<R: Runtime>(app: &AppHandle<R>, shell: &Arc<Shell>, there: bool) {
    shell.set_tray(there);
    let (app, shell) = (app.clone(), shell.clone());
    tauri::async_runtime::spawn(async move {
        desktop::changed(&app, &shell).await;
        if !there {
            leave_unless_seen(&app, &shell).await;
        }
    });
}

/// Ends the program if there is neither a window nor, after a while, a tray: nobody could reach it.
pub(crate) async fn leave_unless_seen<R: Runtime>(app: &AppHandle<R>, shell: &Shell) {
    tokio::time::sleep(TRAY_WITHIN).await;
    if !shell.tray() && app.webview_windows().is_empty() {
        app.exit(0);
    }
}

impl<R: Runtime> Icon<R> {
    fn ask(&self, ask: Ask) {
        let shell = self.shell.clone();
        tauri::async_runtime::spawn(async move {
            if let Err(failure) = shell.reach.ask(ask).await {
                tracing::warn!("asked from the tray: {failure}");
            }
        });
    }

    fn links_off(&self) {
        let shell = self.shell.clone();
        tauri::async_runtime::spawn(async move {
            let Ok(Answer::Links { rows }) = shell.reach.ask(Ask::Links).await else { return };
            for row in rows {
                // One that ended in between cannot be revoked any more, and need not be.
                drop(shell.reach.ask(Ask::RevokeLink { invite: row.invite.to_string() }).await);
            }
        });
    }

    fn item(text: &str, act: impl Fn(&mut Self) + Send + 'static) -> MenuItem<Self> {
        StandardItem { label: label(text), activate: Box::new(act), ..StandardItem::default() }.into()
    }
}

impl<R: Runtime> ksni::Tray for Icon<R> {
    fn id(&self) -> String {
        "dev.hither.app".into()
    }

    fn title(&self) -> String {
        "hither".into()
    }

    fn status(&self) -> Status {
        if self.tray.wants_attention() { Status::NeedsAttention } else { Status::Active }
    }

    fn icon_name(&self) -> String {
        if installed() { ICON.into() } else { String::new() }
    }

    fn icon_pixmap(&self) -> Vec<ksni::Icon> {
        [tauri::include_image!("icons/24x24.png"), tauri::include_image!("icons/48x48.png")]
            .into_iter()
            .filter_map(|image| argb(image.width(), image.height(), image.rgba()))
            .collect()
    }

    fn tool_tip(&self) -> ToolTip {
        let words = self.shell.words();
        let description = [self.tray.status(&words), self.tray.seen_as(&words)].join("\n");
        ToolTip { title: "hither".into(), description: tooltip_lines(&description), ..ToolTip::default() }
    }

    fn activate(&mut self, _x: i32, _y: i32) {
        window::front(&self.app, &self.shell);
    }

    fn menu(&self) -> Vec<MenuItem<Self>> {
        let words = self.shell.words();
        let status = StandardItem { label: label(&self.tray.status(&words)), enabled: false, ..Default::default() };
        let mut menu = vec![status.into(), Self::item(words.open, |icon| window::front(&icon.app, &icon.shell))];
        if self.tray.there {
            let choices = [words.everyone, words.known, words.nobody];
            let group = RadioGroup {
                // A position that is not there: nothing is ticked as long as it is not known.
                selected: CHOICES.iter().position(|c| Some(*c) == self.tray.visibility).unwrap_or(CHOICES.len()),
                select: Box::new(|icon: &mut Self, which| {
                    if let Some(visibility) = CHOICES.get(which).copied() {
                        icon.ask(Ask::SetVisibility { visibility, name: None, seconds: None });
                    }
                }),
                options: choices.map(|text| RadioItem { label: label(text), ..RadioItem::default() }).into(),
            };
            let seen = SubMenu { label: label(words.seen_by), submenu: vec![group.into()], ..SubMenu::default() };
            menu.extend([seen.into(), Self::item(words.links_off, |icon| icon.links_off()), MenuItem::Separator]);
            menu.push(Self::item(words.stop, |icon| icon.ask(Ask::Stop)));
        } else {
            menu.push(MenuItem::Separator);
            menu.push(Self::item(words.start, |icon| icon.shell.reach.wanted()));
        }
        menu.push(Self::item(words.quit, |icon| window::quit(&icon.app, &icon.shell)));
        menu
    }

    fn watcher_online(&self) {
        announce(&self.app, &self.shell, true);
    }

    fn watcher_offline(&self, _: OfflineReason) -> bool {
        announce(&self.app, &self.shell, false);
        true
    }
}

/// A tooltip of several lines.
fn tooltip_lines(text: &str) -> String {
    text.lines().filter(|line| !line.is_empty()).map(tooltip).collect::<Vec<_>>().join("<br/>")
}

/// Whether the icon is in a theme, where the panel finds it in its own colours.
fn installed() -> bool {
    let dirs = env::var("XDG_DATA_DIRS").ok().filter(|dirs| !dirs.is_empty());
    let dirs = dirs.unwrap_or_else(|| "/usr/local/share:/usr/share".to_owned());
    let file = format!("icons/hicolor/symbolic/apps/{ICON}.svg");
    dirs.split(':').any(|dir| PathBuf::from(dir).join(&file).is_file())
}

/// An image as the tray wants it: ARGB, most significant byte first.
fn argb(width: u32, height: u32, rgba: &[u8]) -> Option<ksni::Icon> {
    let data = rgba.chunks_exact(4).flat_map(|p| [p[3], p[0], p[1], p[2]]).collect();
    Some(ksni::Icon { width: width.try_into().ok()?, height: height.try_into().ok()?, data })
}

#[test]
fn an_image_is_turned_into_what_the_tray_wants() {
    let icon = argb(1, 2, &[1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
    assert_eq!((icon.width, icon.height, icon.data), (1, 2, vec![4, 1, 2, 3, 8, 5, 6, 7]));
    assert_eq!(tooltip_lines("a<b\n\nc"), "a&lt;b<br/>c");
}
