// Is a report readable by everybody, and does it ask for nothing? Run by hand; needs Chromium:
//
//     apt-get install chromium
//     npm install --prefix /tmp/axe puppeteer-core axe-core
//     NODE_PATH=/tmp/axe/node_modules node benchmarks/accessibility.mjs OUT_FOLDER report.html …
//
// For each page: axe-core in light, dark and on a phone, every folded part open; every request the
// page makes; its width on a phone; pictures and an A4 PDF in OUT_FOLDER to be looked at. Ends with 1
// if there is a serious or critical violation, a request, or a page wider than the phone.

import { createRequire } from "node:module";
import { mkdtempSync, readFileSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const load = createRequire(join(process.env.NODE_PATH ?? ".", "x.js"));
const puppeteer = load("puppeteer-core");
const axe = readFileSync(load.resolve("axe-core/axe.min.js"), "utf8");

const WAYS = [
  { name: "light", scheme: "light", width: 1280, height: 900 },
  { name: "dark", scheme: "dark", width: 1280, height: 900 },
  { name: "phone", scheme: "light", width: 390, height: 844 },
];

const [out, ...pages] = process.argv.slice(2);
mkdirSync(out, { recursive: true });
const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  headless: true,
  userDataDir: mkdtempSync(join(tmpdir(), "wardveil-chromium-")),
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"],
});

let failed = false;
for (const path of pages) {
  const address = pathToFileURL(resolve(path)).href;
  const stem = join(out, basename(resolve(path, "..")) + "-" + basename(path, ".html"));
  for (const way of WAYS) {
    const page = await browser.newPage();
    const asked = [];
    page.on("request", (r) => { if (r.url() !== address) asked.push(r.url()); });
    await page.setBypassCSP(true); // only so that axe can be put into the page
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: way.scheme }]);
    await page.setViewport({ width: way.width, height: way.height });
    await page.goto(address, { waitUntil: "networkidle0" });
    await page.screenshot({ path: `${stem}-${way.name}-first.png` });
    await page.screenshot({ path: `${stem}-${way.name}.png`, fullPage: true });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (way.name === "light") {
      await page.pdf({ path: `${stem}.pdf`, preferCSSPageSize: true, printBackground: true });
    }
    await page.evaluate(() => document.querySelectorAll("details").forEach((d) => (d.open = true)));
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => axe.run());
    const grave = violations.filter((v) => ["serious", "critical"].includes(v.impact));
    failed ||= grave.length > 0 || asked.length > 0 || wide > 0;
    console.log(JSON.stringify({
      page: path, way: way.name, requests: asked, wider_by: Math.max(0, wide),
      grave: grave.map((v) => [v.id, v.nodes.length, v.nodes[0].html.slice(0, 160)]),
      lesser: violations.filter((v) => !grave.includes(v)).map((v) => [v.id, v.impact, v.nodes.length, v.nodes[0].html.slice(0,120)]),
    }));
    await page.close();
  }
}
await browser.close();
process.exit(failed ? 1 : 0);
