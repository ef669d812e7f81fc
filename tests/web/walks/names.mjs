// Names of files are text, whatever they look like; and of a box of recordings each gets the kind of restoration that fits it.
export default async function ({ open, api, picture, until, assert, given }) {
  await api("POST", "/queue/pause");
  const page = await open({ path: "#/restore" });
  await page.getByRole("button", { name: "Look on this computer" }).click();
  const dialog = page.getByRole("dialog", { name: "Choose recordings" });
  await dialog.getByRole("button", { name: given.files }).click();
  await dialog.getByRole("button", { name: `Choose all ${given.names.length} files here` }).click();
  await picture(page, "names-browse");
  await dialog.getByRole("button", { name: `Take ${given.names.length}` }).click();
  await until(async () => (await page.locator(".source .tag.kind").count()) === given.names.length, "each is measured, and has its kind", 120_000);
  assert.ok(await page.getByRole("radio", { name: /^Each as it needs/ }).isChecked());
  await until(async () => (await page.locator(".compare-pane img").count()) === 2, "before and after", 60_000);
  await picture(page, "names-restore");
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "restore");
  await page.getByRole("button", { name: `Restore all ${given.names.length}` }).click();
  await page.waitForURL(/#\/queue/);
  for (const job of (await api("GET", "/jobs")).jobs) assert.equal(job.options.preset, job.input.includes("script") ? "vhs" : "vhs_heavy", job.input);
  await until(async () => (await page.locator(".job").count()) === given.names.length, "all are listed");
  const shown = await page.locator(".job .job-name bdi").evaluateAll((all) => all.map((e) => e.textContent));
  const names = given.names.map((n) => n.replaceAll("\u202e", "[U+202E]")); // what turns the writing around is shown, not done
  assert.deepEqual([...shown].sort(), names.sort());
  assert.equal(await page.locator(".job img[src='x'], .job b").count(), 0);
  await picture(page, "names-queue");
  for (const size of ["phone", "laptop"]) {
    const small = await open({ path: "#/queue", size });
    await small.waitForSelector(".job");
    // Nothing reaches out of the page.
    assert.ok(await small.evaluate(() => document.documentElement.scrollWidth <= innerWidth), size);
    await picture(small, `names-${size}`);
    await small.context().close();
  }
  for (const job of (await api("GET", "/jobs")).jobs) {
    await page.goto(`${given.url}/#/job/${job.id}`);
    await until(async () => (await page.locator("h1 bdi").textContent()) === job.input.split("/").pop().replaceAll("\u202e", "[U+202E]"), "named as text");
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), job.input);
  }
}
