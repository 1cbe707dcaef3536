// g1: control characters (NUL among them), marks of direction and other hidden characters in peers' words reach no view as
// they are: not as text, and not in what is only heard or shown on hovering (attributes, but for `data-`, which nobody sees). Each is written out instead.
import { screen } from "@testing-library/svelte";
import type { Component } from "svelte";
import { expect, test } from "vitest";
import { message, peerId } from "~/bridge/fake/rows";
import { SCENES } from "~/bridge/fake/scenes";
import Sheets from "~/sheets/Sheets.svelte";
import Notices from "~/shell/Notices.svelte";
import Sidebar from "~/shell/Sidebar.svelte";
import Capabilities from "~/views/capabilities/Capabilities.svelte";
import Doctor from "~/views/doctor/Doctor.svelte";
import History from "~/views/history/History.svelte";
import Identity from "~/views/identity/Identity.svelte";
import Links from "~/views/links/Links.svelte";
import Near from "~/views/near/Near.svelte";
import Session from "~/views/session/Session.svelte";
import Settings from "~/views/settings/Settings.svelte";
import Transfers from "~/views/transfers/Transfers.svelte";
import { open, press, settle, stage } from "./open";

stage();

const VIEWS: Record<string, Component<{ id: string | null }> | Component<Record<string, never>>> = {
  Near, Session, Transfers, History, Identity, Links, Capabilities, Doctor, Settings, Sheets, Sidebar, Notices,
};
// What may stay: line breaks and tabs between elements.
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;

/** Every text and every attribute on the page that has something hidden in it. */
function hidden(): string[] {
  const found: string[] = [];
  for (const element of document.body.querySelectorAll("*")) {
    for (const { name, value } of element.attributes) if (!name.startsWith("data-") && HIDDEN.test(value)) found.push(`${element.tagName} ${name}=${JSON.stringify(value.slice(0, 60))}`);
  }
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    if (HIDDEN.test(node.nodeValue ?? "")) found.push(`text ${JSON.stringify(node.nodeValue?.slice(0, 60))}`);
  }
  return found;
}

const ALARM = "the key of a\u0000b\u202egpj changed";

test.each(Object.keys(VIEWS))("g1 nothing hidden reaches the view %s, in either language", async (name) => {
  for (const language of ["en", "ko"] as const) {
    const { page, hear } = await open(VIEWS[name]!, SCENES.hostile(), name === "Session" ? peerId("bad 0") : null, language);
    await hear({ event: "alarm", message: ALARM, peer: peerId("bad 5") });
    for (const fold of document.querySelectorAll("details")) fold.open = true;
    await settle();
    expect(document.body.textContent?.length, "there is something to see").toBeGreaterThan(40);
    expect(hidden()).toEqual([]);
    page.unmount();
  }
});

const CONTROLS = [...Array.from({ length: 0x20 }, (_, code) => code), ...Array.from({ length: 0x21 }, (_, code) => 0x7f + code)]
  .filter((code) => ![9, 10, 13].includes(code))
  .map((code) => String.fromCodePoint(code));

test("g1 each control character of a message is written out, and copying gives the message as it came", async () => {
  const text = CONTROLS.map((character) => `<${character}>`).join(" ");
  const scene = { ...SCENES.busy(), messages: [message("Ana", 1, text)] };
  const { agent } = await open(Session, scene, peerId("Ana"));
  await settle();
  const shown = screen.getByRole("log").textContent ?? "";
  for (const character of CONTROLS) expect(shown).toContain(`<\\u{${character.codePointAt(0)!.toString(16)}}>`);
  expect(hidden()).toEqual([]);
  await press(screen.getByRole("button", { name: "Copy text" }));
  expect(agent.copied).toEqual([text]);
});
