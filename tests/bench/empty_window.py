#!/usr/bin/env python3
"""An empty WebKit window, for its memory to be compared with. Says `shown` and stays. Needs python3-gi and
gir1.2-webkit2-4.1; without them it says so and ends."""

import sys

try:
    import gi
    gi.require_version("Gtk", "3.0")
    gi.require_version("WebKit2", "4.1")
    from gi.repository import Gtk, WebKit2
except (ImportError, ValueError) as why:
    sys.exit(f"an empty window needs python3-gi and gir1.2-webkit2-4.1: {why}")

window = Gtk.Window(default_width=960, default_height=680)
view = WebKit2.WebView()


def loaded(_view, event):
    if event == WebKit2.LoadEvent.FINISHED:
        print("shown", flush=True)


view.connect("load-changed", loaded)
window.add(view)
window.show_all()
view.load_html("<!doctype html><title>empty</title>", None)
Gtk.main()
