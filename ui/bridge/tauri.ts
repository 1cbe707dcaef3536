// The real bridge: the only importer of @tauri-apps/api. Commands and events are those of src-tauri.
import { Channel, invoke, isTauri } from "@tauri-apps/api/core";
import { getCurrentWebviewWindow } from "@tauri-apps/api/webviewWindow";
import type { Bridge, Stop } from "./bridge";
import type { Answer, Background, Desktop, Drop, Go, Offer, Pasted, Picked, TakenLink, WindowNews } from "./words";

/** Whether this page is shown by the shell. */
export const insideTauri = (): boolean => isTauri();

/** Events are sent to this window alone, so they are listened to on this window alone. */
async function listen<T>(event: string, tell: (payload: T) => void): Promise<Stop> {
  return getCurrentWebviewWindow().listen<T>(event, (heard) => tell(heard.payload));
}

export function tauriBridge(): Bridge {
  return {
    proximity: (ask) => invoke<Answer>("proximity", { ask }),
    certificates: (ask) => invoke<Answer>("certificates", { ask }),
    settings: (ask) => invoke<Answer>("settings", { ask }),
    startAgent: () => invoke("start_agent"),
    async watch(tell) {
      const channel = new Channel<WindowNews>();
      channel.onmessage = tell;
      await invoke("watch", { channel });
    },
    sendPicked: (to, tokens) => invoke<Answer>("send_picked", { to, tokens }),
    postPicked: (to, tokens, terms) => invoke<Answer>("post_picked", { to, tokens, terms }),
    lend: (terms) => invoke<Answer | null>("lend", { terms }),
    pick: (kind) => invoke<Picked[]>("pick", { kind }),
    paste: () => invoke<Pasted>("paste"),
    openKept: (transfer) => invoke("open_kept", { transfer }),
    showKept: (transfer) => invoke("show_kept", { transfer }),
    dragKept: (transfer) => invoke("drag_kept", { transfer }),
    desktop: () => invoke<Desktop>("desktop"),
    setAutostart: (on) => invoke("set_autostart", { on }),
    background: () => invoke<Background>("background"),
    setBackground: (when) => invoke<Background>("set_background", { when }),
    setLanguage: (tag) => invoke("set_language", { tag }),
    ready: () => invoke("ready"),
    copyText: (text, secret) => invoke("copy_text", { text, secret }),
    saveText: (name, text) => invoke("save_text", { name, text }),
    takeLink: () => invoke<TakenLink | null>("take_link"),
    onDrop: (tell) => listen<Drop>("drop", tell),
    onOffer: (tell) => listen<Offer>("offer", tell),
    onDesktop: (tell) => listen<Desktop>("desktop", tell),
    onLink: (tell) => listen<unknown>("link", () => tell()),
    onGo: (tell) => listen<Go>("go", tell),
  };
}
