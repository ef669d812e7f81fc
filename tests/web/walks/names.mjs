// Names of files are text, whatever they look like.
export default async function ({ open, api, picture, until, assert, given }) {
  await api("POST", "/jobs", { jobs: given.names.map((n, i) => ({ input: `${given.files}/${n}`, output: `${given.files}/out-${i}.mp4`, options: given.options, batch: "<b>Oma</b>" })) });
  const page = await open({ path: "#/queue" });
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
