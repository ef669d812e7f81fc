// Words that are not the page's own (names of files, messages): what is invisible in them, or turns the writing around, is made a visible
// mark, so that "rtl gpm.exe.avi" can't be read as another name than it is. Marks of Arabic and Hebrew writing (U+200E, U+200F, U+061C) and
// joiners of emoji stay.
const INVISIBLE = /[\u0000-\u001f\u007f-\u009f\u200b\u2028-\u202e\u2060\u2066-\u2069\ufeff]/g;

export function marked(text: string): string {
  return text.replace(INVISIBLE, (c) => `[U+${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);
}
