import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { de } from "../src/texts/de.ts";
import { en, type Key } from "../src/texts/en.ts";
import { machineDe } from "../src/texts/machine_de.ts";
import { optionsDe } from "../src/texts/options_de.ts";
import { problemsDe } from "../src/texts/problems_de.ts";
import { bytes, clock, fileName, folderName, percent, span } from "../src/texts/format.ts";
import { known, language, preferred, t } from "../src/texts/text.ts";

const keys = Object.keys(en) as Key[];

test("both languages have each text, with the same values", () => {
  assert.deepEqual(Object.keys(de).sort(), [...keys].sort());
  for (const key of keys) {
    const values = (text: string): string[] => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort();
    assert.deepEqual(values(de[key]), values(en[key]), key);
    assert.equal(de[key].split("|").length, en[key].split("|").length, key);
    assert.ok(de[key].trim() && en[key].trim(), key);
  }
});

test("each code of a problem that the program knows has words in both languages", () => {
  // The tables of docs/json.md are held against the program by its own tests.
  const doc = readFileSync(process.env["TA_JSON_MD"] ?? join(process.cwd(), "../docs/json.md"), "utf8");
  const problems = doc.slice(doc.indexOf("## Problems"), doc.indexOf("## Commands"));
  const codes = [...problems.matchAll(/^\| `([a-z-]+)` \| (?:warning|loss|error) /gm), ...problems.slice(problems.indexOf("A failure that has no more")).matchAll(/^\| `([a-z-]+)` \|/gm)].map((m) => m[1] ?? "");
  assert.ok(codes.length > 50, String(codes.length));
  const missing = [...new Set(codes)].filter((c) => !(`record.${c}` in en));
  assert.deepEqual(missing, []);
});

// What only a program's mistake can bring: the service's words have to do.
const FOR_PROGRAMS = "garbled-address no-job no-json-object no-plan no-random no-range no-such-action no-such-change no-such-format no-such-level no-such-order no-such-range no-such-side no-such-state no-watched-folder number option-type options other-offset path-not-whole priority too-long unknown-member upload-taken-over wrong-method".split(" ");

test("each code with which the service refuses has words in German, or is none of a reader's", () => {
  const folder = process.env["TA_SERVER"] ?? join(process.cwd(), "../src/server");
  const codes = new Set<string>();
  for (const name of readdirSync(folder).filter((n) => n.endsWith(".c")))
    for (const m of readFileSync(join(folder, name), "utf8").matchAll(/ta_request_problem\(\s*\w+,\s*[^,;]+,\s*"([a-z-]+)"/g)) codes.add(m[1] ?? "");
  assert.ok(codes.size > 40, String(codes.size));
  assert.deepEqual(
    [...codes].filter((c) => !(c in problemsDe) && !FOR_PROGRAMS.includes(c)),
    [],
  );
  assert.deepEqual(Object.keys(problemsDe).filter((c) => !codes.has(c)), []);
});

test("each network that can be fetched is described in German", () => {
  const names = [...readFileSync(process.env["TA_NETWORKS"] ?? join(process.cwd(), "../models/manifest.yaml"), "utf8").matchAll(/^ *- name: (\S+)/gm)].map((m) => m[1] ?? "");
  assert.ok(names.length > 10, String(names.length));
  assert.deepEqual(Object.keys(machineDe).filter((k) => k.startsWith("network.")).sort(), names.map((n) => `network.${n}`).sort());
});

test("each option of the service's form has German words, and each of its values", { skip: !process.env["TA_OPTIONS"] }, () => {
  const options = JSON.parse(readFileSync(process.env["TA_OPTIONS"] ?? "", "utf8")) as { name: string; kind: string; group: string; choices?: { name: string }[] }[];
  assert.ok(options.length > 80, String(options.length));
  const missing = options.flatMap((o) => {
    const words = optionsDe[o.name];
    if (!words?.[0].trim() || !words[1].trim()) return [o.name];
    return o.kind === "choice" ? (o.choices ?? []).filter((c) => !words[2]?.[c.name]).map((c) => `${o.name} ${c.name}`) : [];
  });
  assert.deepEqual(missing, []);
  assert.deepEqual(Object.keys(optionsDe).filter((n) => !options.some((o) => o.name === n)), []);
  assert.deepEqual([...new Set(options.map((o) => `group.${o.group}`))].filter((k) => !(k in de)), []);
});

test("forms by number, values and unknown names", () => {
  language.set("en");
  assert.equal(t("queue.removed", { n: 1 }), "1 job removed. Files stay.");
  assert.equal(t("queue.removed", { n: 1234 }), "1,234 jobs removed. Files stay.");
  language.set("de");
  assert.equal(t("queue.removed", { n: 1234 }), "1.234 Aufträge entfernt. Dateien bleiben.");
  assert.equal(known("record.no-such-code", "the service's words"), "the service's words");
  assert.equal(t("source.drop", { name: "<img src=x onerror=alert(1)> {n}" }), "<img src=x onerror=alert(1)> {n} nicht restaurieren");
  language.set("en");
});

test("the language is the reader's first that there is", () => {
  assert.equal(preferred(["fr-FR", "de-AT", "en"], null), "de");
  assert.equal(preferred(["fr"], null), "en");
  assert.equal(preferred(["de"], "en"), "en");
});

test("numbers as people write them", () => {
  assert.equal(bytes(0), "0 B");
  assert.equal(bytes(1_234_567), "1.2 MB");
  assert.equal(bytes(45_600_000_000), "46 GB");
  assert.equal(span(0.2), "1 second");
  assert.equal(span(89), "1 minute");
  assert.equal(span(3 * 3600 + 120), "3 h 2 min");
  assert.equal(span(NaN), "–");
  assert.equal(clock(3723.45, true), "1:02:03.4");
  assert.equal(clock(59.99), "0:59");
  assert.equal(percent(0.9999), "99 %");
  assert.equal(percent(1), "100 %");
  assert.equal(percent(-1), "0 %");
  assert.equal(fileName("/a/b c/"), "b c");
  assert.equal(folderName("/a"), "/");
});
