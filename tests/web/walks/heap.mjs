// Does the page's memory stay flat while events come in, for as long as is asked?
export default async function ({ open, api, until, assert, given }) {
  const page = await open({ path: "#/queue", allow: /404/ });
  await until(async () => (await page.locator(".link-state.live").count()) === 1, "connected");
  const cdp = await page.context().newCDPSession(page);
  const used = async () => {
    await cdp.send("HeapProfiler.collectGarbage");
    return (await cdp.send("Runtime.getHeapUsage")).usedSize;
  };
  const samples = [];
  const end = Date.now() + given.seconds * 1000;
  let turn = 0;
  while (Date.now() < end) {
    // Jobs come, change and go: each turn leaves the list as it was.
    const { jobs } = await api("POST", "/jobs", { jobs: Array.from({ length: 50 }, (_, i) => ({ input: `${given.files}/${given.film}`, output: `${given.files}/${turn}-${i}.mp4`, options: { preset: "vhs" }, priority: -1 })) });
    const ids = jobs.map((j) => j.id);
    await api("POST", "/jobs/actions", { action: "pause", ids });
    await api("POST", "/jobs/actions", { action: "cancel", ids });
    await api("POST", "/jobs/actions", { action: "remove", ids });
    await page.locator('nav a[href="#/logs"]').click();
    await page.locator('nav a[href="#/queue"]').click();
    turn++;
    if (turn % Math.max(1, given.each ?? 5) === 0) samples.push(await used());
  }
  assert.ok(samples.length >= 4, `${samples.length} samples`);
  // The second half against the first, behind the warm-up.
  const half = samples.slice(1);
  const middle = half.length >> 1;
  const mean = (a) => a.reduce((x, y) => x + y, 0) / a.length;
  return { turns: turn, first_bytes: mean(half.slice(0, middle)), second_bytes: mean(half.slice(middle)) };
}
