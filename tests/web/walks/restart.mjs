// The service goes and comes back: the page says so, and shows what has happened meanwhile without being loaded again.
import { writeFileSync, existsSync } from "node:fs";

export default async function ({ open, api, picture, until, assert, given }) {
  await api("POST", "/queue/pause");
  await api("POST", "/jobs", { input: `${given.files}/${given.names[0]}`, options: given.options });
  const page = await open({ path: "#/queue", allow: /Failed to load resource|ERR_CONNECTION/ });
  await until(async () => (await page.locator(".job").count()) === 1, "one job");
  await page.evaluate(() => (window.same = true));
  const ask = (what) => {
    writeFileSync(`${given.signals}/${what}`, "");
    return until(() => existsSync(`${given.signals}/${what}.done`), what, 60_000);
  };
  await ask("stop");
  await page.locator(".link-state.lost").waitFor();
  assert.equal(await page.locator(".job").count(), 1); // what was known stays
  await picture(page, "restart-lost");
  await ask("start");
  await page.locator(".link-state.live").waitFor({ timeout: 60_000 });
  await api("POST", "/jobs", { input: `${given.files}/${given.names[1]}`, options: given.options });
  await until(async () => (await page.locator(".job").count()) === 2, "the new job appears", 30_000);
  assert.equal(await page.evaluate(() => window.same), true);
}
