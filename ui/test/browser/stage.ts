// The stage of the browser tests: serves the build with the scripted agent under the shell's own Content Security Policy,
// and opens pages in Debian's Chromium. Loopback only.
import { readFile } from "node:fs/promises";
import { existsSync, mkdirSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const SITE = here(`../../test-output/${process.env.UI_SITE ?? "site"}`);
export const PICTURES = here("../../test-output/pictures");
const TYPES: Record<string, string> = {
  ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".woff2": "font/woff2",
};

/** The policy of tauri.conf.json, so that what breaks there breaks here. */
async function policy(): Promise<string> {
  const conf = JSON.parse(await readFile(here("../../../tauri.conf.json"), "utf8")) as {
    app: { security: { csp: Record<string, string> } };
  };
  return Object.entries(conf.app.security.csp).map(([name, value]) => `${name} ${value}`).join("; ");
}

export interface Look {
  scene?: string; view?: string; lang?: "en" | "ko"; dark?: boolean; width?: number; height?: number; scale?: number;
  contrast?: boolean; forced?: boolean; query?: string;
}

export class Stage {
  /** Everything a page complained about: errors and broken policy. */
  readonly complaints: string[] = [];
  private constructor(
    private readonly server: Server,
    private readonly browser: Browser,
    private readonly origin: string,
  ) {}

  static async open(): Promise<Stage> {
    const csp = await policy();
    mkdirSync(PICTURES, { recursive: true });
    const server = createServer((request, response) => {
      const path = normalize(new URL(request.url ?? "/", "http://x").pathname);
      const file = join(SITE, path === "/" ? "index.html" : path);
      readFile(file).then(
        (body) => {
          response.writeHead(200, {
            "content-type": TYPES[extname(file)] ?? "application/octet-stream", "content-security-policy": csp,
          });
          response.end(body);
        },
        () => response.writeHead(path === "/favicon.ico" ? 204 : 404).end(),
      );
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const program = process.env.CHROMIUM ?? "/usr/bin/chromium";
    if (!existsSync(program)) throw new Error(`no browser at ${program}; set CHROMIUM`);
    const browser = await chromium.launch({ executablePath: program, args: ["--no-sandbox"] });
    return new Stage(server, browser, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  }

  async close(): Promise<void> {
    await this.browser.close();
    await new Promise((done) => this.server.close(done));
  }

  async show(look: Look = {}): Promise<Page> {
    const options: BrowserContextOptions = {
      viewport: { width: look.width ?? 1080, height: look.height ?? 720 },
      deviceScaleFactor: look.scale ?? 1,
      colorScheme: look.dark ? "dark" : "light",
      contrast: look.contrast ? "more" : "no-preference",
      forcedColors: look.forced ? "active" : "none",
      reducedMotion: "reduce",
      locale: look.lang === "ko" ? "ko-KR" : "en-GB",
      timezoneId: "UTC",
    };
    const context = await this.browser.newContext(options);
    const page = await context.newPage();
    page.on("console", (said) => {
      if (said.type() === "error" || said.type() === "warning") this.complaints.push(said.text());
    });
    page.on("pageerror", (error) => this.complaints.push(String(error)));
    // The shell freezes the prototypes; what cannot live with that must fail here.
    await page.addInitScript("Object.freeze(Object.prototype)");
    const query = `scene=${look.scene ?? "busy"}&lang=${look.lang ?? "en"}${look.query ?? ""}&pace=0`;
    await page.goto(`${this.origin}/?${query}#/${look.view ?? "near"}`);
    await page.waitForFunction(() => document.querySelector("nav") !== null);
    return page;
  }

  async picture(page: Page, name: string): Promise<void> {
    // Faces that were missing are read, and the text is laid out again (ui/design/index.ts).
    await page.waitForFunction(() => document.fonts.status === "loaded");
    if (await page.evaluate(() => [...document.fonts].some((face) => face.status === "loaded"))) await page.waitForTimeout(250);
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    await page.screenshot({ path: join(PICTURES, `${name}.png`) });
  }
}
