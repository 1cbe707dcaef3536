//! How the desktop looks: from the toolkit's settings, and contrast also from the portal.

use crate::{
    main_thread::on_main,
    shell::{MAIN, Shell},
    window,
};
use gtk::{gio, glib, prelude::*};
use hither_model::Failure;
use hither_window::{Contrast, Desktop};
use std::{sync::Arc, time::Duration};
use tauri::{AppHandle, Manager, Runtime};

const PORTAL: &str = "org.freedesktop.portal.Desktop";
const PORTAL_PATH: &str = "/org/freedesktop/portal/desktop";
const SETTINGS: &str = "org.freedesktop.portal.Settings";
const APPEARANCE: &str = "org.freedesktop.appearance";
const CONTRAST: &str = "contrast";
/// How long the toolkit's thread may take.
const WITHIN: Duration = Duration::from_secs(10);
/// How long the portal may take, in milliseconds.
const PORTAL_WITHIN: i32 = 2_000;

/// The desktop as it is now.
///
/// # Errors
/// The window ends.
pub(crate) async fn describe<R: Runtime>(app: &AppHandle<R>, shell: &Shell) -> Result<Desktop, Failure> {
    let scale = app.get_webview_window(MAIN).and_then(|window| window.scale_factor().ok()).unwrap_or(1.0);
    let toolkit = on_main(app, Some(WITHIN), |answer| drop(answer.send(Toolkit::now()))).await?;
    let said = shell.desktop();
    Ok(Desktop {
        scale,
        dark: toolkit.dark,
        contrast: if toolkit.high_contrast { Contrast::More } else { said.contrast },
        reduced_motion: toolkit.still,
        ..said
    })
}

/// Tells the page that the desktop changed.
pub(crate) async fn changed<R: Runtime>(app: &AppHandle<R>, shell: &Shell) {
    if let Ok(desktop) = describe(app, shell).await {
        window::tell(app, "desktop", desktop);
    }
}

struct Toolkit {
    dark: bool,
    high_contrast: bool,
    still: bool,
}

impl Toolkit {
    fn now() -> Self {
        let Some(settings) = gtk::Settings::default() else {
            return Self { dark: false, high_contrast: false, still: false };
        };
        let theme = settings.gtk_theme_name().unwrap_or_default().to_lowercase();
        let inverse = theme.contains("highcontrastinverse");
        Self {
            dark: settings.is_gtk_application_prefer_dark_theme() || theme.ends_with("-dark") || inverse,
            high_contrast: theme.contains("highcontrast"),
            still: !settings.is_gtk_enable_animations(),
        }
    }
}

/// Listens to the toolkit's settings and the portal. On the toolkit's thread.
pub(crate) fn follow<R: Runtime>(app: &AppHandle<R>, shell: &Arc<Shell>) {
    let tell = {
        let (app, shell) = (app.clone(), shell.clone());
        move || {
            let (app, shell) = (app.clone(), shell.clone());
            tauri::async_runtime::spawn(async move { changed(&app, &shell).await });
        }
    };
    if let Some(settings) = gtk::Settings::default() {
        for name in ["gtk-theme-name", "gtk-application-prefer-dark-theme", "gtk-enable-animations"] {
            let tell = tell.clone();
            settings.connect_notify_local(Some(name), move |_, _| tell());
        }
    }
    let shell = shell.clone();
    gio::bus_get(gio::BusType::Session, gio::Cancellable::NONE, move |bus| {
        // Without a bus there is no portal: the toolkit's settings have to do.
        let Ok(bus) = bus else { return };
        let heard = shell.clone();
        let tell_too = tell.clone();
        let hear = move |contrast: Option<bool>| {
            if contrast.is_some_and(|high| heard.set_contrast(high)) {
                tell_too();
            }
        };
        ask(&bus, hear.clone());
        bus.signal_subscribe(
            Some(PORTAL),
            Some(SETTINGS),
            Some("SettingChanged"),
            Some(PORTAL_PATH),
            Some(APPEARANCE),
            gio::DBusSignalFlags::NONE,
            move |_, _, _, _, _, said| {
                let of_contrast = said.try_child_value(1).is_some_and(|key| key.str() == Some(CONTRAST));
                if of_contrast {
                    hear(said.try_child_value(2).and_then(|value| high(&value)));
                }
            },
        );
        // The subscription ends with its connection, which is to last as long as the program.
        std::mem::forget(bus);
    });
}

fn ask(bus: &gio::DBusConnection, hear: impl Fn(Option<bool>) + 'static) {
    bus.call(
        Some(PORTAL),
        PORTAL_PATH,
        SETTINGS,
        "Read",
        Some(&(APPEARANCE, CONTRAST).to_variant()),
        None,
        gio::DBusCallFlags::NONE,
        PORTAL_WITHIN,
        gio::Cancellable::NONE,
        move |answer| hear(answer.ok().and_then(|answer| answer.try_child_value(0)).and_then(|value| high(&value))),
    );
}

/// The portal's word for contrast: 1 is high. It comes wrapped once or twice.
fn high(value: &glib::Variant) -> Option<bool> {
    if value.is_type(glib::VariantTy::VARIANT) {
        return high(&value.as_variant()?);
    }
    value.get::<u32>().map(|contrast| contrast == 1)
}

#[test]
fn the_portals_contrast_is_read_however_often_it_is_wrapped() {
    let one = 1u32.to_variant();
    assert_eq!(high(&one), Some(true));
    assert_eq!(high(&one.to_variant().to_variant()), Some(true));
    assert_eq!(high(&0u32.to_variant().to_variant()), Some(false));
    assert_eq!(high(&"1".to_variant()), None);
}
