// A service that asks for a token: a wrong one is refused, the right one lets in, and is kept for this visit.
export default async function ({ open, picture, until, assert, given }) {
  const page = await open({ path: "#/queue", allow: /401/ });
  const dialog = page.getByRole("dialog", { name: "Who is there?" });
  await dialog.waitFor();
  await picture(page, "token");
  await dialog.getByLabel("Token").fill("wrong");
  await dialog.getByRole("button", { name: "Continue" }).click();
  await dialog.waitFor();
  await dialog.getByLabel("Token").fill(given.token);
  await dialog.getByRole("button", { name: "Continue" }).click();
  await page.getByText("Nothing is waiting.").waitFor();
  await until(async () => (await page.locator(".link-state.live").count()) === 1, "connected");
  await page.reload();
  await page.getByText("Nothing is waiting.").waitFor();
  assert.equal(await dialog.count(), 0);
}
