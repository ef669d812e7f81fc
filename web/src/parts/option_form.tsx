// The form of all options, made from the service's table: grouped, searchable, what was changed is marked, what does not go
// together is told in the service's words.
import { useId, useMemo, useState } from "preact/hooks";
import type { Option, OptionValues } from "../service/types.ts";
import { choiceHelp, groupName, optionHelp, optionLabel } from "../texts/option.ts";
import { t } from "../texts/text.ts";
import { Icon } from "./icon.tsx";

export type Values = Readonly<OptionValues>;

// The value that holds: changed, of the preset, or the table's.
export function valueOf(option: Option, changed: Values, preset: Values): string | number | boolean {
  return changed[option.name] ?? preset[option.name] ?? option.default;
}

// Does the option change anything with the others as they are? Otherwise the option that it waits for.
export function waitsFor(option: Option, options: readonly Option[], changed: Values, preset: Values): string {
  for (const [name, values] of Object.entries(option.depends ?? {})) {
    const other = options.find((o) => o.name === name);
    if (other && !values.includes(String(valueOf(other, changed, preset)))) return name;
  }
  return "";
}

// What is found by words in name and help, each word somewhere.
export function matches(option: Option, text: string): boolean {
  const words = text.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const all = `${option.name} ${optionLabel(option.name)} ${option.help} ${optionHelp(option)} ${option.group} ${groupName(option.group)}`.toLocaleLowerCase();
  return words.every((w) => all.includes(w));
}

interface Props {
  options: readonly Option[];
  preset: Values; // of the chosen preset
  values: Values; // changed ones
  problems: Readonly<Record<string, string>>; // by option
  onChange: (name: string, value: string | number | boolean | undefined) => void;
}

export function OptionForm({ options, preset, values, problems, onChange }: Props) {
  const [text, setText] = useState("");
  const [only, setOnly] = useState(false);
  const groups = useMemo(() => {
    const found = new Map<string, Option[]>();
    for (const o of options) {
      if (o.name === "preset" || !matches(o, text) || (only && values[o.name] === undefined)) continue;
      const list = found.get(o.group);
      if (list) list.push(o);
      else found.set(o.group, [o]);
    }
    return [...found];
  }, [options, text, only, values]);
  const changed = Object.keys(values).length;
  const searching = text.trim() !== "" || only;

  return (
    <div class="stack">
      <div class="bar">
        <label class="check">
          <input type="checkbox" checked={only} disabled={!changed} onChange={(e) => setOnly(e.currentTarget.checked)} /> {t("options.changed", { n: changed })}
        </label>
        {changed > 0 && (
          <button class="link" onClick={() => Object.keys(values).forEach((name) => onChange(name, undefined))}>
            {t("options.reset_all")}
          </button>
        )}
        <label class="search">
          <Icon name="search" size={18} />
          <input type="search" value={text} placeholder={t("options.search")} aria-label={t("options.search")} onInput={(e) => setText(e.currentTarget.value)} />
        </label>
      </div>
      {!groups.length && <p class="quiet">{t("options.none")}</p>}
      {groups.map(([group, list]) => {
        const marked = list.filter((o) => values[o.name] !== undefined).length;
        return (
          <details key={group} class="group" open={searching || marked > 0 || undefined}>
            <summary>
              {groupName(group)} <span class="count">{marked ? t("options.marked", { n: marked, of: list.length }) : list.length}</span>
            </summary>
            <div class="option-grid">
              {list.map((o) => (
                <OptionField key={o.name} option={o} value={valueOf(o, values, preset)} changed={values[o.name] !== undefined} waits={waitsFor(o, options, values, preset)} problem={problems[o.name] ?? ""} onChange={onChange} />
              ))}
            </div>
          </details>
        );
      })}
    </div>
  );
}

interface FieldProps {
  option: Option;
  value: string | number | boolean;
  changed: boolean;
  waits: string;
  problem: string;
  onChange: Props["onChange"];
}

export function OptionField({ option, value, changed, waits, problem, onChange }: FieldProps) {
  const id = useId();
  const range = option.min !== undefined && option.max !== undefined ? t("options.range", { min: option.min, max: option.max }) : "";
  const chosen = choiceHelp(option, String(value));
  return (
    <div class={`option${changed ? " changed" : ""}${waits ? " idle" : ""}`}>
      <div class="option-head">
        <label for={id}>{optionLabel(option.name)}</label>
        {changed && (
          <button class="link" onClick={() => onChange(option.name, undefined)} aria-label={t("options.reset", { name: optionLabel(option.name) })}>
            {t("options.back")}
          </button>
        )}
      </div>
      <Control id={id} option={option} value={value} onChange={onChange} />
      <p class="option-help" id={`${id}-help`}>
        {chosen ? `${chosen}. ` : ""}
        {optionHelp(option)}
        {option.unit ? ` (${option.unit})` : ""}
        {range ? ` · ${range}` : ""}
      </p>
      {waits && <p class="option-help">{t("options.waits", { name: optionLabel(waits) })}</p>}
      {problem && (
        <p class="note bad" role="alert">
          <Icon name="error" size={18} /> {problem}
        </p>
      )}
    </div>
  );
}

function Control({ id, option, value, onChange }: { id: string; option: Option; value: string | number | boolean; onChange: Props["onChange"] }) {
  const help = `${id}-help`;
  const set = (to: string | number | boolean): void => onChange(option.name, to);
  if (option.kind === "switch")
    return <input id={id} type="checkbox" role="switch" aria-describedby={help} checked={value === true || value === "on"} onChange={(e) => set(e.currentTarget.checked)} />;
  if (option.choices?.length && option.kind === "choice")
    return (
      <select id={id} aria-describedby={help} value={String(value)} onChange={(e) => set(e.currentTarget.value)}>
        {option.choices.map((c) => (
          <option key={c.name} value={c.name} title={choiceHelp(option, c.name)}>
            {c.name}
          </option>
        ))}
      </select>
    );
  if (option.kind === "number" || option.kind === "integer")
    return (
      <input
        id={id}
        type="number"
        aria-describedby={help}
        min={option.min}
        max={option.max}
        step={option.kind === "integer" ? 1 : "any"}
        value={String(value)}
        onChange={(e) => {
          const n = e.currentTarget.valueAsNumber;
          if (Number.isFinite(n)) set(n);
        }}
      />
    );
  return <input id={id} type="text" aria-describedby={help} value={String(value)} placeholder={option.syntax} spellcheck={false} onChange={(e) => set(e.currentTarget.value)} />;
}
