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
  for (const [width, language] of [[320, "en-GB"], [320, "de-DE"], [390, "de-DE"]]) {
    const narrow = await open({ size: { width, height: 640 }, language });
    for (const view of VIEWS) {
      await narrow.goto(`${given.url}/#/${view}`);
      await narrow.waitForTimeout(300);
      assert.ok(await narrow.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${view} at ${width} pixels`);
      await picture(narrow, `${view}-${width}-${language.slice(0, 2)}`);
    }
    const cut = await narrow.locator("nav a span").evaluateAll((all) => all.filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.textContent));
    assert.deepEqual(cut, [], `words of the menu at ${width} pixels, ${language}`);
    await narrow.context().close();
  }
  assert.deepEqual(wrong, []);
}
