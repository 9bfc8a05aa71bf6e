// Opens a page in a real browser, answers it as a person would, and says what is shown then. One JSON argument, one JSON answer.
//
// {"browser": path, "open": url, "decision": "Allow access" | "Deny" | null, "tick": [names], "untick": [names],
//  "width": pixels, "scheme": "light" | "dark", "picture": file | null}
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const asked = JSON.parse(process.argv[2]);
const profile = mkdtempSync(join(tmpdir(), "footbridge-browser-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: asked.browser,
  headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  viewport: { width: asked.width ?? 1000, height: 700 },
  colorScheme: asked.scheme ?? "light",
});
try {
  const page = await context.newPage();
  page.setDefaultTimeout(20000);
  const outside = [];
  page.on("request", (request) => {
    const host = new URL(request.url()).hostname;
    if (!["localhost", "127.0.0.1"].includes(host)) outside.push(request.url());
  });
  let dialogs = 0;
  page.on("dialog", async (dialog) => { dialogs += 1; await dialog.dismiss(); });
  await page.goto(asked.open);
  for (const name of asked.tick ?? []) await page.getByLabel(name).check();
  for (const name of asked.untick ?? []) await page.getByLabel(name).uncheck();
  if (asked.decision) {
    await page.getByRole("button", { name: asked.decision }).click();
    await page.waitForURL(/^http:\/\/localhost:\d+\/callback/);
  }
  if (asked.picture) await page.screenshot({ path: asked.picture });
  const shown = await page.evaluate(() => ({
    heading: document.querySelector("h1")?.innerText ?? "",
    text: document.body.innerText,
    scripts: document.querySelectorAll("script").length,
    too_wide: document.documentElement.scrollWidth > window.innerWidth,
    paper: getComputedStyle(document.body).backgroundColor,
  }));
  console.log(JSON.stringify({ ...shown, outside, dialogs, status: "shown" }));
} finally {
  await context.close();
  rmSync(profile, { recursive: true, force: true });
}
