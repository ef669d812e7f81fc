// Settings that act: language and colours at once, a folder that is watched from here on, how many jobs run at once, a message tried.
export default async function ({ open, api, picture, until, axe, assert, given }) {
  const page = await open({ path: "#/settings" });
  await page.getByRole("button", { name: "Watch a folder" }).click();
  const dialog = page.getByRole("dialog", { name: "Choose a folder" });
  await dialog.waitFor();
  await dialog.getByRole("button", { name: given.files }).click();
  await dialog.getByRole("button", { name: given.folder }).click();
  await until(async () => (await dialog.locator(".browse-path").innerText()).endsWith(given.folder), "in the folder");
  await dialog.getByRole("button", { name: "This folder" }).click();
  await page.getByRole("combobox", { name: "How should they look?" }).selectOption("clean");
  await page.getByRole("checkbox", { name: "Restore what is in it already, too" }).check();
  await picture(page, "settings-watch");
  assert.deepEqual(await axe(page), []);
  await page.getByRole("button", { name: "Watch it" }).click();
  await page.getByRole("button", { name: `Watch ${given.files}/${given.folder} no more` }).waitFor();
  const job = await until(async () => (await api("GET", "/jobs")).jobs[0], "its job", 60_000);
  assert.equal(job.options.preset, "clean");
  await page.getByRole("button", { name: `Watch ${given.files}/${given.folder} no more` }).click();
  await until(async () => (await api("GET", "/folders")).folders.length === 0, "taken out");

  const { limits } = await api("GET", "/system");
  if (limits.at_once < limits.at_once_most) {
    await page.getByRole("button", { name: "One more at once" }).click();
    await until(async () => (await api("GET", "/system")).limits.at_once === limits.at_once + 1, "one more at once");
    await page.getByRole("button", { name: "One fewer at once" }).click();
    await until(async () => (await api("GET", "/system")).limits.at_once === limits.at_once, "one fewer");
  }
  await page.getByRole("button", { name: "Deutsch" }).click();
  await page.getByRole("heading", { name: "Einstellungen" }).waitFor();
  await page.getByRole("button", { name: "Dunkel" }).click();
  const dark = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.reload();
  await page.getByRole("heading", { name: "Einstellungen" }).waitFor(); // both are kept
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), dark);
  await picture(page, "settings-german-dark");
  const over = await page.locator(".side nav a").evaluateAll((all) => all.filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.textContent));
  assert.deepEqual(over, [], "words of the menu beside a count");
}
