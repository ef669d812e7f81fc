// Words that are not the page's own, kept from what stands around them.
import { marked } from "../texts/foreign.ts";

export function Foreign({ text }: { text: string }) {
  return <bdi>{marked(text)}</bdi>;
}
