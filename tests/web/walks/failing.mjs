// A job that fails says why in words, on the list and on its own page; a token is asked for; a service that comes back is found.
export default async function ({ open, api, picture, until, assert, given }) {
  const made = await api("POST", "/jobs", { jobs: given.names.map((n) => ({ input: `${given.files}/${n}`, options: given.options })) });
  const page = await open({ path: "#/queue", allow: /Failed to load resource/ });
  await until(async () => (await page.locator(".job .badge.bad").count()) === given.names.length, "all failed", 60_000);
  for (const job of made.jobs) {
    const now = await api("GET", `/jobs/${job.id}`);
    await page.goto(`${given.url}/#/job/${job.id}`);
    const told = page.locator(".note.bad").first();
    await told.waitFor();
    const message = (now.result.message ?? now.reason).replace(`${now.input}: `, "").replace(`${now.output}: `, ""); // their names stand above
    assert.ok((await told.innerText()).includes(message), await told.innerText());
  }
  await picture(page, "failing-job");
}
