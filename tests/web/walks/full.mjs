// A disk that is full: the job says so, on the list and on its page; with room again it goes on by one press. What is sent to a full disk
// says so beside its name.
import { writeFileSync, existsSync } from "node:fs";

export default async function ({ open, api, picture, until, assert, given }) {
  const page = await open({ path: "#/queue", allow: /Failed to load resource/ });
  const made = await api("POST", "/jobs", { input: `${given.files}/${given.film}`, output: `${given.files}/out.mkv`, options: given.options });
  await until(async () => (await page.locator(".job .badge.bad").count()) === 1, "has failed", 120_000);
  assert.match(await page.locator(".job .job-detail").innerText(), /no space left|disk is full|room/i);
  await picture(page, "full-queue");
  await page.locator(".job .job-name").click();
  const told = page.locator(".note.bad").first();
  await told.waitFor();
  assert.match(await told.innerText(), /no space left|disk is full|room/i);
  await picture(page, "full-job");

  // Sent to it.
  await page.goto(`${given.url}/#/restore`);
  await page.locator("input[type=file]").setInputFiles(given.own);
  await page.locator(".source .note.bad").waitFor({ timeout: 60_000 });
  assert.match(await page.locator(".source .note.bad").innerText(), /space|full|room/i);
  await picture(page, "full-upload");

  // Room is made.
  writeFileSync(`${given.signals}/room`, "");
  await until(() => existsSync(`${given.signals}/room.done`), "room", 60_000);
  await page.goto(`${given.url}/#/job/${made.id}`);
  await page.getByRole("button", { name: "Try again" }).click();
  await until(async () => (await api("GET", `/jobs/${made.id}`)).state === "done", "is done", 120_000);
  await page.getByText("What was made").waitFor();
}
