// Options in the reader's language, where the catalogue knows them; else in the words of the program's table.
import type { Option } from "../service/types.ts";
import { optionsDe, type OptionWords } from "./options_de.ts";
import { known, language } from "./text.ts";

function words(name: string): OptionWords | undefined {
  return language.value === "de" ? optionsDe[name] : undefined;
}

// "denoise-strength" as a person writes it.
export function optionLabel(name: string): string {
  const plain = name.replace(/-/g, " ");
  return words(name)?.[0] ?? plain.charAt(0).toUpperCase() + plain.slice(1);
}

export const optionHelp = (option: Option): string => words(option.name)?.[1] ?? option.help;

// What a value does; "" where nobody has said.
export function choiceHelp(option: Option, value: string): string {
  return words(option.name)?.[2]?.[value] ?? option.choices?.find((c) => c.name === value)?.help ?? "";
}

export const groupName = (group: string): string => known(`group.${group}`, group);
