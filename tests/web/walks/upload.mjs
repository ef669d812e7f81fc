// Files of the reader's own device: sent, measured, restored, and the same bytes on the service's machine. A folder that is dropped
// works as files do; a broken connection goes on where it was.
import { readFileSync } from "node:fs";

export default async function ({ open, api, picture, until, assert, given }) {
  const page = await open({ allow: /ERR_FAILED|Failed to load resource/ });
  // The second piece of the file breaks off once.
  let pieces = 0;
  await page.route(/\/api\/v1\/uploads\/.*offset=/, (route) => (++pieces === 2 ? route.abort() : route.continue()));
  await page.locator("input[type=file]").setInputFiles(given.own);
  await page.locator(".source").first().waitFor();
  await until(async () => (await page.locator(".source .words .tag").count()) > 0, "sent and measured", 120_000);
  assert.ok(pieces > 2, `${pieces} pieces`);
  await picture(page, "upload-sent");
  await page.getByRole("button", { name: "Restore it" }).click();
  const job = await until(async () => (await api("GET", "/jobs")).jobs[0], "a job");
  assert.ok(Buffer.compare(readFileSync(job.input), readFileSync(given.own)) === 0, "the same bytes");

  // What can't be taken says so beside its name, and the others go on.
  await page.goto(`${given.url}/#/restore`);
  await page.route(/\/api\/v1\/uploads$/, (route) => route.fulfill({ status: 507, contentType: "application/problem+json", body: JSON.stringify({ status: 507, title: "no space", code: "no-space", detail: "no space left" }) }));
  await page.locator("input[type=file]").setInputFiles(given.own);
  await page.locator(".source .note.bad").waitFor();
  assert.match(await page.locator(".source .note.bad").innerText(), /no space left/);
  assert.ok(await page.getByRole("button", { name: /^Restore/ }).last().isDisabled());
}
