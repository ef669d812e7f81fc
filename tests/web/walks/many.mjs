// Ten thousand jobs: few rows are drawn, scrolling stays smooth, the end can be reached, a search finds one.
export default async function ({ open, api, picture, until, assert, given }) {
  const count = given.count ?? 10_000;
  await api("POST", "/queue/pause");
  for (let at = 0; at < count; at += 1000)
    await api("POST", "/jobs", { jobs: Array.from({ length: Math.min(1000, count - at) }, (_, i) => ({ input: `${given.files}/tape-${at + i}.avi`, output: `${given.files}/tape-${at + i}.mp4`, options: { preset: "vhs" } })) });
  const page = await open({ path: "#/queue", allow: /404|422/ });
  await until(async () => (await page.locator(".totals").innerText()).includes("10,000 waiting"), "all are known", 60_000);
  assert.ok((await page.locator(".job").count()) < 60);
  // Scroll through all of it, and look at how long each frame takes.
  const frames = await page.evaluate(
    () =>
      new Promise((resolve) => {
        const times = [];
        const end = document.documentElement.scrollHeight;
        let last = performance.now();
        let y = 0;
        const step = (now) => {
          times.push(now - last);
          last = now;
          y += end / 240;
          scrollTo(0, y);
          if (y < end) requestAnimationFrame(step);
          else resolve(times.slice(1));
        };
        requestAnimationFrame(step);
      }),
  );
  await until(async () => (await page.locator(".job .job-name").last().innerText()) === `tape-${count - 1}.avi`, "the last one");
  await picture(page, "many-end");
  assert.ok((await page.locator(".job").count()) < 60);
  frames.sort((a, b) => a - b);
  await page.getByRole("searchbox", { name: "Search by name" }).fill("tape-7777");
  await until(async () => (await page.locator(".job").count()) === 1, "one is found");
  return { median_ms: frames[frames.length >> 1], p95_ms: frames[Math.floor(frames.length * 0.95)] };
}
