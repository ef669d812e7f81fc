// How long it takes from a click to what it changes being drawn, while a restore keeps the machine busy.
export default async function ({ open, api, until, given }) {
  await api("POST", "/jobs", { jobs: given.names.map((n) => ({ input: `${given.files}/${n}`, output: `${given.files}/${n}.out.mp4`, options: given.options })) });
  const page = await open({ path: "#/queue", allow: /404/ });
  await until(async () => (await page.locator(".job .meter").count()) > 0, "a restore runs", 60_000);
  const times = await page.evaluate(async (turns) => {
    const times = [];
    const drawn = () => new Promise((r) => requestAnimationFrame(() => setTimeout(r)));
    const pick = (selector, n = 0) => document.querySelectorAll(selector)[n];
    const clicks = [
      () => pick(".chips .chip", 2), // a filter
      () => pick(".chips .chip", 0),
      () => pick(".job input[type=checkbox]", 1), // choose
      () => pick(".job input[type=checkbox]", 1),
      () => pick('.job [aria-haspopup="menu"]'), // a menu
      () => pick('.job [aria-haspopup="menu"]'),
      () => pick('nav a[href="#/settings"]'), // another view
      () => pick('nav a[href="#/queue"]'),
    ];
    for (let i = 0; i < turns; i++)
      for (const find of clicks) {
        const target = find();
        if (!target) continue;
        const from = performance.now();
        target.click();
        await drawn();
        times.push(performance.now() - from);
        await new Promise((r) => setTimeout(r, 40));
      }
    return times;
  }, given.turns ?? 12);
  const running = (await api("GET", "/jobs?state=running")).jobs.length;
  times.sort((a, b) => a - b);
  return { clicks: times.length, median_ms: times[times.length >> 1], p95_ms: times[Math.floor(times.length * 0.95)], running };
}
