// Open pages that only follow, in one of three ways, for some seconds. The caller looks at what it costs the service.
import { writeFileSync } from "node:fs";

export default async function ({ open, until, given }) {
  const pages = [];
  for (let i = 0; i < given.pages; i++) pages.push(await open({ path: `?follow=${given.mode}#/queue`, allow: /404/ }));
  for (const page of pages) await until(async () => (await page.locator(".link-state.live, .link-state.polling").count()) === 1, "connected", 60_000);
  writeFileSync(given.ready, "");
  await pages[0].waitForTimeout(given.seconds * 1000);
  writeFileSync(`${given.ready}.done`, "");
  let heap = 0;
  if (given.heap) {
    const cdp = await pages[0].context().newCDPSession(pages[0]);
    await cdp.send("HeapProfiler.collectGarbage");
    heap = (await cdp.send("Runtime.getHeapUsage")).usedSize;
  }
  return { heap };
}
