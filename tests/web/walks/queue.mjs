// The queue with the mouse and with the keyboard: order, pause, cancel, retry, remove and undo, several at once, filter.
export default async function ({ open, api, picture, until, assert, given }) {
  await api("POST", "/queue/pause");
  const { jobs } = await api("POST", "/jobs", { jobs: given.names.map((n) => ({ input: `${given.files}/${n}`, output: `${given.files}/${n}.out.mp4`, options: given.options })) });
  const page = await open({ path: "#/queue" });
  const rows = page.locator(".job");
  await page.waitForSelector(".job");
  const names = () => page.locator(".job .job-name").allInnerTexts();
  assert.deepEqual(await names(), given.names);
  await page.getByText("The queue is paused").waitFor();

  // Order by keyboard and by mouse; the service has it too.
  await rows.nth(0).focus();
  await page.keyboard.press("Alt+ArrowDown");
  const order = async () => (await api("GET", "/jobs?order=oldest")).jobs.filter((j) => j.state === "queued").sort((a, b) => b.priority - a.priority || a.position - b.position).map((j) => j.id);
  await until(async () => (await order())[1] === jobs[0].id, "moved down by a key");
  await until(async () => (await names())[1] === given.names[0], "shown there");
  const grip = await rows.nth(3).locator(".grip").boundingBox();
  const first = await rows.nth(0).boundingBox();
  await page.mouse.move(grip.x + 8, grip.y + 20);
  await page.mouse.down();
  await page.mouse.move(grip.x + 8, first.y + 40, { steps: 8 });
  await page.mouse.up();
  await until(async () => (await order())[0] === jobs[3].id, "dragged to the front");
  await until(async () => (await names())[0] === given.names[3], "shown at the front");

  // Filter by text and by state.
  await page.getByRole("searchbox", { name: "Search by name" }).fill(given.names[2].toUpperCase());
  await until(async () => (await rows.count()) === 1, "one is left");
  await page.getByRole("searchbox", { name: "Search by name" }).fill("");
  await page.getByRole("button", { name: /^Done/ }).click();
  await page.getByText("No job matches.").waitFor();
  await page.getByRole("button", { name: /^All/ }).click();
  await until(async () => (await rows.count()) === given.names.length, "all are back");

  // Pause one by key, resume it by its button.
  await rows.nth(1).focus();
  const one = (await order())[1];
  await page.keyboard.press("p");
  await until(async () => (await api("GET", `/jobs/${one}`)).state === "paused", "paused");
  await rows.nth(1).getByRole("button", { name: /^Resume/ }).click();
  await until(async () => (await api("GET", `/jobs/${one}`)).state === "queued", "resumed");

  // Several at once: cancelled, tried again.
  await rows.nth(2).getByRole("checkbox").click();
  await rows.nth(3).getByRole("checkbox").click();
  await page.getByText("2 chosen").waitFor();
  await picture(page, "queue-chosen");
  await page.getByRole("toolbar").getByRole("button", { name: "Cancel" }).click();
  await until(async () => (await api("GET", "/jobs?state=cancelled")).jobs.length === 2, "two cancelled");
  await page.getByRole("toolbar").getByRole("button", { name: "Try again" }).click();
  await until(async () => (await api("GET", "/jobs?state=queued")).jobs.length === given.names.length, "two queued again");
  await page.keyboard.press("Escape");

  // Removed, and brought back; removed for good.
  await rows.nth(0).focus();
  await page.keyboard.press("Delete");
  await page.getByText("1 job removed").waitFor();
  await until(async () => (await rows.count()) === given.names.length - 1, "hidden at once");
  await page.getByRole("button", { name: "Undo" }).click();
  await until(async () => (await rows.count()) === given.names.length, "it is back");
  assert.equal((await api("GET", "/jobs")).jobs.length, given.names.length);
  await rows.nth(0).focus();
  await page.keyboard.press("Delete");
  await until(async () => (await api("GET", "/jobs")).jobs.length === given.names.length - 1, "gone from the service", 15_000);

  // All of it goes on, and is seen to end.
  await page.getByRole("button", { name: "Go on" }).click();
  await until(async () => (await page.locator(".job .badge.good").count()) === given.names.length - 1, "all done", 120_000);
  await picture(page, "queue-done");
  await page.getByRole("button", { name: "Clear ended" }).click();
  await page.getByText("Nothing is waiting.").waitFor();
}
