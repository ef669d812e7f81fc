// Each view at three sizes, light and dark: pictures to look at, and nothing that axe finds.
const VIEWS = ["restore", "queue", "performance", "logs", "system", "settings"];

export default async function ({ open, picture, axe, assert, given, until }) {
  const wrong = [];
  for (const scheme of ["light", "dark"])
    for (const size of ["phone", "laptop", "wide"]) {
      const page = await open({ size, scheme, language: size === "wide" ? "de-DE" : "en-GB" });
      for (const view of [...VIEWS, ...(given.job ? [`job/${given.job}`] : [])]) {
        await page.goto(`${given.url}/#/${view}`);
        await until(async () => (await page.locator("h1").count()) > 0, view);
        await page.waitForTimeout(300);
        await picture(page, `${view.split("/")[0]}-${size}-${scheme}`);
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${view} ${size}: wider than the window`);
        for (const v of await axe(page)) wrong.push(`${view} ${size} ${scheme}: ${v}`);
      }
      await page.context().close();
    }
  const narrow = await open({ size: { width: 320, height: 640 } });
  for (const view of VIEWS) {
    await narrow.goto(`${given.url}/#/${view}`);
    await narrow.waitForTimeout(300);
    assert.ok(await narrow.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${view} at 320 pixels`);
    await picture(narrow, `${view}-320`);
  }
  assert.deepEqual(wrong, []);
}
