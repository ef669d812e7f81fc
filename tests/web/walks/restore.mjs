// A person with a box of tapes: opens the page, reads the introduction, picks a file, keeps the suggestion, starts, watches,
// compares before and after, downloads.
export default async function ({ open, api, picture, until, assert, given }) {
  const began = Date.now();
  const page = await open({ guide: true });
  await page.getByRole("dialog", { name: "Welcome to TerminalAI" }).waitFor();
  await picture(page, "restore-guide");
  for (const button of ["Next", "Next", "Begin"]) await page.getByRole("button", { name: button, exact: true }).click();
  await picture(page, "restore-first");

  // The folder, the file.
  await page.getByRole("button", { name: "Look on this computer" }).click();
  const dialog = page.getByRole("dialog", { name: "Choose recordings" });
  await dialog.waitFor();
  await dialog.getByRole("button", { name: given.files }).click();
  await dialog.getByRole("checkbox", { name: given.film, exact: true }).check();
  await picture(page, "restore-browse");
  await dialog.getByRole("button", { name: "Take it" }).click();

  // What was measured, in plain words; the tape's own picture under each kind.
  await page.locator(".source .words .tag").first().waitFor({ timeout: 60_000 });
  const words = await page.locator(".source .words .tag").allInnerTexts();
  assert.ok(words.some((w) => /interlaced|whole frames|film/.test(w)), words.join(", "));
  await until(async () => (await page.locator(".preset-picture img").count()) >= 3, "pictures under the presets", 120_000);
  assert.equal(await page.locator(".preset .badge", { hasText: "suggested" }).count(), 1);
  await until(async () => (await page.locator(".compare-pane img").count()) === 2, "before and after", 60_000);
  await page.waitForTimeout(300);
  await picture(page, "restore-chosen");

  // A setting that does not go with the others is told before anything begins; then it is taken back.
  await page.getByRole("tab", { name: /^Everything/ }).click();
  await page.getByRole("searchbox", { name: "Search settings" }).fill("denoise strength");
  await until(async () => (await page.locator(".option").count()) > 0, "found");
  await picture(page, "restore-everything");
  await page.getByRole("searchbox", { name: "Search settings" }).fill("");
  await page.getByRole("tab", { name: "Basic" }).click();
  await page.getByRole("button", { name: "Quick" }).click();

  await page.getByRole("button", { name: "Restore it" }).click();
  await page.waitForURL(/#\/queue/);
  const attention = (Date.now() - began) / 1000;
  await page.locator(".job").first().waitFor();
  // A machine that is quick is done before anybody sees it at work.
  const done = page.locator(".job .badge.good, .job .badge.warn");
  await until(async () => (await page.locator(".job .meter").count()) + (await done.count()) > 0, "is at work", 60_000);
  await picture(page, "restore-working");
  await until(async () => (await done.count()) === 1, "is done", 300_000);
  const { jobs } = await api("GET", "/jobs");
  assert.equal(jobs.length, 1);
  assert.equal(jobs[0].state, "done");
  assert.equal(jobs[0].options.quality, "fast");

  // Before and after.
  await page.locator(".job .job-name").click();
  await page.getByText("What was made").waitFor();
  await until(async () => (await page.locator(".compare-pane img").count()) === 2, "two pictures", 60_000);
  await page.waitForTimeout(500);
  await picture(page, "restore-result");
  for (const way of ["Side by side", "One at a time", "Slider"]) {
    await page.getByRole("button", { name: way, exact: true }).click();
    await picture(page, `restore-result-${way.replaceAll(" ", "-").toLowerCase()}`);
  }
  // The frame stays the same in both when one steps and zooms.
  const frame = () => page.locator(".frames output").innerText();
  const was = await frame();
  await page.keyboard.press(".");
  await until(async () => (await frame()) !== was, "one frame on");
  await page.keyboard.press(",");
  await until(async () => (await frame()) === was, "back again");
  await page.locator(".compare-frame").focus();
  await page.keyboard.press("+");
  const transforms = () => page.locator(".compare-pane img").evaluateAll((all) => all.map((e) => e.style.transform));
  await until(async () => (await transforms()).every((t) => /scale\(1\.5\)/.test(t)), "both are nearer");
  const [before, after] = await transforms();
  assert.equal(before, after);

  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download" }).click()]);
  const path = await file.path();
  const { createHash } = await import("node:crypto");
  const { readFileSync } = await import("node:fs");
  const sum = (p) => createHash("sha256").update(readFileSync(p)).digest("hex");
  assert.equal(sum(path), sum(jobs[0].output));
  return { attention, words };
}
