//! An empty window of the size of hither's. Says `shown` on standard output once its page is there, and stays.

use std::io::Write;
use tauri::{Builder, WebviewUrl, WebviewWindowBuilder, webview::PageLoadEvent};

fn main() -> tauri::Result<()> {
    Builder::default()
        .setup(|app| {
            WebviewWindowBuilder::new(app, "main", WebviewUrl::App("index.html".into()))
                .inner_size(960.0, 680.0)
                .incognito(true)
                .on_page_load(|_, page| {
                    if page.event() == PageLoadEvent::Finished {
                        // Whoever started it and is gone needs no answer.
                        let _ = writeln!(std::io::stdout(), "shown");
                    }
                })
                .build()?;
            Ok(())
        })
        .run(tauri::generate_context!())
}
