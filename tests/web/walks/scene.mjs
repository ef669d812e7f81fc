// Ten seconds tried before the whole; the whole; a scene of it made again with another setting; the job again with other settings.
export default async function ({ open, api, picture, until, assert, given }) {
  const page = await open({ path: "#/restore", allow: /404/ });
  await page.getByRole("button", { name: "Look on this computer" }).click();
  const dialog = page.getByRole("dialog", { name: "Choose recordings" });
  await dialog.getByRole("button", { name: given.files }).click();
  await dialog.getByRole("checkbox", { name: given.film, exact: true }).check();
  await dialog.getByRole("button", { name: "Take it" }).click();
  await until(async () => !(await page.getByRole("button", { name: "Try 10 seconds" }).isDisabled()), "planned", 60_000);
  await page.getByRole("button", { name: "Try 10 seconds" }).click();
  const video = page.locator("video.excerpt");
  await video.waitFor({ timeout: 180_000 });
  await until(() => video.evaluate((v) => v.readyState >= 2 && v.videoWidth > 0), "it plays", 60_000);
  await picture(page, "scene-excerpt");
  await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();

  const job = await api("POST", "/jobs", { input: `${given.files}/${given.film}`, options: { ...given.options, "keep-work": "on" } });
  await until(async () => (await api("GET", `/jobs/${job.id}`)).state === "done", "done", 120_000);
  await page.goto(`${given.url}/#/job/${job.id}?frame=20`);
  await page.getByRole("button", { name: "Make a scene again from here" }).click();
  for (let i = 0; i < 12; i++) await page.keyboard.press(".");
  await page.getByRole("button", { name: /to here$/ }).click();
  const redo = page.getByRole("dialog", { name: /again$/ });
  await redo.getByRole("searchbox", { name: "Search settings" }).fill("colour saturation");
  await redo.getByLabel("Colour saturation", { exact: true }).fill("0.5");
  await redo.getByLabel("Colour saturation", { exact: true }).press("Enter");
  await redo.getByRole("button", { name: "Make it again" }).click();
  const again = await until(async () => (await api("GET", "/jobs")).jobs.find((j) => j.id !== job.id), "a job that makes it again");
  await until(async () => ["done", "failed"].includes((await api("GET", `/jobs/${again.id}`)).state), "ended", 120_000);
  const made = await api("GET", `/jobs/${again.id}`);
  assert.equal(made.state, "done", made.reason);
  assert.equal(String(made.options["colour-saturation"]), "0.5");
  await picture(page, "scene-again");

  await page.goto(`${given.url}/#/job/${job.id}`);
  await page.getByRole("button", { name: /^More for/ }).click();
  await page.getByRole("menuitem", { name: "Again with other settings" }).click();
  await until(async () => (await page.locator(".source").count()) === 1, "chosen again");
  await until(async () => (await page.locator(".tabs .count").innerText()) !== "", "with its settings");
}
